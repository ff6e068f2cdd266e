//! Going back in a session, going on elsewhere from there, and the ways that it went.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::sessions::{SessionsBranchesSwitchParams, SessionsRewindParams};
use bulkhead_server::Reply;
use bulkhead_store::{Branch, Cut, Message, NewSession, Session, StoredPicture};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::existing;
use crate::clock;
use crate::gateway::Gateway;
use crate::methods::{Call, store_failed};
use crate::sessions::resolve;
use crate::transcript;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListParams {
    session_key: String,
    agent_id: Option<String>,
}

/// The ways that a session went, the present one first; none while nobody spoke.
pub(super) async fn list(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: ListParams = call.params()?;
    let (key, _) = resolve(&gateway.settings.now(), Some(&params.session_key), params.agent_id.as_deref())?;
    let sessions = gateway.store.sessions();
    if sessions.get(&key).await.map_err(store_failed)?.is_none() {
        return Reply::json(&json!({"branches": []}));
    }
    let branches = sessions.branches(&key).await.map_err(store_failed)?;
    Reply::json(&json!({"branches": branches.iter().map(row).collect::<Vec<Value>>()}))
}

fn row(branch: &Branch) -> Value {
    json!({
        "leafEntryId": branch.leaf.id,
        "headline": transcript::title(&branch.leaf.content),
        "messageCount": branch.messages,
        "updatedAt": clock::rfc3339(u64::try_from(branch.leaf.ts).unwrap_or_default()),
        "active": branch.active,
    })
}

/// Goes back to before a message of a person, and hands that back to be said in other words.
pub(super) async fn rewind(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: SessionsRewindParams = call.params()?;
    let session = at_rest(gateway, &params.session_key, params.agent_id.as_deref(), "rewind").await?;
    let cut = gateway.store.sessions().rewind(&session.key, &params.entry_id).await.map_err(store_failed)?;
    let (message, pictures, session) = done(cut, "rewind", &params.entry_id)?;
    gateway.tell_session(&session, "rewind").await;
    Reply::json(&Value::Object(editor(&message, &pictures)))
}

/// Begins another session with what was said before a message of a person.
pub(super) async fn fork(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: SessionsRewindParams = call.params()?;
    let from = existing(gateway, &params.session_key, params.agent_id.as_deref()).await?;
    refuse_active(gateway, &from.key, "fork")?;
    let key = format!("agent:{}:dashboard:{}", from.agent_id, Uuid::new_v4());
    let new = NewSession { parent: Some(from.key.clone()), ..NewSession::new(&key, &from.agent_id) };
    let cut = gateway.store.sessions().fork(&from.key, &params.entry_id, new).await.map_err(store_failed)?;
    let (message, pictures, session) = done(cut, "fork", &params.entry_id)?;
    gateway.tell_session(&session, "fork").await;
    let mut result = editor(&message, &pictures);
    result.insert("sessionKey".to_owned(), session.key.into());
    Reply::json(&Value::Object(result))
}

/// Makes another way of a session the present one.
pub(super) async fn switch(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: SessionsBranchesSwitchParams = call.params()?;
    let session = at_rest(gateway, &params.session_key, params.agent_id.as_deref(), "branch switch").await?;
    let sessions = gateway.store.sessions();
    let switched = sessions.switch_branch(&session.key, &params.leaf_entry_id).await.map_err(store_failed)?;
    let session = switched.ok_or_else(|| {
        ErrorShape::invalid_request(format!(
            "branch not found: {:?}; sessions.branches.list names them",
            params.leaf_entry_id
        ))
    })?;
    gateway.tell_session(&session, "branch-switch").await;
    Reply::json(&json!({}))
}

/// The session, if nothing is answered in it and it is not put away.
async fn at_rest(
    gateway: &Gateway,
    key: &str,
    agent: Option<&str>,
    what: &str,
) -> Result<Session, ErrorShape> {
    let session = existing(gateway, key, agent).await?;
    if session.archived_at.is_some() {
        return Err(ErrorShape::invalid_request(format!("{what} is unavailable for archived sessions")));
    }
    refuse_active(gateway, &session.key, what)?;
    Ok(session)
}

fn refuse_active(gateway: &Gateway, key: &str, what: &str) -> Result<(), ErrorShape> {
    if gateway.runs.active_in(key).is_empty() {
        return Ok(());
    }
    Err(ErrorShape::unavailable_retryable(
        format!("{what} is unavailable while the agent is working; wait, or stop it with sessions.abort"),
        None,
    ))
}

fn done(
    cut: Cut<Session>,
    what: &str,
    id: &str,
) -> Result<(Message, Vec<StoredPicture>, Session), ErrorShape> {
    match cut {
        Cut::Done { message, pictures, made } => Ok((message, pictures, made)),
        Cut::NoMessage => Err(ErrorShape::invalid_request(format!(
            "message not found: {id:?} is not in this transcript; chat.history names its messages"
        ))),
        Cut::NotAPersons => {
            Err(ErrorShape::invalid_request(format!("{what} needs a message of a person: {id:?} is none")))
        }
    }
}

/// What an editor begins with: the message that the cut was before.
fn editor(message: &Message, pictures: &[StoredPicture]) -> serde_json::Map<String, Value> {
    let mut editor = serde_json::Map::new();
    let text = message.text();
    if !text.is_empty() {
        editor.insert("editorText".to_owned(), text.into());
    }
    if !pictures.is_empty() {
        let attached: Vec<Value> = pictures
            .iter()
            .map(|picture| json!({"mimeType": picture.mime_type, "data": STANDARD.encode(&picture.data)}))
            .collect();
        editor.insert("editorAttachments".to_owned(), attached.into());
    }
    editor
}
