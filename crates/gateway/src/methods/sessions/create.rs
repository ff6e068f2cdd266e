//! `sessions.create`: a new conversation, with what is set about it and its first message.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_server::Reply;
use bulkhead_store::NewSession;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::patch::{label_taken, resolved, wanted};
use crate::gateway::Gateway;
use crate::methods::chat::{Said, say};
use crate::methods::{Call, store_failed};
use crate::session_rows::{Extras, model_of};
use crate::sessions::resolve;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateParams {
    key: Option<String>,
    idempotency_key: Option<String>,
    agent_id: Option<String>,
    label: Option<String>,
    display_name: Option<String>,
    category: Option<String>,
    model: Option<String>,
    thinking_level: Option<String>,
    parent_session_key: Option<String>,
    task: Option<String>,
    message: Option<String>,
    #[serde(default)]
    attachments: Vec<Value>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// What other gateways can do for a new session and this one cannot: asked for, it is refused.
const CANNOT: &[&str] = &[
    "incognito",
    "catalogId",
    "fork",
    "projectId",
    "projectGitUrl",
    "worktree",
    "worktreeBaseRef",
    "worktreeName",
    "execNode",
    "cwd",
    "permissionMode",
    "contextWindow",
    "toolOverrides",
];

/// Makes a session, or takes up the one of that key, and says its first message.
pub(super) async fn create(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: CreateParams = call.params()?;
    let asked =
        |name: &&&str| params.rest.get(**name).is_some_and(|value| !value.is_null() && *value != false);
    if let Some(name) = CANNOT.iter().find(asked) {
        return Err(ErrorShape::invalid_params(
            "sessions.create",
            name,
            "this gateway has nothing of the kind; leave it out",
        ));
    }
    let settings = gateway.settings.now();
    let new_key = || format!("dashboard:{}", Uuid::new_v4());
    let name = params.key.clone().unwrap_or_else(new_key);
    let (key, agent) = resolve(&settings, Some(&name), params.agent_id.as_deref())?;
    let parent = match &params.parent_session_key {
        Some(parent) => resolve(&settings, Some(parent), None)?.0,
        None => format!("agent:{agent}:main"),
    };
    let mut set = Map::new();
    for (name, value) in [
        ("label", &params.label),
        ("category", &params.category),
        ("model", &params.model),
        ("thinkingLevel", &params.thinking_level),
    ] {
        if let Some(value) = value {
            set.insert(name.to_owned(), value.clone().into());
        }
    }
    let model = model_of(None, &agent, &settings);
    let patch = wanted(&set, &settings, model.as_ref())?.patch;
    let sessions = gateway.store.sessions();
    if let Some(Some(label)) = &patch.label
        && let Some(other) = sessions.by_label(label).await.map_err(store_failed)?
        && other.key != key
    {
        return Err(label_taken(label, &other));
    }
    let known = sessions.get(&key).await.map_err(store_failed)?.is_some();
    let new =
        NewSession { parent: Some(parent).filter(|parent| *parent != key), ..NewSession::new(&key, &agent) };
    sessions.get_or_create(new).await.map_err(store_failed)?;
    if !known
        && let Some(title) = params.display_name.as_deref().map(str::trim).filter(|title| !title.is_empty())
    {
        sessions.set_meta(&key, &json!({"displayName": title})).await.map_err(store_failed)?;
    }
    let session = sessions.patch(&key, patch).await.map_err(store_failed)?;
    gateway.tell_session(&session, "create").await;
    let mut result = json!({
        "ok": true,
        "key": key,
        "sessionId": session.session_id,
        "entry": gateway.session_row(&session, Extras::default()).await?,
        "runStarted": false,
        "resolved": resolved(&session, &settings),
    });
    if let Some(message) = params.message.or(params.task).filter(|text| !text.trim().is_empty()) {
        let run_id = params.idempotency_key.unwrap_or_else(|| Uuid::new_v4().to_string());
        let said = Said { attachments: params.attachments, ..Said::new(run_id, key, agent, &message) };
        match say(gateway, said).await {
            Ok(said) => {
                result["runStarted"] = true.into();
                for name in ["runId", "status", "messageSeq"] {
                    if let Some(value) = said.get(name) {
                        result[name] = value.clone();
                    }
                }
            }
            Err(error) => result["runError"] = serde_json::to_value(error).unwrap_or_default(),
        }
    }
    Reply::json(&result)
}
