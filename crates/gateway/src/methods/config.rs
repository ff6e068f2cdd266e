//! `config.*`: read, patch, schema. Secrets leave redacted, and what may only change on this machine does not change here.

use std::sync::Arc;

use bulkhead_config::{
    ConfigDocument, ConfigError, ConfigIssue, ConfigStore, IssueSeverity, check_remote_change, redact,
    redacted_text, schema, ui_hints, validate_document,
};
use bulkhead_protocol::{ErrorShape, Scope};
use bulkhead_server::Reply;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Call;
use crate::clock;
use crate::gateway::{Gateway, VERSION};

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "config.get" => get,
    "config.patch" => patch,
    "config.schema" => schema_of,
};

/// Largest patch.
const LONGEST: usize = 512 * 1024;

/// The file with everything that is known of it.
pub(super) async fn get(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let settings = gateway.settings.now();
    let store = ConfigStore::new(&gateway.place);
    let (file, hash) = tokio::task::spawn_blocking(move || (store.load_current(), store.hash()))
        .await
        .map_err(|_| ErrorShape::unavailable("reading the configuration was interrupted; try again"))?;
    let path = gateway.place.config_path();
    let hash = hash.unwrap_or_default();
    let (raw, parsed, issues, warnings) = match file {
        Ok(loaded) => {
            let value = loaded.document.value();
            (redacted_text(&loaded.document), redact(&value), Vec::new(), loaded.warnings)
        }
        Err(ConfigError::Invalid { issues, .. }) => (None, json!({}), issues, Vec::new()),
        Err(error) => (None, json!({}), vec![whole_file(&error)], Vec::new()),
    };
    let valid = issues.is_empty();
    let mut result = json!({
        "path": path.display().to_string(),
        "exists": path.exists(),
        "raw": raw,
        "parsed": parsed,
        "sourceConfig": parsed,
        "resolved": parsed,
        "runtimeConfig": parsed,
        "config": parsed,
        "valid": valid,
        "hash": hash,
        "issues": told(&issues),
        "warnings": told(&warnings),
        "legacyIssues": [],
        "configRevisionHash": hash,
        "appliedConfigHash": settings.hash,
    });
    if let Some(problem) = &settings.problem {
        result["lastGoodInUse"] = true.into();
        result["problem"] = problem.message.clone().into();
        result["problemCode"] = problem.code.clone().into();
    }
    if !call.ctx.conn.allows(Scope::OperatorAdmin) {
        // Comments may hold anything; only who may write the file sees its text.
        result["raw"] = Value::Null;
    }
    Reply::json(&result)
}

fn whole_file(error: &ConfigError) -> ConfigIssue {
    ConfigIssue {
        severity: IssueSeverity::Error,
        path: String::new(),
        line: 0,
        column: 0,
        found: error.to_string(),
        expected: "a configuration that can be read".to_owned(),
        next_step: "Repair the file, or go back with `bulkhead config rollback`.".to_owned(),
    }
}

fn told(issues: &[ConfigIssue]) -> Vec<Value> {
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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PatchParams {
    raw: String,
    base_hash: Option<String>,
    #[serde(default)]
    replace_paths: Vec<String>,
}

/// Applies a merge patch if nobody wrote in between, and puts the result in force.
pub(super) async fn patch(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: PatchParams = call.params()?;
    if params.raw.len() > LONGEST {
        return Err(ErrorShape::invalid_request(format!(
            "raw: found {} bytes, expected at most {LONGEST}; change less at a time",
            params.raw.len()
        )));
    }
    let Some(base) = params.base_hash else {
        return Err(ErrorShape::invalid_request(
            "config base hash required; call config.get and send its hash as baseHash",
        ));
    };
    let patch = ConfigDocument::parse("raw", &params.raw).map_err(|error| refused(&error))?.value();
    if !patch.is_object() {
        return Err(ErrorShape::invalid_request(
            "raw: expected an object, such as {\"logging\":{\"level\":\"info\"}}",
        ));
    }
    let _one_at_a_time = gateway.config_writes.lock().await;
    let store = ConfigStore::new(&gateway.place);
    let changed = tokio::task::spawn_blocking(move || apply(&store, &base, &patch, &params.replace_paths))
        .await
        .map_err(|_| ErrorShape::unavailable("writing the configuration was interrupted; read it again"))?
        .map_err(|error| refused(&error))?;
    let actor =
        call.ctx.conn.device_id.as_ref().map_or_else(
            || format!("client:{}", call.ctx.conn.client.id),
            |device| format!("device:{device}"),
        );
    let detail = json!({"paths": changed.paths, "hash": changed.hash});
    if let Err(error) = gateway.store.audit().append(&actor, "config.patch", &detail).await {
        tracing::warn!(%error, "the change of the configuration could not be recorded");
    }
    let restart = gateway.reload().await;
    Reply::json(&json!({
        "ok": true,
        "path": gateway.place.config_path().display().to_string(),
        "hash": changed.hash,
        "config": redact(&changed.value),
        "changedPaths": changed.paths,
        "sentinel": {
            "persisted": true,
            "payload": {
                "kind": "config-patch", "status": "ok", "ts": clock::now_ms(), "message": null,
                "stats": {
                    "mode": "config.patch",
                    "root": gateway.place.config_path().display().to_string(),
                    "requiresRestart": !restart.is_empty(),
                    "restartReasons": restart,
                },
            },
        },
    }))
}

/// A change that was written.
struct Changed {
    hash: String,
    value: Value,
    paths: Vec<String>,
}

fn apply(store: &ConfigStore, base: &str, patch: &Value, replace: &[String]) -> Result<Changed, ConfigError> {
    let loaded = store.load_current()?;
    if loaded.hash != base {
        return Err(ConfigError::Stale {
            file: store.path().display().to_string(),
            found: loaded.hash,
            expected: base.to_owned(),
        });
    }
    let before = loaded.document.value();
    let mut document = loaded.document;
    for path in replace {
        document.unset(path)?;
    }
    document.merge_patch(patch)?;
    let after = document.value();
    check_remote_change(&before, &after)?;
    let issues = validate_document(&document);
    if issues.iter().any(|issue| issue.severity == IssueSeverity::Error) {
        return Err(ConfigError::Invalid { file: store.path().display().to_string(), issues });
    }
    let written = store.write(&document, Some(base))?;
    Ok(Changed { hash: written.hash, paths: differing(&before, &after), value: after })
}

/// The top-level keys (and, inside `gateway`, the second level) that differ.
fn differing(before: &Value, after: &Value) -> Vec<String> {
    let (Value::Object(before), Value::Object(after)) = (before, after) else { return Vec::new() };
    let mut keys: Vec<String> = after
        .iter()
        .filter(|(key, value)| before.get(*key) != Some(*value))
        .map(|(key, _)| key.clone())
        .chain(before.keys().filter(|key| !after.contains_key(*key)).cloned())
        .collect();
    keys.sort();
    keys
}

fn refused(error: &ConfigError) -> ErrorShape {
    let shape = match error {
        ConfigError::Stale { .. } => {
            ErrorShape::invalid_request("config changed since last load; re-run config.get and retry")
        }
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

/// JSON schema and labels for forms.
pub(super) async fn schema_of(_gateway: &Arc<Gateway>, _call: Call<'_>) -> Result<Reply, ErrorShape> {
    Reply::json(&json!({
        "schema": schema(),
        "uiHints": hints(),
        "version": VERSION,
        "generatedAt": clock::rfc3339(clock::now_ms()),
    }))
}

/// The labels of the configuration crate, with what the protocol has no word for as tags.
fn hints() -> Value {
    let mut hints = ui_hints();
    if let Value::Object(map) = &mut hints {
        for hint in map.values_mut().filter_map(Value::as_object_mut) {
            if hint.remove("localOnly").is_some() {
                hint.insert("tags".to_owned(), json!(["local-only"]));
            }
        }
    }
    hints
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> ConfigDocument {
        ConfigDocument::parse("test", text).unwrap()
    }

    #[test]
    fn the_raw_text_keeps_comments_and_loses_secrets() {
        let text =
            redacted_text(&document("{ // mine\n gateway: { auth: { token: \"very-secret-token\" } } }"))
                .unwrap();
        assert!(text.contains("// mine") && text.contains(bulkhead_config::REDACTED), "{text}");
        assert!(!text.contains("very-secret"), "{text}");
    }

    #[test]
    fn a_patch_needs_the_present_hash_and_stays_off_local_fields() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bulkhead.json");
        std::fs::write(&path, "{ // note\n logging: { level: \"info\" } }").unwrap();
        let store = ConfigStore::at(&path, &dir.path().join("good.json"));
        let hash = store.hash().unwrap();
        let stale = apply(&store, "sha256:0", &json!({}), &[]).map(|_| ()).unwrap_err();
        assert!(refused(&stale).message.starts_with("config changed since last load"));
        let local = apply(&store, &hash, &json!({"gateway": {"bind": "lan"}}), &[]).map(|_| ()).unwrap_err();
        assert!(matches!(local, ConfigError::LocalOnly { .. }), "{local}");
        let done = apply(&store, &hash, &json!({"logging": {"level": "debug"}}), &[]).unwrap();
        assert_eq!(done.paths, ["logging"]);
        assert!(std::fs::read_to_string(&path).unwrap().contains("// note"));
    }
}
