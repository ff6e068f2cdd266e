//! `sessions.*`: list, describe, listen, begin anew, delete.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_server::Reply;
use bulkhead_store::{Session, SessionFilter};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Call, store_failed};
use crate::clock;
use crate::events::SessionChange;
use crate::gateway::Gateway;
use crate::session_rows::{Extras, defaults};
use crate::sessions::resolve;

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "sessions.list" => list,
    "sessions.describe" => describe,
    "sessions.subscribe" => subscribe,
    "sessions.unsubscribe" => unsubscribe,
    "sessions.messages.subscribe" => messages_subscribe,
    "sessions.messages.unsubscribe" => messages_unsubscribe,
    "sessions.reset" => reset,
    "sessions.delete" => delete,
};

const ROWS: usize = 200;
const MOST_ROWS: usize = 1000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListParams {
    limit: Option<usize>,
    #[serde(default)]
    offset: usize,
    active_minutes: Option<i64>,
    agent_id: Option<String>,
    search: Option<String>,
    label: Option<String>,
    #[serde(default)]
    include_derived_titles: bool,
    #[serde(default)]
    include_last_message: bool,
    archived: Option<Value>,
}

/// Sessions, the last used first.
pub(super) async fn list(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: ListParams = call.params()?;
    let settings = gateway.settings.now();
    let limit = params.limit.unwrap_or(ROWS).clamp(1, MOST_ROWS);
    let filter = SessionFilter {
        agent_id: params.agent_id.clone(),
        search: params.search.or(params.label).filter(|text| !text.trim().is_empty()),
        updated_since: params
            .active_minutes
            .map(|minutes| gateway.store.now() - minutes.saturating_mul(60_000)),
        limit: Some(limit),
        offset: params.offset,
    };
    let sessions = gateway.store.sessions();
    // Nothing is ever archived here, so a list of the archived is empty.
    let only_archived = params.archived == Some(Value::Bool(true));
    let (found, total) = if only_archived {
        (Vec::new(), 0)
    } else {
        let found = sessions.list(filter.clone()).await.map_err(store_failed)?;
        let all = SessionFilter { limit: None, offset: 0, ..filter };
        (found, sessions.count(all).await.map_err(store_failed)?)
    };
    let extras = Extras { last_message: params.include_last_message, title: params.include_derived_titles };
    let mut rows = Vec::with_capacity(found.len());
    for session in &found {
        rows.push(gateway.session_row(session, extras).await?);
    }
    let end = params.offset + rows.len();
    let more = end < total;
    let agent = params.agent_id.as_deref().unwrap_or(settings.default_agent());
    Reply::json(&json!({
        "ts": clock::now_ms(),
        "path": gateway.place.database_path().display().to_string(),
        "count": rows.len(),
        "totalCount": total,
        "limitApplied": limit,
        "nextOffset": more.then_some(end),
        "hasMore": more,
        "owners": [],
        "defaults": defaults(&settings, agent),
        "sessions": rows,
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyParams {
    key: String,
    agent_id: Option<String>,
    #[serde(default)]
    include_derived_titles: bool,
    #[serde(default)]
    include_last_message: bool,
}

/// One session, or `null` if there is none under the key.
pub(super) async fn describe(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: KeyParams = call.params()?;
    let extras = Extras { last_message: params.include_last_message, title: params.include_derived_titles };
    let row = match find(gateway, &params.key, params.agent_id.as_deref()).await? {
        Some(session) => gateway.session_row(&session, extras).await?,
        None => Value::Null,
    };
    Reply::json(&json!({"session": row}))
}

/// The caller wants to hear of every session.
pub(super) async fn subscribe(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    gateway.events.hub().subscribe_sessions(&call.ctx.conn.id, true);
    Reply::json(&json!({"subscribed": true}))
}

/// The caller has heard enough.
pub(super) async fn unsubscribe(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    gateway.events.hub().subscribe_sessions(&call.ctx.conn.id, false);
    Reply::json(&json!({"subscribed": false}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessagesParams {
    key: String,
    agent_id: Option<String>,
    #[serde(default)]
    include_approvals: bool,
}

/// The caller wants to hear of one session's messages.
pub(super) async fn messages_subscribe(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: MessagesParams = call.params()?;
    let (key, _) = resolve(&gateway.settings.now(), Some(&params.key), params.agent_id.as_deref())?;
    if !gateway.events.hub().subscribe_messages(&call.ctx.conn.id, &key) {
        return Err(ErrorShape::invalid_request(
            "this connection listens to as many sessions as it may; unsubscribe from some first",
        ));
    }
    let mut result = json!({"subscribed": true, "key": key});
    if params.include_approvals {
        result["approvalReplay"] = json!({
            "sessionKey": key, "updatedAtMs": clock::now_ms(), "approvals": [], "truncated": false,
        });
    }
    Reply::json(&result)
}

/// The caller no longer wants to hear of one session's messages.
pub(super) async fn messages_unsubscribe(
    gateway: &Arc<Gateway>,
    call: Call<'_>,
) -> Result<Reply, ErrorShape> {
    let params: MessagesParams = call.params()?;
    let (key, _) = resolve(&gateway.settings.now(), Some(&params.key), params.agent_id.as_deref())?;
    gateway.events.hub().unsubscribe_messages(&call.ctx.conn.id, &key);
    Reply::json(&json!({"subscribed": false, "key": key}))
}

/// Begins a new transcript under the same key; the old one is kept under its session id.
pub(super) async fn reset(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: KeyParams = call.params()?;
    let session = existing(gateway, &params).await?;
    gateway.runs.abort(&session.key, None);
    let fresh = gateway.store.sessions().reset(&session.key).await.map_err(store_failed)?;
    let row = gateway.session_row(&fresh, Extras::default()).await?;
    gateway.events.sessions_changed(&fresh.key, &fresh.agent_id, SessionChange::Reason("reset"), &row);
    Reply::json(&json!({"ok": true, "key": fresh.key, "sessionId": fresh.session_id, "entry": row}))
}

/// Deletes a session with its present transcript. The main session can only be begun anew.
pub(super) async fn delete(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: KeyParams = call.params()?;
    let session = existing(gateway, &params).await?;
    if session.key == gateway.settings.now().main_session_key() {
        return Err(ErrorShape::invalid_request(format!(
            "cannot delete the main session {}; sessions.reset begins it anew",
            session.key
        )));
    }
    gateway.runs.abort(&session.key, None);
    let deleted = gateway.store.sessions().delete(&session.key).await.map_err(store_failed)?;
    gateway.events.sessions_changed(
        &session.key,
        &session.agent_id,
        SessionChange::Reason("delete"),
        &json!({"key": session.key}),
    );
    Reply::json(&json!({"ok": true, "key": session.key, "deleted": deleted}))
}

async fn find(gateway: &Gateway, key: &str, agent: Option<&str>) -> Result<Option<Session>, ErrorShape> {
    let sessions = gateway.store.sessions();
    if let Some(session) = sessions.get(key).await.map_err(store_failed)? {
        return Ok(Some(session));
    }
    let (full, _) = resolve(&gateway.settings.now(), Some(key), agent)?;
    sessions.get(&full).await.map_err(store_failed)
}

async fn existing(gateway: &Gateway, params: &KeyParams) -> Result<Session, ErrorShape> {
    find(gateway, &params.key, params.agent_id.as_deref()).await?.ok_or_else(|| {
        ErrorShape::invalid_request(format!("there is no session {:?}; sessions.list names them", params.key))
    })
}
