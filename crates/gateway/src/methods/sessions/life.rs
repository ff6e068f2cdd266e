//! Beginning a session anew, and its end.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_server::Reply;
use bulkhead_store::Session;
use serde::Deserialize;
use serde_json::json;

use super::existing;
use crate::events::SessionChange;
use crate::gateway::Gateway;
use crate::methods::{Call, store_failed};
use crate::session_rows::Extras;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResetParams {
    key: String,
    agent_id: Option<String>,
    reason: Option<String>,
}

/// Begins a new transcript under the same key; the old one is kept under its session id.
pub(super) async fn reset(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: ResetParams = call.params()?;
    let session = existing(gateway, &params.key, params.agent_id.as_deref()).await?;
    let why = if params.reason.as_deref() == Some("new") { "new" } else { "reset" };
    let fresh = gateway.begin_anew(&session.key, why).await?.unwrap_or(session);
    let row = gateway.session_row(&fresh, Extras::default()).await?;
    Reply::json(&json!({"ok": true, "key": fresh.key, "sessionId": fresh.session_id, "entry": row}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeleteParams {
    key: String,
    agent_id: Option<String>,
    expected_session_id: Option<String>,
    #[serde(default)]
    archived_only: bool,
}

/// Deletes a session with its present transcript. The main session can only be begun anew.
pub(super) async fn delete(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: DeleteParams = call.params()?;
    let session = existing(gateway, &params.key, params.agent_id.as_deref()).await?;
    is_main(gateway, &session.key, "delete")?;
    if let Some(expected) = params.expected_session_id.filter(|expected| *expected != session.session_id) {
        return Err(changed(&session, &expected));
    }
    if params.archived_only && session.archived_at.is_none() {
        return Err(ErrorShape::invalid_request(format!("session {:?} is not archived", session.key)));
    }
    gateway.runs.abort(&session.key, None);
    let deleted = gateway.store.sessions().delete(&session.key).await.map_err(store_failed)?;
    gateway.events.sessions_changed(
        &session.key,
        &session.agent_id,
        SessionChange::Reason("delete"),
        &json!({"key": session.key}),
    );
    Reply::json(&json!({"ok": true, "key": session.key, "deleted": deleted, "archived": []}))
}

/// Refuses what cannot be done to the session that clients open first.
pub(super) fn is_main(gateway: &Gateway, key: &str, what: &str) -> Result<(), ErrorShape> {
    let settings = gateway.settings.now();
    let main = settings.agents().iter().any(|agent| key == format!("agent:{}:main", agent.id));
    if main {
        return Err(ErrorShape::invalid_request(format!(
            "cannot {what} the main session {key}; sessions.reset begins it anew"
        )));
    }
    Ok(())
}

/// Somebody else began the session anew meanwhile.
pub(super) fn changed(session: &Session, expected: &str) -> ErrorShape {
    ErrorShape::invalid_request(format!(
        "session {:?} was begun anew meanwhile: expected id {expected}, found {}; look at it again first",
        session.key, session.session_id
    ))
    .with_details(json!({"reason": "session-changed", "sessionId": session.session_id}))
}

impl Gateway {
    /// Stops what is being answered in a session and begins it anew. `None`: there is no such session.
    pub(crate) async fn begin_anew(
        &self,
        key: &str,
        why: &'static str,
    ) -> Result<Option<Session>, ErrorShape> {
        self.runs.abort(key, None);
        let sessions = self.store.sessions();
        if sessions.get(key).await.map_err(store_failed)?.is_none() {
            return Ok(None);
        }
        let fresh = sessions.reset(key).await.map_err(store_failed)?;
        self.tell_session(&fresh, why).await;
        Ok(Some(fresh))
    }

    /// Tells those who keep a list that a session is another one, and why.
    pub(crate) async fn tell_session(&self, session: &Session, why: &str) {
        if self.events.sessions_watched()
            && let Ok(row) = self.session_row(session, Extras::LISTED).await
        {
            let why = SessionChange::Reason(why);
            self.events.sessions_changed(&session.key, &session.agent_id, why, &row);
        }
    }
}
