//! `config.set`, `config.patch` and `config.apply`: three ways to say what the file should hold.

use std::sync::Arc;

use bulkhead_config::{ConfigDocument, ConfigError, check_remote_change, redact};
use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::config::{ConfigApplyParams, ConfigPatchParams, ConfigSetParams};
use bulkhead_server::Reply;
use serde_json::{Value, json};

use crate::clock;
use crate::config_edit::{Base, Change, Changed, refused};
use crate::gateway::Gateway;
use crate::methods::{Call, actor};

/// Largest configuration that is taken at once.
const LONGEST: usize = 512 * 1024;

/// Takes a whole configuration.
pub(super) async fn set(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: ConfigSetParams = call.params()?;
    let base = params.base_hash.as_deref();
    let changed = replace(gateway, &call, "config.set", &params.raw, base, None).await?;
    Reply::json(&json!({
        "ok": true,
        "path": gateway.place.config_path().display().to_string(),
        "hash": changed.hash,
        "config": redact(&changed.value),
        "changedPaths": changed.paths,
    }))
}

/// Takes a whole configuration, and says what it takes to have it in force.
pub(super) async fn apply(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: ConfigApplyParams = call.params()?;
    let (base, note) = (params.base_hash.as_deref(), params.note.as_deref());
    let changed = replace(gateway, &call, "config.apply", &params.raw, base, note).await?;
    answer(gateway, "config.apply", "config-apply", &changed, note)
}

/// Applies a merge patch.
pub(super) async fn patch(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: ConfigPatchParams = call.params()?;
    let patch = parse(&params.raw)?.value();
    if !patch.is_object() {
        return Err(ErrorShape::invalid_request(
            "raw: expected an object, such as {\"logging\":{\"level\":\"info\"}}",
        ));
    }
    let change = Change {
        actor: &actor(&call),
        action: "config.patch",
        base: Base::Known(params.base_hash.as_deref()),
        note: params.note.as_deref(),
    };
    let lists = params.replace_paths.unwrap_or_default();
    let changed = gateway
        .change_config(change, move |document| remotely(document, |doc| doc.merge_guarded(&patch, &lists)))
        .await?;
    answer(gateway, "config.patch", "config-patch", &changed, params.note.as_deref())
}

async fn replace(
    gateway: &Arc<Gateway>,
    call: &Call<'_>,
    action: &'static str,
    raw: &str,
    base: Option<&str>,
    note: Option<&str>,
) -> Result<Changed, ErrorShape> {
    let wanted = parse(raw)?;
    let change = Change { actor: &actor(call), action, base: Base::Known(base), note };
    gateway.change_config(change, move |document| remotely(document, |doc| doc.replace_with(&wanted))).await
}

fn parse(raw: &str) -> Result<ConfigDocument, ErrorShape> {
    if raw.len() > LONGEST {
        return Err(ErrorShape::invalid_request(format!(
            "raw: found {} bytes, expected at most {LONGEST}; change less at a time",
            raw.len()
        )));
    }
    ConfigDocument::parse("raw", raw).map_err(|error| refused(&error))
}

/// A change that comes from elsewhere leaves alone what only changes on this machine.
fn remotely(
    document: &mut ConfigDocument,
    edit: impl FnOnce(&mut ConfigDocument) -> Result<(), ConfigError>,
) -> Result<(), ConfigError> {
    let before = document.value();
    edit(document)?;
    check_remote_change(&before, &document.value())
}

/// What was done, and the note for whoever looks after a restart.
fn answer(
    gateway: &Gateway,
    mode: &str,
    kind: &str,
    changed: &Changed,
    note: Option<&str>,
) -> Result<Reply, ErrorShape> {
    let path = gateway.place.config_path().display().to_string();
    let mut stats = json!({"mode": mode, "root": path, "requiresRestart": !changed.restart.is_empty()});
    if !changed.restart.is_empty() {
        stats["restartReasons"] = changed.restart.clone().into();
    }
    let mut result = json!({
        "ok": true,
        "path": path,
        "hash": changed.hash,
        "config": redact(&changed.value),
        "changedPaths": changed.paths,
        "sentinel": {
            "persisted": true,
            "payload": {
                "kind": kind, "status": "ok", "ts": clock::now_ms(), "message": note.map_or(Value::Null, Value::from),
                "stats": stats,
            },
        },
    });
    if !changed.restart.is_empty() {
        let command = format!("bulkhead --profile {} gateway restart", gateway.place.name().as_str());
        result["sentinel"]["payload"]["doctorHint"] =
            format!("{} takes effect after a restart: {command}", changed.restart.join(", ")).into();
    }
    Reply::json(&result)
}

#[cfg(test)]
mod tests {
    use bulkhead_config::ConfigStore;

    use super::*;
    use crate::config_edit::write;

    #[test]
    fn what_only_changes_here_does_not_change_from_elsewhere() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bulkhead.json");
        std::fs::write(&path, "{ // note\n gateway: { bind: \"loopback\" } }").unwrap();
        let store = ConfigStore::at(&path, &dir.path().join("good.json"));
        let change = |raw: &str| {
            let wanted = parse(raw).unwrap();
            write(&store, None, |document| remotely(document, |doc| doc.replace_with(&wanted)))
        };
        let local = change(r#"{"gateway":{"bind":"lan"}}"#).map(drop).unwrap_err();
        assert!(matches!(local, ConfigError::LocalOnly { .. }), "{local}");
        let hooks =
            change(r#"{"gateway":{"bind":"loopback"},"hooks":{"enabled":true}}"#).map(drop).unwrap_err();
        assert!(matches!(hooks, ConfigError::LocalOnly { .. }), "{hooks}");
        change(r#"{"gateway":{"bind":"loopback"},"logging":{"level":"debug"}}"#).unwrap();
        assert!(std::fs::read_to_string(&path).unwrap().contains("// note"));
    }
}
