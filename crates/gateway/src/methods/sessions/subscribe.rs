//! Who is told of sessions, and of one session's messages.

use std::sync::Arc;

use bulkhead_protocol::{ErrorShape, Scope};
use bulkhead_server::Reply;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::approvals::wire;
use crate::clock;
use crate::gateway::Gateway;
use crate::methods::{Call, store_failed};
use crate::sessions::resolve;

/// Waiting approvals that one answer holds.
const MOST_APPROVALS: usize = 200;

/// The caller wants to hear of every session; with parameters of `sessions.list` it gets that list too. It hears first and
/// reads then, so that nothing falls between.
pub(super) async fn subscribe(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    gateway.events.hub().subscribe_sessions(&call.ctx.conn.id, true);
    let asked: serde_json::Map<String, serde_json::Value> = call.params()?;
    if asked.is_empty() {
        return Reply::json(&json!({"subscribed": true}));
    }
    let list = super::list::answer(gateway, call.params()?).await?;
    Reply::json(&json!({"subscribed": true, "list": list}))
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

/// The caller wants to hear of one session's messages, and perhaps of what somebody waits for a yes to in it.
pub(super) async fn messages_subscribe(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: MessagesParams = call.params()?;
    if params.include_approvals {
        call.require(Scope::OperatorApprovals)?;
    }
    let (key, _) = resolve(&gateway.settings.now(), Some(&params.key), params.agent_id.as_deref())?;
    if !gateway.events.hub().subscribe_messages(&call.ctx.conn.id, &key) {
        return Err(ErrorShape::invalid_request(
            "this connection listens to as many sessions as it may; unsubscribe from some first",
        ));
    }
    let mut result = json!({"subscribed": true, "key": key});
    if params.include_approvals {
        let pending = gateway.store.approvals().pending().await.map_err(store_failed)?;
        let of_session = pending.iter().filter(|one| one.session_key.as_deref() == Some(key.as_str()));
        let approvals: Vec<Value> = of_session.clone().take(MOST_APPROVALS).map(wire::snapshot).collect();
        result["approvalReplay"] = json!({
            "sessionKey": key,
            "updatedAtMs": clock::now_ms(),
            "truncated": of_session.count() > approvals.len(),
            "approvals": approvals,
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
