//! The window's way to the machine: the command line's machine interface. Words as arguments, one input on standard
//! input, progress lines and one result on standard output. Secrets go in on standard input and nowhere else.

use crate::failure::{Answer, Failure};
use bulkhead_process::ProcessIdentity;
use serde_json::Value;
use std::time::Duration;
use tauri::AppHandle;
use tauri_plugin_shell::{ShellExt, process::CommandEvent};

/// A check may wait for a person at the keychain's dialog, a model for its first load.
const LIMIT: Duration = Duration::from_mins(5);
/// One line; a longer one is not ours.
const LINE_LIMIT: usize = 4 * 1024 * 1024;

/// Runs one request of the wizard; hands every progress line on, answers with the result line.
pub async fn run(app: &AppHandle, request: &Value, on_progress: impl Fn(Value) + Send) -> Answer<Value> {
    let words = ["onboard", "--plan", "-", "--json"].map(str::to_owned);
    ask(app, &words, Some(&format!("{request}\n")), on_progress).await
}

/// Runs one command with `--json` among its words; hands every progress line on, answers with the result. What the
/// command itself refused comes as a [`Failure`] with its code.
pub async fn ask(
    app: &AppHandle,
    words: &[String],
    input: Option<&str>,
    on_progress: impl Fn(Value) + Send,
) -> Answer<Value> {
    let spawn_failed = |error: &dyn std::fmt::Display| {
        Failure::new(
            "sidecar-missing",
            format!("The program \"bulkhead\" could not be started: {error}."),
            "It belongs beside the app. Install Bulkhead again.",
        )
    };
    let command = app.shell().sidecar("bulkhead").map_err(|error| spawn_failed(&error))?.args(words);
    let (mut events, mut child) = command.spawn().map_err(|error| spawn_failed(&error))?;
    if let Some(input) = input {
        child.write(input.as_bytes()).map_err(|error| spawn_failed(&error))?;
    }
    // The request is everything up to the end of input: letting go of the child closes its pipe and nothing else.
    let identity = ProcessIdentity::of(child.pid()).ok();
    drop(child);

    let mut errors = String::new();
    let outcome = tokio::time::timeout(LIMIT, async {
        let mut result = None;
        while let Some(event) = events.recv().await {
            match event {
                CommandEvent::Stdout(bytes) if bytes.len() <= LINE_LIMIT => {
                    let Ok(value) = serde_json::from_slice::<Value>(&bytes) else { continue };
                    match value.get("type").and_then(Value::as_str) {
                        Some("progress" | "fix") => on_progress(value),
                        Some("result") | None => result = Some(value),
                        _ => {}
                    }
                }
                CommandEvent::Stderr(bytes) if errors.len() < 4096 => {
                    errors.push_str(&String::from_utf8_lossy(&bytes));
                }
                CommandEvent::Terminated(_) => break,
                _ => {}
            }
        }
        result
    })
    .await;
    match outcome {
        Ok(Some(result)) => match refusal(&result) {
            Some(failure) => Err(failure),
            None => Ok(result),
        },
        Ok(None) => Err(Failure::new(
            "setup-failed",
            match errors.trim() {
                "" => "It ended without a result.".to_owned(),
                text => format!("It ended without a result: {text}"),
            },
            "Try again. Nothing is half-made: what was begun is resumed or undone.",
        )),
        Err(_) => {
            if let Some(Err(error)) = identity.map(|identity| identity.kill()) {
                tracing::warn!(%error, "what took too long could not be ended");
            }
            Err(Failure::new(
                "setup-timeout",
                "It did not finish within five minutes.",
                "Look for a keychain dialog that waits for you, then try again.",
            ))
        }
    }
}

/// A result that says why there is none: `{"ok":false,"error":{"code","message"}}`.
fn refusal(result: &Value) -> Option<Failure> {
    let error = result.get("error").filter(|_| result.get("ok").and_then(Value::as_bool) == Some(false))?;
    let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    Some(Failure {
        code: text("code"),
        message: text("message"),
        details: error.get("details").cloned(),
        retryable: false,
    })
}

#[cfg(test)]
mod tests {
    use super::refusal;
    use serde_json::json;

    #[test]
    fn what_the_command_line_refuses_keeps_its_code() {
        let refused = json!({ "ok": false, "error": { "code": "secrets.locked", "message": "The keychain is locked." } });
        let failure = refusal(&refused).expect("a failure");
        assert_eq!(
            (failure.code.as_str(), failure.message.as_str()),
            ("secrets.locked", "The keychain is locked.")
        );
        assert!(refusal(&json!({ "type": "result", "ok": false, "findings": [] })).is_none());
        assert!(refusal(&json!({ "ok": true, "secrets": [] })).is_none());
    }
}
