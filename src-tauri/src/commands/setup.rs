//! The wizard: checks and creation by the command line's machine interface, and a draft that survives a quit.

use crate::failure::{Answer, Failure};
use crate::fleet::Fleet;
use crate::setup_cli;
use serde_json::{Value, json};
use tauri::ipc::Channel;
use tauri::{AppHandle, Manager};

const DRAFT_LIMIT: usize = 64 * 1024;

/// Runs one set-up action: `detect`, `check` or `create`. Progress lines arrive on the channel as they happen.
#[tauri::command]
#[specta::specta]
pub async fn setup_run(app: AppHandle, request: Value, on_progress: Channel<Value>) -> Answer<Value> {
    let action = request.get("action").and_then(Value::as_str).unwrap_or_default();
    if !matches!(action, "detect" | "check" | "create") {
        return Err(Failure::new(
            "bad-request",
            format!("The set-up action is \"{action}\"; expected detect, check or create."),
            "This is a defect of the app: please report it.",
        ));
    }
    let created = action == "create";
    let mut request = request;
    if let Some(fields) = request.as_object_mut() {
        fields.insert("version".to_owned(), json!(1));
    }
    let fleet = app.state::<Fleet>();
    let held = if created { Some(fleet.hold().await) } else { None };
    let result = setup_cli::run(&app, &request, move |line| {
        let _ = on_progress.send(line);
    })
    .await?;
    drop(held);
    if created && result.get("ok").and_then(Value::as_bool) == Some(true) {
        fleet.reload_secrets();
        fleet.refresh().await;
        let _ = std::fs::remove_file(draft_path(&app)?);
    }
    Ok(result)
}

/// The wizard's answers so far, without secrets; `null` if there is no draft.
#[tauri::command]
#[specta::specta]
pub async fn draft_load(app: AppHandle) -> Answer<Value> {
    let Ok(text) = std::fs::read_to_string(draft_path(&app)?) else { return Ok(Value::Null) };
    Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
}

/// Keeps the wizard's answers so that it resumes after a quit. Fields that hold a secret are dropped here, whatever the
/// page sent.
#[tauri::command]
#[specta::specta]
pub async fn draft_save(app: AppHandle, draft: Value) -> Answer<()> {
    let path = draft_path(&app)?;
    let write_failed = |error: &dyn std::fmt::Display| {
        Failure::new(
            "draft-not-saved",
            format!("The draft could not be written to {}: {error}.", path.display()),
            "You can go on; only resuming after a quit won't work.",
        )
    };
    let mut draft = draft;
    drop_secrets(&mut draft);
    let text = draft.to_string();
    if text.len() > DRAFT_LIMIT {
        return Err(write_failed(&"it is larger than 64 KiB"));
    }
    bulkhead_profile::files::atomic_write(&path, text.as_bytes(), 0o600).map_err(|error| write_failed(&error))
}

fn draft_path(app: &AppHandle) -> Answer<std::path::PathBuf> {
    let folder = app.path().app_config_dir().map_err(|error| {
        Failure::new(
            "no-config-dir",
            format!("This system has no folder for settings: {error}."),
            "Set HOME and start again.",
        )
    })?;
    std::fs::create_dir_all(&folder).map_err(|error| {
        Failure::new(
            "no-config-dir",
            format!("The folder {} could not be made: {error}.", folder.display()),
            "Make it writable and start again.",
        )
    })?;
    Ok(folder.join("wizard-draft.json"))
}

/// Removes every value under a key that names a secret.
fn drop_secrets(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|key, _| {
                let key = key.to_ascii_lowercase();
                !["token", "apikey", "api_key", "password", "secret"].iter().any(|word| key.ends_with(word))
            });
            fields.values_mut().for_each(drop_secrets);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_secrets),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_never_keeps_a_secret() {
        let mut draft = json!({
            "step": 3,
            "model": { "baseUrl": "http://127.0.0.1:1", "apiKey": "sk-1" },
            "profiles": [{ "name": "main", "telegram": { "botToken": "1:x", "apiRoot": null }, "gatewayToken": "g" }],
            "proxyPassword": "p"
        });
        drop_secrets(&mut draft);
        assert_eq!(
            draft,
            json!({
                "step": 3,
                "model": { "baseUrl": "http://127.0.0.1:1" },
                "profiles": [{ "name": "main", "telegram": { "apiRoot": null } }]
            })
        );
    }
}
