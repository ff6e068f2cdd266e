//! `bulkhead system`

use serde_json::{Value, json};

use super::DONE;
use crate::asking;
use crate::context::Context;
use crate::error::Failure;
use crate::grammar::gateway::Target;
use crate::grammar::system::{HeartbeatAction, SystemCommand};
use crate::output::table;

pub fn run(command: SystemCommand, context: &Context) -> Result<u8, Failure> {
    match command {
        SystemCommand::Event { text, mode, session_key, target } => {
            let mut params = json!({"text": text, "mode": mode.as_str()});
            if let Some(key) = session_key {
                params["sessionKey"] = key.into();
            }
            let answer = ask(context, &target, "wake", params)?;
            context.out.result(&answer, || "ok".to_owned());
        }
        SystemCommand::Heartbeat { action, target } => {
            let (method, params) = match action {
                HeartbeatAction::Last => ("last-heartbeat", json!({})),
                HeartbeatAction::Enable => ("set-heartbeats", json!({"enabled": true})),
                HeartbeatAction::Disable => ("set-heartbeats", json!({"enabled": false})),
            };
            let answer = ask(context, &target, method, params)?;
            context.out.result(&answer, || match (&answer, action) {
                (Value::Null, _) => "No heartbeat took place since the gateway started.".to_owned(),
                (beat, HeartbeatAction::Last) => {
                    let word = |name: &str| beat[name].as_str().unwrap_or_default().to_owned();
                    table::pairs(&[
                        ("status", word("status")),
                        ("reason", word("reason")),
                        ("said", word("preview")),
                        ("sent to", word("to")),
                    ])
                }
                (_, HeartbeatAction::Enable) => "Heartbeats are on.".to_owned(),
                (_, HeartbeatAction::Disable) => {
                    "Heartbeats are off until the gateway starts again; agents.defaults.heartbeat.every \"0m\" turns them off \
                     for good."
                        .to_owned()
                }
            });
        }
        SystemCommand::Presence { target } => {
            let answer = ask(context, &target, "system-presence", json!({}))?;
            context.out.result(&answer, || {
                let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
                let rows = answer.as_array().into_iter().flatten().map(|entry| {
                    [text(entry, "host"), text(entry, "mode"), text(entry, "reason"), text(entry, "version")]
                });
                table::rows(["host", "mode", "reason", "version"], rows)
            });
        }
    }
    Ok(DONE)
}

/// One question.
pub(crate) fn ask(context: &Context, target: &Target, method: &str, params: Value) -> Result<Value, Failure> {
    context.block_on(async {
        let door = asking::door(context, target).await?;
        let (client, _) = door.enter(door.cli()).await?;
        let answer = client.request(method, params).await?;
        client.close().await;
        Ok(answer)
    })
}
