//! What may change from outside this machine.

use serde_json::Value;

use crate::fields::{self, same_host};
use crate::path::{ConfigPath, Segment};
use crate::{ConfigError, is_local_only};

/// Whether a change may come from outside this machine: by the protocol, or by an agent.
///
/// Refused are fields that only change locally, SecretRefs, and addresses that would lead a secret to another host.
pub fn check_remote_change(old: &Value, new: &Value) -> Result<(), ConfigError> {
    let changed = changes(&ConfigPath::root(), old, new);
    match changed.into_iter().find(|(path, old, new)| forbidden(path, old, new)) {
        Some((path, _, _)) => Err(ConfigError::LocalOnly { path: path.to_string() }),
        None => Ok(()),
    }
}

fn forbidden(path: &ConfigPath, old: &Value, new: &Value) -> bool {
    if fields::is_sensitive(path) {
        return old.is_object() || new.is_object();
    }
    let last_is = |names: &[&str]| matches!(path.segments().last(), Some(Segment::Key(key)) if names.contains(&key.as_str()));
    if last_is(&["baseUrl", "apiRoot"]) {
        return !new.is_null() && !same_host(old, new);
    }
    is_local_only(&path.to_string())
}

/// The leaves that differ. A SecretRef counts as one leaf.
pub(crate) fn changes<'v>(
    path: &ConfigPath,
    old: &'v Value,
    new: &'v Value,
) -> Vec<(ConfigPath, &'v Value, &'v Value)> {
    static NOTHING: Value = Value::Null;
    if old == new {
        return Vec::new();
    }
    if fields::is_sensitive(path) {
        return vec![(path.clone(), old, new)];
    }
    match (old, new) {
        (Value::Object(_), _) | (_, Value::Object(_)) if !(old.is_array() || new.is_array()) => {
            let mut keys: Vec<&String> =
                old.as_object().into_iter().chain(new.as_object()).flat_map(|map| map.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            if keys.is_empty() {
                return vec![(path.clone(), old, new)];
            }
            keys.into_iter()
                .flat_map(|key| {
                    let pick = |value: &'v Value| value.get(key.as_str()).unwrap_or(&NOTHING);
                    changes(&path.key(key), pick(old), pick(new))
                })
                .collect()
        }
        (Value::Array(a), Value::Array(b)) if shape_matters(path) => (0..a.len().max(b.len()))
            .flat_map(|index| {
                let pick = |items: &'v [Value]| items.get(index).unwrap_or(&NOTHING);
                changes(&path.index(index), pick(a), pick(b))
            })
            .collect(),
        _ => vec![(path.clone(), old, new)],
    }
}

fn shape_matters(path: &ConfigPath) -> bool {
    fields::Shape::root().at(path).is_some_and(|shape| shape.entry.is_some())
}
