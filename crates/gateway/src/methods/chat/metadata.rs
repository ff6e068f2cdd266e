//! What a chat window offers: models, and commands that are answered without one.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_server::Reply;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::commands::table::{COMMANDS, Surface};
use crate::gateway::Gateway;
use crate::methods::{Call, models};

/// `chat.metadata`, also part of `chat.startup`.
pub(in crate::methods) fn metadata(gateway: &Gateway) -> Value {
    let commands: Vec<Value> = COMMANDS.iter().map(|command| command.to_wire(true)).collect();
    json!({
        "models": models::models(gateway),
        "commands": commands,
        "swarmEnabled": false,
        "accountSelection": {"kind": "automatic", "label": "Automatic account selection"},
        "runtimeSelectionLocked": true,
    })
}

/// What a chat window offers.
pub(super) async fn chat_metadata(gateway: &Arc<Gateway>, _call: Call<'_>) -> Result<Reply, ErrorShape> {
    Reply::json(&metadata(gateway))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListParams {
    #[serde(default)]
    scope: Surface,
    #[serde(default = "yes")]
    include_args: bool,
}

fn yes() -> bool {
    true
}

/// The commands that are answered without a model.
pub(super) async fn commands_list(_gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: ListParams = call.params()?;
    let commands: Vec<Value> = COMMANDS
        .iter()
        .filter(|command| command.is_on(params.scope))
        .map(|command| command.to_wire(params.include_args))
        .collect();
    Reply::json(&json!({"commands": commands}))
}
