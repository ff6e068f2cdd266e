//! Looking at sessions: one row, the last words of several, which one is meant, what was said where.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_server::Reply;
use bulkhead_store::{Archived, Session, SessionFilter};
use serde::Deserialize;
use serde_json::{Value, json};

use super::find;
use crate::clock;
use crate::gateway::Gateway;
use crate::methods::{Call, store_failed};
use crate::session_rows::Extras;
use crate::transcript;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescribeParams {
    key: String,
    agent_id: Option<String>,
    #[serde(default)]
    include_derived_titles: bool,
    #[serde(default)]
    include_last_message: bool,
}

/// One session, or `null` if there is none under the key.
pub(super) async fn describe(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: DescribeParams = call.params()?;
    let extras = Extras {
        last_message: params.include_last_message,
        title: params.include_derived_titles,
        leaf: true,
    };
    let row = match find(gateway, &params.key, params.agent_id.as_deref()).await? {
        Some(session) => gateway.session_row(&session, extras).await?,
        None => Value::Null,
    };
    Reply::json(&json!({"session": row}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PreviewParams {
    keys: Vec<String>,
    limit: Option<usize>,
    max_chars: Option<usize>,
}

/// Sessions that one preview may show, messages of each, and characters of one.
const PREVIEW_SESSIONS: usize = 64;
const PREVIEW_MESSAGES: usize = 50;
const PREVIEW_CHARS: usize = 2000;

/// The last words of several sessions.
pub(super) async fn preview(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: PreviewParams = call.params()?;
    let limit = params.limit.unwrap_or(12).clamp(1, PREVIEW_MESSAGES);
    let chars = params.max_chars.unwrap_or(240).clamp(20, PREVIEW_CHARS);
    let mut previews = Vec::new();
    for key in params.keys.iter().take(PREVIEW_SESSIONS) {
        previews.push(match find(gateway, key, None).await {
            Ok(Some(session)) => {
                let messages = gateway
                    .store
                    .sessions()
                    .history(&session.key, limit, None)
                    .await
                    .map_err(store_failed)?;
                let items: Vec<Value> = messages
                    .iter()
                    .map(|message| json!({"role": message.role, "text": shortened(&message.text(), chars)}))
                    .filter(|item| item["text"] != "")
                    .collect();
                let status = if items.is_empty() { "empty" } else { "ok" };
                json!({"key": key, "status": status, "items": items})
            }
            Ok(None) => json!({"key": key, "status": "missing", "items": []}),
            Err(_) => json!({"key": key, "status": "error", "items": []}),
        });
    }
    Reply::json(&json!({"ts": clock::now_ms(), "previews": previews}))
}

fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(3)).chain("...".chars()).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResolveParams {
    key: Option<String>,
    session_id: Option<String>,
    label: Option<String>,
    short_id: Option<String>,
    agent_id: Option<String>,
    #[serde(default)]
    allow_missing: bool,
}

/// Which session is meant by a key, an id, a label or the beginning of an id.
pub(super) async fn resolve_one(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: ResolveParams = call.params()?;
    let sessions = gateway.store.sessions();
    let given = [&params.key, &params.session_id, &params.label, &params.short_id];
    if given.iter().filter(|given| given.is_some()).count() != 1 {
        return Err(ErrorShape::invalid_request(
            "expected one of key, sessionId, label and shortId, and no other of them",
        ));
    }
    let asked = given.into_iter().flatten().next().cloned().unwrap_or_default();
    let mut found: Vec<Session> = if params.key.is_some() {
        find(gateway, &asked, params.agent_id.as_deref()).await?.into_iter().collect()
    } else if params.session_id.is_some() {
        sessions.by_session_id(&asked).await.map_err(store_failed)?.into_iter().collect()
    } else {
        let filter = SessionFilter {
            agent_id: params.agent_id.clone(),
            label: params.label.clone(),
            archived: Archived::All,
            limit: params.label.as_ref().map(|_| 11),
            ..SessionFilter::default()
        };
        let mut all = sessions.list(filter).await.map_err(store_failed)?;
        if let Some(short) = &params.short_id {
            all.retain(|session| is_short_for(short, session));
        }
        all
    };
    if params.agent_id.is_some() {
        found.retain(|session| params.agent_id.as_deref() == Some(session.agent_id.as_str()));
    }
    match found.as_slice() {
        [one] => {
            let mut result = named(one);
            result["ok"] = true.into();
            Reply::json(&result)
        }
        [] if params.allow_missing => Reply::json(&json!({"ok": false})),
        [] => Err(ErrorShape::invalid_request(format!("No session found: {asked}"))),
        many => {
            let candidates: Vec<Value> = many.iter().take(10).map(named).collect();
            Reply::json(&json!({"ok": false, "candidates": candidates}))
        }
    }
}

/// A short id is the beginning of the session id or of the last part of the key, eight characters or more.
fn is_short_for(short: &str, session: &Session) -> bool {
    let own = session.key.rsplit(':').next().unwrap_or_default();
    short.len() >= 8 && (session.session_id.starts_with(short) || own.starts_with(short))
}

fn named(session: &Session) -> Value {
    let mut named = json!({"key": session.key, "agentId": session.agent_id});
    if let Some(label) = &session.label {
        named["displayName"] = label.clone().into();
    }
    named
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SearchParams {
    agent_id: Option<String>,
    session_keys: Option<Vec<String>>,
    query: String,
    limit: Option<usize>,
}

/// What was said, by its words.
pub(super) async fn search(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: SearchParams = call.params()?;
    let query = params.query.trim();
    if query.is_empty() || query.len() > 4096 {
        return Err(ErrorShape::invalid_params(
            "sessions.search",
            "query",
            format!("found {} bytes, expected 1 to 4096", query.len()),
        ));
    }
    let limit = params.limit.unwrap_or(10).clamp(1, 25);
    let sessions = gateway.store.sessions();
    let (hits, more) = sessions
        .search(query, params.agent_id.as_deref(), params.session_keys, limit)
        .await
        .map_err(store_failed)?;
    let word = query.split_whitespace().next().unwrap_or(query);
    let results: Vec<Value> = hits
        .iter()
        .map(|hit| {
            json!({
                "sessionKey": hit.session_key,
                "sessionId": hit.message.session_id,
                "messageId": hit.message.id,
                "role": hit.message.role,
                "timestamp": hit.message.ts,
                "snippet": transcript::around(&hit.message.text(), word),
                "score": f64::from(u32::try_from(hit.times).unwrap_or(u32::MAX)),
            })
        })
        .collect();
    let mut result = json!({"results": results});
    if more {
        result["truncated"] = true.into();
    }
    Reply::json(&result)
}
