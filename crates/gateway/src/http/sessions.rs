//! `/sessions/KEY/history` and `/sessions/KEY/kill`: a conversation over plain HTTP.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Response, StatusCode, header};
use axum::response::IntoResponse as _;
use bulkhead_store::Message;
use bytes::Bytes;
use futures::stream;
use serde_json::{Value, json};

use super::openai::wrong_query;
use super::{event_stream, refusal};
use crate::gateway::Gateway;
use crate::sessions::resolve;
use crate::transcript::to_wire;

/// Messages of one page when nothing is said.
const PAGE: usize = 200;
/// The most of one page.
const MOST: usize = 1000;
/// Sign of life on a stream that has nothing to tell.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wanted {
    limit: usize,
    /// Only messages older than this place.
    before: Option<i64>,
}

/// A page of a conversation, the newest first page; with `Accept: text/event-stream`, what follows too.
pub(super) async fn history(
    State(gateway): State<Arc<Gateway>>,
    Path(key): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response<Body> {
    let wanted = match wanted(query.as_deref().unwrap_or_default()) {
        Ok(wanted) => wanted,
        Err(message) => return wrong_query(message),
    };
    let Some(key) = known(&gateway, &key).await else { return not_found(&key) };
    // Listening begins before the page is read: nothing falls between the two.
    let heard = gateway.events.hear_messages();
    let (page, last) = match page(&gateway, &key, wanted).await {
        Ok(page) => page,
        Err(message) => return refusal(StatusCode::SERVICE_UNAVAILABLE, "unavailable", &message),
    };
    let follows = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("text/event-stream"));
    if follows {
        return follow(gateway, key, &page, last, heard);
    }
    Json(page).into_response()
}

fn wanted(query: &str) -> Result<Wanted, String> {
    let mut wanted = Wanted { limit: PAGE, before: None };
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "limit" => {
                let limit = value.parse().ok().filter(|limit| *limit > 0);
                wanted.limit = limit.ok_or("limit must be a positive integer")?;
            }
            "cursor" => {
                let place = value.strip_prefix("seq:").unwrap_or(&value).parse().ok();
                wanted.before = Some(place.ok_or("cursor must be one that an earlier page gave")?);
            }
            _ => {}
        }
    }
    wanted.limit = wanted.limit.min(MOST);
    Ok(wanted)
}

/// The key of a conversation that exists.
async fn known(gateway: &Gateway, key: &str) -> Option<String> {
    let (key, _) = resolve(&gateway.settings.now(), Some(key), None).ok()?;
    gateway.store.sessions().get(&key).await.ok()??;
    Some(key)
}

fn not_found(key: &str) -> Response<Body> {
    refusal(StatusCode::NOT_FOUND, "not_found", &format!("Session not found: {key}"))
}

/// A page, and the place of its newest message.
async fn page(gateway: &Gateway, key: &str, wanted: Wanted) -> Result<(Value, i64), String> {
    let sessions = gateway.store.sessions();
    // One more than asked for says whether there are more.
    let mut messages =
        sessions.history(key, wanted.limit + 1, wanted.before).await.map_err(|error| error.to_string())?;
    let more = messages.len() > wanted.limit;
    if more {
        messages.remove(0);
    }
    let last = messages.last().map_or(0, |message| message.seq);
    let cursor = messages.first().filter(|_| more).map(|message| message.seq.to_string());
    let shown: Vec<Value> = messages.iter().map(to_wire).collect();
    let mut page = json!({"sessionKey": key, "items": shown, "messages": shown, "hasMore": more});
    if let Some(cursor) = cursor {
        page["nextCursor"] = cursor.into();
    }
    Ok((page, last))
}

/// The page as an event, then every message as it is recorded.
fn follow(
    gateway: Arc<Gateway>,
    key: String,
    page: &Value,
    last: i64,
    heard: tokio::sync::watch::Receiver<u64>,
) -> Response<Body> {
    let first = format!("retry: 1000\n\nevent: history\ndata: {page}\n\n");
    let state = (gateway, key, last, heard, Some(first));
    let events = stream::unfold(state, |(gateway, key, mut last, mut heard, first)| async move {
        if let Some(first) = first {
            return Some((Ok::<_, Infallible>(Bytes::from(first)), (gateway, key, last, heard, None)));
        }
        loop {
            let new = gateway.store.sessions().history_after(&key, last, MOST).await.unwrap_or_default();
            if let Some(newest) = new.last() {
                last = newest.seq;
                return Some((Ok(Bytes::from(told(&key, &new))), (gateway, key, last, heard, None)));
            }
            tokio::select! {
                () = gateway.stop.cancelled() => return None,
                changed = tokio::time::timeout(KEEP_ALIVE, heard.changed()) => match changed {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return None,
                    Err(_) => {
                        let sign = Bytes::from_static(b": still here\n\n");
                        return Some((Ok(sign), (gateway, key, last, heard, None)));
                    }
                },
            }
        }
    });
    event_stream(Body::from_stream(events))
}

fn told(key: &str, messages: &[Message]) -> String {
    let event = |message: &Message| {
        let data = json!({
            "sessionKey": key,
            "message": to_wire(message),
            "messageId": message.id,
            "messageSeq": message.seq,
        });
        format!("event: message\ndata: {data}\n\n")
    };
    messages.iter().map(event).collect()
}

/// Stops what runs in a conversation.
pub(super) async fn kill(State(gateway): State<Arc<Gateway>>, Path(key): Path<String>) -> Response<Body> {
    let Some(key) = known(&gateway, &key).await else { return not_found(&key) };
    let stopped = gateway.runs.abort(&key, None);
    Json(json!({"ok": true, "killed": !stopped.is_empty(), "runIds": stopped})).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_asked_for_by_limit_and_cursor() {
        assert_eq!(wanted("").unwrap(), Wanted { limit: PAGE, before: None });
        assert_eq!(wanted("limit=5&cursor=seq%3A7").unwrap(), Wanted { limit: 5, before: Some(7) });
        assert_eq!(wanted("limit=99999&cursor=8").unwrap(), Wanted { limit: MOST, before: Some(8) });
        for wrong in ["limit=0", "limit=x", "limit=-1", "cursor=abc"] {
            assert!(wanted(wrong).is_err(), "{wrong}");
        }
    }
}
