//! The wizard's way to the machine: `bulkhead onboard --plan - --json`, one request on its standard input, progress lines
//! and one result on its standard output. Secrets go in on standard input and nowhere else.

use crate::failure::{Answer, Failure};
use bulkhead_process::ProcessIdentity;
use serde_json::Value;
use std::time::Duration;
use tauri::AppHandle;
use tauri_plugin_shell::{ShellExt, process::CommandEvent};

/// A check may wait for a person at the keychain's dialog, a model for its first load.
const LIMIT: Duration = Duration::from_mins(5);
/// One line of progress; a longer one is not ours.
const LINE_LIMIT: usize = 1024 * 1024;

/// Runs one request; hands every progress line on, answers with the result line.
pub async fn run(app: &AppHandle, request: &Value, on_progress: impl Fn(Value) + Send) -> Answer<Value> {
    let spawn_failed = |error: &dyn std::fmt::Display| {
        Failure::new(
            "sidecar-missing",
            format!("The program \"bulkhead\" could not be started: {error}."),
            "It belongs beside the app. Install Bulkhead again.",
        )
    };
    let command = app
        .shell()
        .sidecar("bulkhead")
        .map_err(|error| spawn_failed(&error))?
        .args(["onboard", "--plan", "-", "--json"]);
    let (mut events, mut child) = command.spawn().map_err(|error| spawn_failed(&error))?;
    let mut line = request.to_string();
    line.push('\n');
    child.write(line.as_bytes()).map_err(|error| spawn_failed(&error))?;
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
                        Some("progress") => on_progress(value),
                        Some("result") => result = Some(value),
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
        Ok(Some(result)) => Ok(result),
        Ok(None) => Err(Failure::new(
            "setup-failed",
            match errors.trim() {
                "" => "The set-up ended without a result.".to_owned(),
                text => format!("The set-up ended without a result: {text}"),
            },
            "Try again. Nothing is half-made: what was begun is resumed or undone.",
        )),
        Err(_) => {
            if let Some(Err(error)) = identity.map(|identity| identity.kill()) {
                tracing::warn!(%error, "the set-up that took too long could not be ended");
            }
            Err(Failure::new(
                "setup-timeout",
                "The set-up did not finish within five minutes.",
                "Look for a keychain dialog that waits for you, then try again.",
            ))
        }
    }
}
