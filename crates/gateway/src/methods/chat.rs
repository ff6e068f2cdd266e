//! `chat.*`: open a conversation, read it, write into it, stop the answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bulkhead_protocol::ErrorShape;
use bulkhead_server::Reply;
use bulkhead_store::{Message, Session};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Call, models, store_failed};
use crate::gateway::Gateway;
use crate::runs::registry::EndStatus;
use crate::runs::{Accepted, Source, TurnRequest};
use crate::session_rows::{Extras, defaults};
use crate::sessions::resolve;
use crate::transcript;

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "chat.startup" => startup,
    "chat.history" => history,
    "chat.send" => send,
    "chat.abort" => abort,
};

const MESSAGES: usize = 200;
const MOST_MESSAGES: usize = 1000;
/// The most that one history may hold, whatever the client asks for.
const MOST_BYTES: usize = 6 * 1024 * 1024;
/// Longest single text in a history.
const MOST_CHARS: usize = 500_000;
/// Longest message that a client may send.
const LONGEST_MESSAGE: usize = 1024 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HistoryParams {
    session_key: Option<String>,
    agent_id: Option<String>,
    cursor: Option<String>,
    limit: Option<usize>,
    #[serde(default)]
    offset: usize,
    max_chars: Option<usize>,
    max_bytes: Option<usize>,
}

/// Where a reader stands in a transcript.
#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(rename_all = "camelCase")]
struct Cursor {
    version: u8,
    session_id: String,
    last_seq: i64,
}

impl Cursor {
    fn write(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    fn read(text: &str) -> Option<Self> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }
}

/// History with what a client needs beside it to begin.
pub(super) async fn startup(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: HistoryParams = call.params()?;
    let mut result = page(gateway, &HistoryParams { cursor: None, ..params }).await?;
    result["metadata"] = json!({
        "models": models::models(gateway),
        "commands": [],
        "swarmEnabled": false,
        "runtimeSelectionLocked": true,
    });
    Reply::json(&result)
}

/// The newest messages, or those after a cursor.
pub(super) async fn history(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: HistoryParams = call.params()?;
    let result = match &params.cursor {
        Some(cursor) => delta(gateway, &params, cursor).await?,
        None => page(gateway, &params).await?,
    };
    Reply::json(&result)
}

async fn page(gateway: &Gateway, params: &HistoryParams) -> Result<Value, ErrorShape> {
    let settings = gateway.settings.now();
    let (key, agent) = resolve(&settings, params.session_key.as_deref(), params.agent_id.as_deref())?;
    let sessions = gateway.store.sessions();
    let session = sessions.get(&key).await.map_err(store_failed)?;
    let total = sessions.message_count(&key).await.map_err(store_failed)?;
    let limit = params.limit.unwrap_or(MESSAGES).clamp(1, MOST_MESSAGES);
    let before = (params.offset > 0).then(|| total - i64::try_from(params.offset).unwrap_or(i64::MAX) + 1);
    let found = sessions.history(&key, limit, before).await.map_err(store_failed)?;
    let (messages, cut) = within(&found, params);
    let first = found.get(found.len() - messages.len()).map_or(1, |message| message.seq);
    let mut result = json!({
        "sessionKey": key,
        "messages": messages,
        "pendingInputs": {"items": [], "total": 0},
        "hasMore": cut || first > 1,
        "totalMessages": total,
        "defaults": defaults(&settings, &agent),
        "thinkingLevel": "off",
    });
    if let Some(session) = session {
        let last_seq = found.last().map_or(0, |message| message.seq);
        result["deltaCursor"] = cursor(&session, last_seq).into();
        result["sessionId"] = session.session_id.clone().into();
        result["sessionInfo"] = gateway.session_row(&session, Extras::default()).await?;
        if let Some((run_id, text)) = gateway.runs.streaming_in(&key) {
            result["inFlightRun"] = json!({"runId": run_id, "text": text});
        }
    }
    Ok(result)
}

async fn delta(gateway: &Gateway, params: &HistoryParams, from: &str) -> Result<Value, ErrorShape> {
    let settings = gateway.settings.now();
    let (key, _) = resolve(&settings, params.session_key.as_deref(), params.agent_id.as_deref())?;
    let sessions = gateway.store.sessions();
    let session = sessions.get(&key).await.map_err(store_failed)?;
    let limit = params.limit.unwrap_or(MESSAGES).clamp(1, MOST_MESSAGES);
    let Some((session, at)) = session.zip(Cursor::read(from)) else { return Ok(json!({"kind": "reset"})) };
    if at.session_id != session.session_id {
        return Ok(json!({"kind": "reset"}));
    }
    let found = sessions.history_after(&key, at.last_seq, limit + 1).await.map_err(store_failed)?;
    if found.len() > limit {
        // Too far behind to catch up piece by piece.
        return Ok(json!({"kind": "reset"}));
    }
    let last_seq = found.last().map_or(at.last_seq, |message| message.seq);
    let messages: Vec<Value> = found
        .iter()
        .map(|message| {
            json!({
                "sessionKey": key,
                "agentId": session.agent_id,
                "sessionId": message.session_id,
                "message": transcript::to_wire(message),
                "messageId": message.id,
                "messageSeq": message.seq,
                "updatedAt": message.ts,
            })
        })
        .collect();
    let mut result = json!({
        "kind": "delta",
        "messages": messages,
        "deltaCursor": cursor(&session, last_seq),
        "sessionInfo": gateway.session_row(&session, Extras::default()).await?,
        "pendingInputs": {"items": [], "total": 0},
    });
    if let Some((run_id, text)) = gateway.runs.streaming_in(&key) {
        result["inFlightRun"] = json!({"runId": run_id, "text": text});
    }
    Ok(result)
}

fn cursor(session: &Session, last_seq: i64) -> String {
    Cursor { version: 1, session_id: session.session_id.clone(), last_seq }.write()
}

/// The newest messages that fit into the bytes that were asked for, oldest first; and whether some did not.
fn within(found: &[Message], params: &HistoryParams) -> (Vec<Value>, bool) {
    let chars = params.max_chars.unwrap_or(MOST_CHARS).clamp(1, MOST_CHARS);
    let mut left = params.max_bytes.unwrap_or(MOST_BYTES).clamp(1, MOST_BYTES);
    let mut kept = Vec::new();
    for message in found.iter().rev() {
        let mut wire = transcript::to_wire(message);
        if let Some(content) = wire.get_mut("content") {
            transcript::clip(content, chars);
        }
        let size = wire.to_string().len();
        if size > left && !kept.is_empty() {
            break;
        }
        left = left.saturating_sub(size);
        kept.push(wire);
    }
    kept.reverse();
    let cut = kept.len() < found.len();
    (kept, cut)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SendParams {
    session_key: String,
    agent_id: Option<String>,
    session_id: Option<String>,
    message: String,
    idempotency_key: String,
    timeout_ms: Option<u64>,
    #[serde(default)]
    attachments: Vec<Value>,
}

/// Accepts a message and answers at once; the answer comes as `chat` events.
pub(super) async fn send(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let received = Instant::now();
    let params: SendParams = call.params()?;
    let text = params.message.trim();
    check_message(text, &params.attachments)?;
    check_run_id(&params.idempotency_key)?;
    let (session_key, agent_id) =
        resolve(&gateway.settings.now(), Some(&params.session_key), params.agent_id.as_deref())?;
    if let Some(stopped) = stop_words(gateway, &session_key, text, &params.idempotency_key) {
        return Reply::json(&stopped);
    }
    let request = TurnRequest {
        session_id: params.session_id,
        timeout: params.timeout_ms.filter(|ms| *ms > 0).map(Duration::from_millis),
        ..TurnRequest::new(params.idempotency_key.clone(), session_key, agent_id, text, Source::Webchat)
    };
    let status = match gateway.accept(request, None).await? {
        Accepted::Started { message_seq } => {
            let taken = received.elapsed().as_secs_f64() * 1000.0;
            let mut reply = json!({
                "runId": params.idempotency_key,
                "status": "started",
                "serverTiming": {"receivedToAckMs": (taken * 1000.0).round() / 1000.0},
            });
            if let Some(seq) = message_seq {
                reply["messageSeq"] = seq.into();
            }
            return Reply::json(&reply);
        }
        Accepted::InFlight => "in_flight",
        Accepted::Ended(end) if end.status == EndStatus::Error => {
            let summary = end.error.clone().unwrap_or_else(|| "the run failed".to_owned());
            return Reply::json(
                &json!({"runId": params.idempotency_key, "status": "error", "summary": summary}),
            );
        }
        Accepted::Ended(end) => match end.status {
            EndStatus::Aborted => "aborted",
            _ => "ok",
        },
    };
    Reply::json(&json!({"runId": params.idempotency_key, "status": status}))
}

/// `/stop` and `/abort` stop the answer instead of asking the model.
fn stop_words(gateway: &Gateway, session_key: &str, text: &str, run_id: &str) -> Option<Value> {
    if !matches!(text.to_ascii_lowercase().as_str(), "/stop" | "/abort") {
        return None;
    }
    let stopped = gateway.runs.abort(session_key, None);
    Some(json!({"runId": run_id, "status": "ok", "aborted": !stopped.is_empty(), "runIds": stopped}))
}

/// What holds for every message from a client.
pub(super) fn check_message(text: &str, attachments: &[Value]) -> Result<(), ErrorShape> {
    if !attachments.is_empty() {
        return Err(ErrorShape::invalid_request(
            "attachments: found some, expected none; this gateway takes text only, so put the text into message",
        ));
    }
    if text.is_empty() {
        return Err(ErrorShape::invalid_request("message: found nothing, expected some text"));
    }
    if text.len() > LONGEST_MESSAGE {
        return Err(ErrorShape::invalid_request(format!(
            "message: found {} bytes, expected at most {LONGEST_MESSAGE}; send it in parts",
            text.len()
        )));
    }
    Ok(())
}

/// What holds for every idempotency key.
pub(super) fn check_run_id(key: &str) -> Result<(), ErrorShape> {
    if key.is_empty() || key.len() > 256 || key.chars().any(char::is_control) {
        return Err(ErrorShape::invalid_request(format!(
            "idempotencyKey: found {} bytes, expected 1 to 256 printable ones",
            key.len()
        )));
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AbortParams {
    session_key: String,
    agent_id: Option<String>,
    run_id: Option<String>,
}

/// Stops one run of a session, or all of them.
pub(super) async fn abort(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: AbortParams = call.params()?;
    let (key, _) = resolve(&gateway.settings.now(), Some(&params.session_key), params.agent_id.as_deref())?;
    if let Some(run_id) = &params.run_id
        && let Some(other) = gateway.runs.session_of(run_id)
        && other != key
    {
        return Err(ErrorShape::invalid_request(format!(
            "runId {run_id:?} belongs to another session than {key:?}; send the session that it runs in"
        )));
    }
    let stopped = gateway.runs.abort(&key, params.run_id.as_deref());
    Reply::json(&json!({"ok": true, "aborted": !stopped.is_empty(), "runIds": stopped}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_survive_the_way_to_the_client_and_junk_does_not_hurt() {
        let cursor = Cursor { version: 1, session_id: "s".into(), last_seq: 7 };
        assert_eq!(Cursor::read(&cursor.write()), Some(cursor));
        assert_eq!(Cursor::read("☃"), None);
        assert_eq!(Cursor::read("e30"), None);
    }
}
