//! Reading a conversation: its newest messages, what came since, one message whole.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bulkhead_protocol::ErrorShape;
use bulkhead_server::Reply;
use bulkhead_store::{Message, Session};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::metadata;
use crate::gateway::Gateway;
use crate::methods::{Call, store_failed};
use crate::session_rows::{Extras, defaults, model_of};
use crate::sessions::resolve;
use crate::settings::Settings;
use crate::transcript;

const MESSAGES: usize = 200;
const MOST_MESSAGES: usize = 1000;
/// The most that one history may hold, whatever the client asks for.
const MOST_BYTES: usize = 6 * 1024 * 1024;
/// Longest single text in a history.
const MOST_CHARS: usize = 500_000;
/// Longest text of a single message that is asked for.
const MOST_CHARS_OF_ONE: usize = 2_000_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HistoryParams {
    session_key: Option<String>,
    agent_id: Option<String>,
    cursor: Option<String>,
    limit: Option<usize>,
    #[serde(default)]
    offset: usize,
    /// The page ends with this message.
    message_id: Option<String>,
    max_chars: Option<usize>,
    max_bytes: Option<usize>,
    /// Messages that the client sent and waits to see.
    input_run_ids: Option<Vec<String>>,
}

/// The row of a chat names the last message.
const LEAF: Extras = Extras { last_message: false, title: false, leaf: true };

/// Where a reader stands in a transcript.
#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(rename_all = "camelCase")]
struct Cursor {
    version: u8,
    session_id: String,
    last_seq: i64,
    /// How often somebody went back in it, or to another branch.
    #[serde(default)]
    turned: i64,
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
    let mut result = match &params.cursor {
        Some(cursor) => delta(gateway, &params, cursor).await?,
        None => page(gateway, &params).await?,
    };
    if result["kind"] != "reset" {
        result["metadata"] = metadata::metadata(gateway);
    }
    Reply::json(&result)
}

/// The newest messages, or those after a cursor.
pub(super) async fn history(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: HistoryParams = call.params()?;
    let mut result = match &params.cursor {
        Some(cursor) => delta(gateway, &params, cursor).await?,
        None => page(gateway, &params).await?,
    };
    if params.input_run_ids.is_some() && result["kind"] != "reset" {
        // A message is in the transcript before it is accepted, so none is on its way.
        result["inputReceipts"] = json!([]);
        result["inputConsumptions"] = json!([]);
    }
    Reply::json(&result)
}

async fn page(gateway: &Gateway, params: &HistoryParams) -> Result<Value, ErrorShape> {
    let settings = gateway.settings.now();
    let (key, agent) = resolve(&settings, params.session_key.as_deref(), params.agent_id.as_deref())?;
    let sessions = gateway.store.sessions();
    let session = sessions.get(&key).await.map_err(store_failed)?;
    let total = sessions.message_count(&key).await.map_err(store_failed)?;
    let limit = params.limit.unwrap_or(MESSAGES).clamp(1, MOST_MESSAGES);
    let mut before =
        (params.offset > 0).then(|| total - i64::try_from(params.offset).unwrap_or(i64::MAX) + 1);
    if let Some(id) = &params.message_id {
        let anchor = sessions.message(&key, id).await.map_err(store_failed)?;
        let anchor = anchor.ok_or_else(|| {
            ErrorShape::invalid_request(format!("messageId: there is no message {id:?} in {key}"))
        })?;
        before = Some(anchor.seq + 1);
    }
    let found = sessions.history(&key, limit, before).await.map_err(store_failed)?;
    let (messages, cut) = within(&found, params);
    let first = found.get(found.len() - messages.len()).map_or(1, |message| message.seq);
    let more = cut || first > 1;
    let mut result = json!({
        "sessionKey": key,
        "messages": messages,
        "pendingInputs": {"items": [], "total": 0},
        "hasMore": more,
        "totalMessages": total,
        "defaults": defaults(&settings, &agent),
        "thinkingLevel": thinking_level(&settings, session.as_ref(), &agent),
    });
    if more {
        result["nextOffset"] = (total - first + 1).max(0).into();
    }
    if let Some(session) = session {
        let last_seq = found.last().map_or(0, |message| message.seq);
        result["deltaCursor"] = cursor(&session, last_seq).into();
        result["sessionId"] = session.session_id.clone().into();
        result["sessionInfo"] = gateway.session_row(&session, LEAF).await?;
        if let Some(level) = session.choice("verboseLevel") {
            result["verboseLevel"] = level.into();
        }
        if let Some((run_id, text, started_at)) = gateway.runs.streaming_in(&key) {
            result["inFlightRun"] = json!({"runId": run_id, "text": text, "startedAt": started_at});
        }
    } else {
        result["sessionInfo"] = gateway.unborn_row(&key, &agent);
    }
    Ok(result)
}

/// How hard the model of a session thinks with the next message.
fn thinking_level(settings: &Settings, session: Option<&Session>, agent: &str) -> &'static str {
    let model = model_of(session, agent, settings);
    model.map_or("off", |model| settings.thinking_in(session, agent, &model).as_str())
}

async fn delta(gateway: &Gateway, params: &HistoryParams, from: &str) -> Result<Value, ErrorShape> {
    let settings = gateway.settings.now();
    let (key, _) = resolve(&settings, params.session_key.as_deref(), params.agent_id.as_deref())?;
    let sessions = gateway.store.sessions();
    let session = sessions.get(&key).await.map_err(store_failed)?;
    let limit = params.limit.unwrap_or(MESSAGES).clamp(1, MOST_MESSAGES);
    let Some((session, at)) = session.zip(Cursor::read(from)) else { return Ok(json!({"kind": "reset"})) };
    if at.session_id != session.session_id || at.turned != turned(&session) {
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
        "sessionInfo": gateway.session_row(&session, LEAF).await?,
        "pendingInputs": {"items": [], "total": 0},
    });
    if let Some((run_id, text, started_at)) = gateway.runs.streaming_in(&key) {
        result["inFlightRun"] = json!({"runId": run_id, "text": text, "startedAt": started_at});
    }
    Ok(result)
}

fn cursor(session: &Session, last_seq: i64) -> String {
    let turned = turned(session);
    Cursor { version: 1, session_id: session.session_id.clone(), last_seq, turned }.write()
}

fn turned(session: &Session) -> i64 {
    session.meta.get("turned").and_then(Value::as_i64).unwrap_or(0)
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
struct MessageParams {
    session_key: String,
    agent_id: Option<String>,
    message_id: String,
    max_chars: Option<usize>,
}

/// One message, with more of it than a history shows.
pub(super) async fn message(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: MessageParams = call.params()?;
    let (key, _) = resolve(&gateway.settings.now(), Some(&params.session_key), params.agent_id.as_deref())?;
    let found = gateway.store.sessions().message(&key, &params.message_id).await.map_err(store_failed)?;
    let Some(found) = found else {
        return Reply::json(&json!({"ok": false, "unavailableReason": "not_found"}));
    };
    let mut wire = transcript::to_wire(&found);
    let most = params.max_chars.unwrap_or(MOST_CHARS_OF_ONE).clamp(1, MOST_CHARS_OF_ONE);
    if let Some(content) = wire.get_mut("content") {
        transcript::clip(content, most);
    }
    Reply::json(&json!({"ok": true, "message": wire}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_survive_the_way_to_the_client_and_junk_does_not_hurt() {
        let cursor = Cursor { version: 1, session_id: "s".into(), last_seq: 7, turned: 0 };
        assert_eq!(Cursor::read(&cursor.write()), Some(cursor));
        assert_eq!(Cursor::read("☃"), None);
        assert_eq!(Cursor::read("e30"), None);
    }
}
