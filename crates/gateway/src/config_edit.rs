//! Changes of the configuration that come by the protocol: checked, written if nobody wrote in between, recorded, in force.

use std::sync::Arc;

use bulkhead_config::{
    ConfigDocument, ConfigError, ConfigIssue, ConfigOrigin, ConfigStore, IssueSeverity, validate_document,
};
use bulkhead_protocol::ErrorShape;
use serde_json::{Value, json};

use crate::gateway::Gateway;

/// Who changes what, and on which ground.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change<'a> {
    /// Device or client, for the record.
    pub(crate) actor: &'a str,
    /// What is done, such as `config.patch`.
    pub(crate) action: &'static str,
    /// Hash of the version that the caller knows; refused if it is another one by now.
    pub(crate) base: Base<'a>,
    /// Why, if the caller says.
    pub(crate) note: Option<&'a str>,
}

/// The version on which a change is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Base<'a> {
    /// Whatever is there.
    Present,
    /// This one. Nothing is right only while there is no file.
    Known(Option<&'a str>),
}

/// A change that was written.
#[derive(Debug)]
pub(crate) struct Changed {
    pub(crate) hash: String,
    /// The whole content, secrets included.
    pub(crate) value: Value,
    /// What differs, without values.
    pub(crate) paths: Vec<String>,
    /// What only a restart brings into force.
    pub(crate) restart: Vec<String>,
}

impl Gateway {
    /// Changes the configuration file and puts the result in force.
    pub(crate) async fn change_config(
        self: &Arc<Self>,
        change: Change<'_>,
        edit: impl FnOnce(&mut ConfigDocument) -> Result<(), ConfigError> + Send + 'static,
    ) -> Result<Changed, ErrorShape> {
        let one_at_a_time = self.config_writes.lock().await;
        let store = ConfigStore::new(&self.place);
        let base = match change.base {
            Base::Present => None,
            Base::Known(hash) => Some(hash.map(str::to_owned)),
        };
        let mut changed = tokio::task::spawn_blocking(move || write(&store, base, edit))
            .await
            .map_err(|_| ErrorShape::unavailable("writing the configuration was interrupted; read it again"))?
            .map_err(|error| refused(&error))?;
        drop(one_at_a_time);
        if !changed.paths.is_empty() {
            let mut detail = json!({"paths": changed.paths, "hash": changed.hash});
            if let Some(note) = change.note {
                detail["note"] = note.chars().take(500).collect::<String>().into();
            }
            if let Err(error) = self.store.audit().append(change.actor, change.action, &detail).await {
                tracing::warn!(%error, "the change of the configuration could not be recorded");
            }
        }
        changed.restart = self.reload().await;
        Ok(changed)
    }
}

/// Reads, changes, checks and writes. `base`: the hash that the caller must know, or nothing if it need not.
#[allow(clippy::option_option, reason = "nobody has to know it, somebody knows none, somebody knows one")]
pub(crate) fn write(
    store: &ConfigStore,
    base: Option<Option<String>>,
    edit: impl FnOnce(&mut ConfigDocument) -> Result<(), ConfigError>,
) -> Result<Changed, ConfigError> {
    let loaded = store.load_current()?;
    let file = || store.path().display().to_string();
    match base {
        Some(None) if loaded.source != ConfigOrigin::Missing => {
            return Err(ConfigError::NoBase { file: file() });
        }
        Some(Some(base)) if base != loaded.hash => {
            return Err(ConfigError::Stale { file: file(), found: loaded.hash, expected: base });
        }
        _ => {}
    }
    let before = loaded.document.value();
    let mut document = loaded.document;
    edit(&mut document)?;
    let issues = validate_document(&document);
    if issues.iter().any(|issue| issue.severity == IssueSeverity::Error) {
        return Err(ConfigError::Invalid { file: file(), issues });
    }
    let after = document.value();
    let written = store.write(&document, Some(&loaded.hash))?;
    let mut paths = Vec::new();
    differing("", &before, &after, &mut paths);
    Ok(Changed { hash: written.hash, paths, value: after, restart: Vec::new() })
}

/// The places that differ, as deep as both sides are objects.
fn differing(at: &str, before: &Value, after: &Value, found: &mut Vec<String>) {
    if before == after {
        return;
    }
    let (Value::Object(old), Value::Object(new)) = (before, after) else { return found.push(at.to_owned()) };
    let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
    keys.sort();
    keys.dedup();
    for key in keys {
        let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
        match (old.get(key), new.get(key)) {
            (Some(old), Some(new)) => differing(&path, old, new, found),
            _ => found.push(path),
        }
    }
}

/// Why a change was refused, as the protocol tells it.
pub(crate) fn refused(error: &ConfigError) -> ErrorShape {
    let shape = match error {
        ConfigError::Stale { .. } => {
            ErrorShape::invalid_request("config changed since last load; re-run config.get and retry")
        }
        ConfigError::NoBase { .. } => ErrorShape::invalid_request(
            "config base hash required; re-run config.get and retry with its hash as baseHash",
        ),
        ConfigError::Broken { .. } | ConfigError::Suspicious { .. } => {
            ErrorShape::unavailable(error.to_string())
        }
        ConfigError::Invalid { issues, .. } => {
            return ErrorShape::invalid_request(format!("invalid config: {error}"))
                .with_details(json!({"code": error.code(), "issues": told(issues)}));
        }
        _ => ErrorShape::invalid_request(error.to_string()),
    };
    shape.with_detail_code(error.code())
}

/// Issues as the protocol tells them.
pub(crate) fn told(issues: &[ConfigIssue]) -> Vec<Value> {
    issues
        .iter()
        .map(|issue| {
            json!({
                "path": issue.path, "message": issue.to_string(), "line": issue.line, "column": issue.column,
                "found": issue.found, "expected": issue.expected, "nextStep": issue.next_step,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_named_as_deep_as_it_is_the_same_object() {
        let mut found = Vec::new();
        let before = json!({"a": {"x": 1, "y": [1]}, "gone": 1});
        differing("", &before, &json!({"a": {"x": 2, "y": [1, 2]}, "new": {"deep": 1}}), &mut found);
        assert_eq!(found, ["a.x", "a.y", "gone", "new"]);
    }

    #[test]
    fn a_change_needs_the_hash_of_the_present_version() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bulkhead.json");
        let store = ConfigStore::at(&path, &dir.path().join("good.json"));
        let level =
            |level: &'static str| move |doc: &mut ConfigDocument| doc.set("logging.level", level.into());
        let first = write(&store, Some(None), level("info")).unwrap();
        let error = |base: Option<&str>| {
            write(&store, Some(base.map(str::to_owned)), level("warn")).map(drop).unwrap_err()
        };
        assert!(refused(&error(None)).message.starts_with("config base hash required"));
        assert!(refused(&error(Some("sha256:0"))).message.starts_with("config changed since last load"));
        let done = write(&store, Some(Some(first.hash)), level("debug")).unwrap();
        assert_eq!(done.paths, ["logging.level"]);
        assert!(write(&store, None, level("debug")).unwrap().paths.is_empty());
    }
}
