//! `agents.*`: which agents there are, their files, and changes of the roster.

mod browse;
mod edit;
mod files;
mod purge;
mod remove;

pub(super) use browse::{picture_kind, relative};
pub(super) use files::inside;

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_server::Reply;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Call;
use crate::gateway::Gateway;
use crate::settings::{AgentView, ModelRef, Settings};

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "agents.list" => list,
    "agent.identity.get" => identity,
    "agents.create" => edit::create,
    "agents.update" => edit::update,
    "agents.delete" => remove::delete,
    "agents.files.list" => files::list,
    "agents.files.get" => files::get,
    "agents.files.set" => files::set,
    "agents.workspace.list" => browse::list,
    "agents.workspace.get" => browse::get,
};

/// What is shown of an agent that has no picture.
const NO_AVATAR: &str = "A";

/// Every agent with its workspace and model.
async fn list(gateway: &Arc<Gateway>, _call: Call<'_>) -> Result<Reply, ErrorShape> {
    let settings = gateway.settings.now();
    let views = settings.agents();
    let shown = Arc::clone(&settings);
    let rows = tokio::task::spawn_blocking(move || {
        views.iter().map(|view| row(&shown, view)).collect::<Vec<Value>>()
    })
    .await
    .map_err(|_| ErrorShape::unavailable("looking at the agents was interrupted; try again"))?;
    Reply::json(&json!({
        "defaultId": settings.default_agent(),
        "ownership": if rows.len() > 1 { "legacy" } else { "sole" },
        "selectionRequired": false,
        "mainKey": "main",
        "scope": "per-sender",
        "agents": rows,
    }))
}

fn row(settings: &Settings, agent: &AgentView) -> Value {
    let (identity, _) = agent.identity();
    let mut shown = json!({"name": identity.name});
    for (key, value) in [("theme", &identity.theme), ("emoji", &identity.emoji), ("avatar", &identity.avatar)]
    {
        if let Some(value) = value {
            shown[key] = value.clone().into();
        }
    }
    let mut row = json!({
        "id": agent.id,
        "kind": "agent",
        "name": agent.name,
        "identity": shown,
        "workspace": agent.workspace.display().to_string(),
        "workspaceGit": agent.workspace.join(".git").exists(),
        "agentRuntime": {
            "id": "auto", "cloudPlacementSupported": false, "devicePlacementSupported": false, "source": "implicit",
        },
    });
    if let Value::Object(row) = &mut row {
        row.extend(crate::thinking::shown(settings, &agent.id, agent.models.first()));
    }
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
struct IdentityParams {
    agent_id: Option<String>,
    session_key: Option<String>,
}

/// How one agent presents itself: by its id, or by the session that it answers in.
async fn identity(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: IdentityParams = call.params()?;
    let settings = gateway.settings.now();
    let id = params
        .agent_id
        .or_else(|| params.session_key.as_deref().and_then(crate::sessions::agent_of).map(str::to_owned))
        .unwrap_or_else(|| settings.default_agent().to_owned());
    let agent = settings.agent(&id).ok_or_else(|| unknown(&id))?;
    let (identity, source) = tokio::task::spawn_blocking(move || agent.identity())
        .await
        .map_err(|_| ErrorShape::unavailable("looking at the agent was interrupted; try again"))?;
    let mut answer = json!({"agentId": id, "name": identity.name, "nameSource": source.as_str()});
    let avatar = identity.avatar.as_deref();
    let remote = |avatar: &str| ["http://", "https://"].iter().any(|scheme| avatar.starts_with(scheme));
    let (shown, status) = match avatar {
        Some(avatar) if avatar.starts_with("data:image/") => (avatar, "data"),
        Some(avatar) if remote(avatar) => (avatar, "remote"),
        _ => (identity.emoji.as_deref().unwrap_or(NO_AVATAR), "none"),
    };
    answer["avatar"] = shown.into();
    if status != "none" {
        answer["avatarStatus"] = status.into();
    }
    if let Some(emoji) = &identity.emoji {
        answer["emoji"] = emoji.clone().into();
    }
    Reply::json(&answer)
}

/// The error for an agent that is not configured.
pub(super) fn unknown(id: &str) -> ErrorShape {
    ErrorShape::invalid_request(format!(
        "agent {id:?} not found: expected one of those that agents.list names; configure it under agents, or ask another"
    ))
}
