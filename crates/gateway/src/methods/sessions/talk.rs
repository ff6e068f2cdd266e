//! Saying something in a session that exists, and stopping what is answered in it.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_protocol::ErrorShape;
use bulkhead_server::Reply;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::existing;
use crate::gateway::Gateway;
use crate::methods::Call;
use crate::methods::chat::{Said, say};
use crate::sessions::resolve;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SendParams {
    key: String,
    agent_id: Option<String>,
    message: String,
    #[serde(default)]
    attachments: Vec<Value>,
    timeout_ms: Option<u64>,
    idempotency_key: Option<String>,
}

/// Says something; the answer comes as `chat` events.
pub(super) async fn send(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    speak(gateway, call, false).await
}

/// The same, and stops what is being answered there.
pub(super) async fn steer(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    speak(gateway, call, true).await
}

async fn speak(gateway: &Arc<Gateway>, call: Call<'_>, interrupt: bool) -> Result<Reply, ErrorShape> {
    let params: SendParams = call.params()?;
    let session = existing(gateway, &params.key, params.agent_id.as_deref()).await?;
    let run_id = params.idempotency_key.unwrap_or_else(|| Uuid::new_v4().to_string());
    let said = Said {
        attachments: params.attachments,
        timeout: params.timeout_ms.filter(|ms| *ms > 0).map(Duration::from_millis),
        interrupt,
        ..Said::new(run_id, session.key, session.agent_id, &params.message)
    };
    Reply::json(&say(gateway, said).await?)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AbortParams {
    key: Option<String>,
    run_id: Option<String>,
    agent_id: Option<String>,
}

/// Stops one run, or all of a session.
pub(super) async fn abort(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: AbortParams = call.params()?;
    let key = match (&params.key, &params.run_id) {
        (Some(key), _) => Some(resolve(&gateway.settings.now(), Some(key), params.agent_id.as_deref())?.0),
        (None, Some(run_id)) => gateway.runs.session_of(run_id),
        (None, None) => return Err(ErrorShape::invalid_request("expected key or runId; found neither")),
    };
    let stopped = key.map_or_else(Vec::new, |key| gateway.runs.abort(&key, params.run_id.as_deref()));
    let status = if stopped.is_empty() { "no-active-run" } else { "aborted" };
    Reply::json(&json!({"ok": true, "abortedRunId": stopped.first(), "status": status}))
}
