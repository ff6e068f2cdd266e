//! Another content from an old one: patches merged in, secrets put back, lists compared. Pure, values only.

use serde_json::{Map, Value};

use crate::ConfigError;
use crate::path::ConfigPath;
use crate::redact::{REDACTED, redact};

/// How a patch may treat lists.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Lists<'a> {
    /// As RFC 7396 has it: a list replaces a list.
    Replace,
    /// Lists of objects with ids merge by id; any other list loses entries only at these paths. The paths are written
    /// with `[]` for the entries of a list.
    Guarded(&'a [String]),
}

/// The old content with a merge patch (RFC 7396) applied: `null` removes, objects merge.
///
/// A redaction placeholder keeps what is stored; where nothing is stored it is refused.
pub(crate) fn merged(old: &Value, patch: &Value, lists: Lists<'_>) -> Result<Value, ConfigError> {
    let shown = redact(old);
    let place = Place { path: ConfigPath::root(), name: String::new() };
    Ok(merge(&place, Some(old), Some(&shown), patch, lists)?.unwrap_or_else(|| Value::Object(Map::new())))
}

/// A new content in which the placeholders of a redacted copy are the stored values again.
///
/// Entries of a list are recognised by their `id`, or by their place where the list has as many entries as before. What
/// cannot be recognised is refused: the secret of one entry must not become another's.
pub(crate) fn restored(old: &Value, wanted: &Value) -> Result<Value, ConfigError> {
    let shown = redact(old);
    restore(&ConfigPath::root(), Some(old), Some(&shown), wanted)
}

/// The entries of a list that another one no longer has, when it is else in the same order; the last ones, when that
/// cannot be told. So comments stay with the entry that they are about.
pub(crate) fn gone(before: &[Value], after: &[Value]) -> Vec<usize> {
    let too_many = before.len().saturating_sub(after.len());
    let tail = || (before.len() - too_many..before.len()).collect();
    if too_many == 0 {
        return Vec::new();
    }
    let name = |value: &Value| value.get("id").cloned().unwrap_or_else(|| value.clone());
    let names: Vec<Value> = after.iter().map(name).collect();
    let mut next = names.iter().peekable();
    let mut left = Vec::new();
    for (index, entry) in before.iter().enumerate() {
        if next.peek() == Some(&&name(entry)) {
            next.next();
        } else {
            left.push(index);
        }
    }
    if left.len() == too_many { left } else { tail() }
}

/// A place in the content, and how `replacePaths` names it.
struct Place {
    path: ConfigPath,
    name: String,
}

impl Place {
    fn key(&self, key: &str) -> Self {
        let name = if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) };
        Self { path: self.path.key(key), name }
    }

    fn entry(&self, index: usize) -> Self {
        Self { path: self.path.index(index), name: format!("{}[]", self.name) }
    }

    fn may_shrink(&self, lists: Lists<'_>) -> bool {
        match lists {
            Lists::Replace => true,
            Lists::Guarded(replace) => replace.contains(&self.name),
        }
    }

    fn shrinks(&self) -> ConfigError {
        ConfigError::ListShrinks { path: self.name.clone() }
    }
}

fn merge(
    place: &Place,
    old: Option<&Value>,
    shown: Option<&Value>,
    patch: &Value,
    lists: Lists<'_>,
) -> Result<Option<Value>, ConfigError> {
    match (old, patch) {
        (Some(old), Value::Null) => {
            lists_go(place, old, lists)?;
            Ok(None)
        }
        (None, Value::Null) => Ok(None),
        (_, Value::Object(entries)) => {
            let known = old.and_then(Value::as_object);
            if let (None, Some(old)) = (known, old) {
                lists_go(place, old, lists)?;
            }
            let mut merged = known.cloned().unwrap_or_default();
            for (key, value) in entries {
                let old = known.and_then(|map| map.get(key));
                let shown = shown.and_then(|shown| shown.get(key));
                match merge(&place.key(key), old, shown, value, lists)? {
                    Some(value) => merged.insert(key.clone(), value),
                    None => merged.remove(key),
                };
            }
            Ok(Some(Value::Object(merged)))
        }
        (Some(Value::Array(entries)), Value::Array(wanted)) => {
            let by_id = !place.may_shrink(lists) && have_ids(entries) && have_ids(wanted);
            if by_id {
                return merge_by_id(place, entries, shown, wanted, lists)
                    .map(|list| Some(Value::Array(list)));
            }
            let restored = restore(&place.path, old, shown, patch)?;
            let now = restored.as_array().map(Vec::as_slice).unwrap_or_default();
            if !place.may_shrink(lists) && entries.iter().any(|entry| !now.contains(entry)) {
                return Err(place.shrinks());
            }
            Ok(Some(restored))
        }
        (old, patch) => {
            if let Some(old) = old {
                lists_go(place, old, lists)?;
            }
            restore(&place.path, old, shown, patch).map(Some)
        }
    }
}

/// Whether the lists in a value that goes away may go.
fn lists_go(place: &Place, old: &Value, lists: Lists<'_>) -> Result<(), ConfigError> {
    match old {
        Value::Array(_) if !place.may_shrink(lists) => Err(place.shrinks()),
        Value::Object(map) => map.iter().try_for_each(|(key, value)| lists_go(&place.key(key), value, lists)),
        _ => Ok(()),
    }
}

fn have_ids(entries: &[Value]) -> bool {
    !entries.is_empty() && entries.iter().all(|entry| entry.get("id").is_some_and(Value::is_string))
}

fn merge_by_id(
    place: &Place,
    entries: &[Value],
    shown: Option<&Value>,
    wanted: &[Value],
    lists: Lists<'_>,
) -> Result<Vec<Value>, ConfigError> {
    let mut list = entries.to_vec();
    for patch in wanted {
        let at = entries.iter().position(|entry| entry["id"] == patch["id"]);
        let old = at.and_then(|at| entries.get(at));
        let shown = entry_at(shown, at);
        let index = at.unwrap_or(list.len());
        let Some(entry) = merge(&place.entry(index), old, shown, patch, lists)? else { continue };
        match list.get_mut(index) {
            Some(slot) => *slot = entry,
            None => list.push(entry),
        }
    }
    Ok(list)
}

fn restore(
    path: &ConfigPath,
    old: Option<&Value>,
    shown: Option<&Value>,
    wanted: &Value,
) -> Result<Value, ConfigError> {
    match wanted {
        Value::String(text) if text.contains(REDACTED) => old
            .filter(|_| shown == Some(wanted))
            .cloned()
            .ok_or_else(|| ConfigError::Redacted { path: path.to_string() }),
        Value::Array(entries) => {
            let before = shown.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            entries
                .iter()
                .enumerate()
                .map(|(index, entry)| {
                    let at = same_entry(before, entries.len(), entry, index);
                    restore(&path.index(index), entry_at(old, at), entry_at(shown, at), entry)
                })
                .collect::<Result<_, _>>()
                .map(Value::Array)
        }
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| {
                let restored = restore(&path.key(key), value_at(old, key), value_at(shown, key), value)?;
                Ok((key.clone(), restored))
            })
            .collect::<Result<_, _>>()
            .map(Value::Object),
        other => Ok(other.clone()),
    }
}

fn entry_at(list: Option<&Value>, at: Option<usize>) -> Option<&Value> {
    list?.get(at?)
}

fn value_at<'v>(map: Option<&'v Value>, key: &str) -> Option<&'v Value> {
    map?.get(key)
}

/// Which entry of the list before is this one.
fn same_entry(before: &[Value], count: usize, entry: &Value, index: usize) -> Option<usize> {
    match entry.get("id") {
        Some(id) => before.iter().position(|known| known.get("id") == Some(id)),
        None => (before.len() == count).then_some(index),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn placeholders_come_back_to_the_entry_that_they_are_of() {
        let old = json!({"list": [{"id": "a", "token": "of-a"}, {"id": "b", "token": "of-b"}]});
        let wanted = json!({"list": [{"id": "b", "token": REDACTED}]});
        assert_eq!(restored(&old, &wanted).unwrap(), json!({"list": [{"id": "b", "token": "of-b"}]}));
        let nameless = json!({"list": [{"token": "one"}, {"token": "two"}]});
        let fewer = json!({"list": [{"token": REDACTED}]});
        assert!(
            matches!(restored(&nameless, &fewer), Err(ConfigError::Redacted { path }) if path == "list[0].token")
        );
        let new = json!({"other": {"token": REDACTED}});
        assert!(restored(&old, &new).is_err());
    }

    #[test]
    fn a_guarded_patch_merges_by_id_and_loses_no_entry_unasked() {
        let old = json!({
            "models": [{"id": "a", "name": "A", "input": ["text"]}, {"id": "b", "name": "B"}],
            "allowFrom": ["1", "2"], "deep": {"list": [1]},
        });
        let guarded = |patch: Value, paths: &[&str]| {
            let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
            merged(&old, &patch, Lists::Guarded(&paths)).map_err(|error| error.code())
        };
        let done = guarded(json!({"models": [{"id": "b", "name": "Bee"}, {"id": "c"}]}), &[]).unwrap();
        assert_eq!(
            done["models"],
            json!([{"id": "a", "name": "A", "input": ["text"]}, {"id": "b", "name": "Bee"}, {"id": "c"}])
        );
        assert_eq!(guarded(json!({"allowFrom": ["1", "2", "3"]}), &[]).unwrap()["allowFrom"][2], "3");
        for patch in [
            json!({"allowFrom": ["1"]}),
            json!({"allowFrom": null}),
            json!({"deep": null}),
            json!({"models": [{"id": "a", "input": []}]}),
        ] {
            assert_eq!(guarded(patch.clone(), &[]), Err("config.list-shrinks"), "{patch}");
        }
        assert_eq!(guarded(json!({"allowFrom": ["1"]}), &["allowFrom"]).unwrap()["allowFrom"], json!(["1"]));
        assert!(guarded(json!({"deep": null}), &["deep.list"]).unwrap().get("deep").is_none());
        let nested = guarded(json!({"models": [{"id": "a", "input": []}]}), &["models[].input"]).unwrap();
        assert_eq!(nested["models"][0]["input"], json!([]));
        assert_eq!(
            guarded(json!({"models": [{"id": "z"}]}), &["models"]).unwrap()["models"],
            json!([{"id": "z"}])
        );
    }

    #[test]
    fn what_went_from_a_list_is_found_by_name() {
        let list = |ids: &[&str]| ids.iter().map(|id| json!({"id": id})).collect::<Vec<_>>();
        assert_eq!(gone(&list(&["a", "b", "c"]), &list(&["a", "c"])), [1]);
        assert_eq!(gone(&list(&["a", "b", "c"]), &list(&["c", "a"])), [2]);
        assert_eq!(gone(&[json!(1), json!(2)], &[json!(2)]), [0]);
        assert!(gone(&list(&["a"]), &list(&["a", "b"])).is_empty());
    }
}
