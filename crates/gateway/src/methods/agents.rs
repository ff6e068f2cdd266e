//! `agents.list` and `agent.identity.get`.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_server::Reply;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Call;
use crate::gateway::Gateway;
use crate::settings::{AgentView, ModelRef};

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "agents.list" => list,
    "agent.identity.get" => identity,
};

/// Every agent with its workspace and model.
pub(super) async fn list(gateway: &Arc<Gateway>, _call: Call<'_>) -> Result<Reply, ErrorShape> {
    let settings = gateway.settings.now();
    let agents: Vec<Value> = settings.agents().iter().map(row).collect();
    Reply::json(&json!({
        "defaultId": settings.default_agent(),
        "ownership": "sole",
        "selectionRequired": false,
        "mainKey": "main",
        "scope": "per-sender",
        "agents": agents,
    }))
}

fn row(agent: &AgentView) -> Value {
    let mut row = json!({
        "id": agent.id,
        "kind": "agent",
        "name": agent.name,
        "identity": {"name": agent.name},
        "workspace": agent.workspace.display().to_string(),
        "workspaceGit": agent.workspace.join(".git").exists(),
        "thinkingLevels": [{"id": "off", "label": "off"}],
        "thinkingOptions": ["off"],
        "thinkingDefault": "off",
    });
    if let Some((primary, fallbacks)) = agent.models.split_first() {
        let mut model = json!({"primary": primary.full()});
        if !fallbacks.is_empty() {
            model["fallbacks"] = fallbacks.iter().map(ModelRef::full).collect::<Vec<_>>().into();
        }
        row["model"] = model;
    }
    row
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    agent_id: Option<String>,
    session_key: Option<String>,
}

/// Name of one agent: by its id, or by the session that it answers in.
pub(super) async fn identity(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: Identity = call.params()?;
    let settings = gateway.settings.now();
    let id = params
        .agent_id
        .or_else(|| params.session_key.as_deref().and_then(crate::sessions::agent_of).map(str::to_owned))
        .unwrap_or_else(|| settings.default_agent().to_owned());
    let agent = settings.agent(&id).ok_or_else(|| unknown(&id))?;
    Reply::json(&json!({"agentId": agent.id, "name": agent.name}))
}

/// The error for an agent that is not configured.
pub(super) fn unknown(id: &str) -> ErrorShape {
    ErrorShape::invalid_request(format!(
        "unknown agent {id:?}: expected one of those that agents.list names; configure it under agents, or ask another"
    ))
}
