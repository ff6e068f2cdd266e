//! `usage.*` and `sessions.usage*`: what answers took.

use std::collections::BTreeMap;
use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_server::Reply;
use bulkhead_store::{Session, SessionFilter, UsageEntry, UsageFilter};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Call, store_failed};
use crate::clock;
use crate::gateway::Gateway;
use crate::transcript::text_of;
use crate::usage::{Aggregates, Asked, Range, Totals, daily, session_summary};

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "usage.status" => status,
    "usage.cost" => cost,
    "sessions.usage" => sessions,
    "sessions.usage.timeseries" => timeseries,
    "sessions.usage.logs" => logs,
};

/// Rows of `sessions.usage` unless the caller says otherwise, and at most.
const SESSIONS: usize = 50;
const MOST_SESSIONS: usize = 1000;
/// Points of a curve at most; more are put together.
const POINTS: usize = 200;
/// Log entries unless the caller says otherwise, and at most.
const LOGS: usize = 200;
const MOST_LOGS: usize = 1000;
/// Characters of a message in the log.
const CONTENT: usize = 2000;

/// Providers here are asked with keys, and those have no windows that could be shown.
async fn status(_gateway: &Arc<Gateway>, _call: Call<'_>) -> Result<Reply, ErrorShape> {
    Reply::json(&json!({"updatedAt": clock::now_ms(), "providers": []}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Whose {
    key: Option<String>,
    agent_id: Option<String>,
    agent_scope: Option<String>,
    limit: Option<usize>,
}

impl Whose {
    /// The agent that is asked about; `None` means all of them.
    fn agent(&self, gateway: &Gateway) -> Result<Option<String>, ErrorShape> {
        let settings = gateway.settings.now();
        match (self.agent_scope.as_deref(), &self.agent_id) {
            (Some("all"), Some(_)) => {
                Err(ErrorShape::invalid_request("agentScope=all cannot be combined with agentId"))
            }
            (Some("all"), None) => Ok(None),
            (Some(other), _) => {
                Err(ErrorShape::invalid_request(format!("agentScope: found {other:?}, expected \"all\"")))
            }
            // Agents that are gone have left what they took.
            (None, Some(id)) => Ok(Some(id.clone())),
            (None, None) => Ok(Some(
                self.key
                    .as_deref()
                    .and_then(crate::sessions::agent_of)
                    .unwrap_or_else(|| settings.default_agent())
                    .to_owned(),
            )),
        }
    }
}

async fn entries(
    gateway: &Gateway,
    range: &Range,
    agent_id: Option<String>,
    session_key: Option<String>,
) -> Result<Vec<UsageEntry>, ErrorShape> {
    let filter = UsageFilter { from: range.from_ms(), until: range.until_ms(), agent_id, session_key };
    gateway.store.usage().list(filter).await.map_err(store_failed)
}

/// One sum per day, and all of them.
async fn cost(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let (asked, whose): (Asked, Whose) = (call.params()?, call.params()?);
    let now = clock::now_ms();
    let range = Range::of(&asked, now)?;
    let found = entries(gateway, &range, whose.agent(gateway)?, None).await?;
    Reply::json(&json!({
        "updatedAt": now,
        "days": range.days().len(),
        "daily": daily(&found, &range),
        "totals": Totals::of(&found),
    }))
}

/// One row per session that took anything or is there, the last changed first; and what they took together.
async fn sessions(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let (asked, whose): (Asked, Whose) = (call.params()?, call.params()?);
    if whose.agent_scope.is_some() && whose.key.is_some() {
        return Err(ErrorShape::invalid_request("agentScope=all cannot be combined with key"));
    }
    let now = clock::now_ms();
    let range = Range::of(&asked, now)?;
    let agent = whose.agent(gateway)?;
    let key = match &whose.key {
        Some(key) => Some(full_key(gateway, key, whose.agent_id.as_deref())?),
        None => None,
    };
    let found = entries(gateway, &range, agent.clone(), key.clone()).await?;
    let mut by_key: BTreeMap<&str, Vec<&UsageEntry>> = BTreeMap::new();
    for entry in &found {
        by_key.entry(&entry.session_key).or_default().push(entry);
    }
    let limit = whose.limit.unwrap_or(SESSIONS).clamp(1, MOST_SESSIONS);
    let filter = SessionFilter {
        agent_id: agent,
        updated_since: Some(range.from_ms()),
        limit: Some(limit),
        ..SessionFilter::default()
    };
    let mut known = gateway.store.sessions().list(filter).await.map_err(store_failed)?;
    known.retain(|session| key.as_deref().is_none_or(|key| key == session.key));
    let mut rows: Vec<Value> = known
        .iter()
        .map(|session| row(session, by_key.get(session.key.as_str()).map(Vec::as_slice), &range))
        .collect();
    // What deleted sessions took is told too.
    for (key, entries) in by_key.iter().filter(|(key, _)| known.iter().all(|one| one.key != **key)) {
        rows.push(gone(key, entries, &range));
    }
    rows.truncate(limit);
    Reply::json(&json!({
        "updatedAt": now,
        "startDate": range.first.to_string(),
        "endDate": range.last.to_string(),
        "sessions": rows,
        "totals": Totals::of(&found),
        "aggregates": Aggregates::of(&found, &range).to_value(),
        "creatorOptions": [],
    }))
}

fn row(session: &Session, entries: Option<&[&UsageEntry]>, range: &Range) -> Value {
    let mut row = json!({
        "key": session.key,
        "sessionId": session.session_id,
        "scope": "instance",
        "updatedAt": session.updated_at,
        "agentId": session.agent_id,
        "usage": entries.and_then(|entries| session_summary(entries, range)),
        "hasContextWeight": false,
    });
    for (name, value) in [
        ("label", &session.label),
        ("channel", &session.channel),
        ("modelProvider", &session.model_provider),
        ("model", &session.model),
    ] {
        if let Some(value) = value {
            row[name] = value.as_str().into();
        }
    }
    row
}

fn gone(key: &str, entries: &[&UsageEntry], range: &Range) -> Value {
    let last = entries.last();
    json!({
        "key": key,
        "sessionId": last.map(|entry| entry.session_id.as_str()),
        "scope": "instance",
        "updatedAt": last.map(|entry| entry.ended_at),
        "agentId": last.map(|entry| entry.agent_id.as_str()),
        "usage": session_summary(entries, range),
        "hasContextWeight": false,
    })
}

fn full_key(gateway: &Gateway, key: &str, agent: Option<&str>) -> Result<String, ErrorShape> {
    crate::sessions::resolve(&gateway.settings.now(), Some(key), agent).map(|(key, _)| key)
}

/// The session that a detail is asked of.
async fn session_of(gateway: &Gateway, whose: &Whose, what: &str) -> Result<Session, ErrorShape> {
    let key = whose
        .key
        .as_deref()
        .ok_or_else(|| ErrorShape::invalid_request(format!("key is required for {what}")))?;
    let key = full_key(gateway, key, whose.agent_id.as_deref())?;
    gateway
        .store
        .sessions()
        .get(&key)
        .await
        .map_err(store_failed)?
        .ok_or_else(|| ErrorShape::invalid_request(format!("No transcript found for session: {key}")))
}

/// A curve: one point per run, more than 200 put together.
async fn timeseries(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let session = session_of(gateway, &call.params()?, "timeseries").await?;
    let filter = UsageFilter { from: 0, until: i64::MAX, agent_id: None, session_key: Some(session.key) };
    let found = gateway.store.usage().list(filter).await.map_err(store_failed)?;
    let (mut tokens, mut money) = (0, 0.0);
    let points: Vec<Value> = found
        .chunks(found.len().div_ceil(POINTS).max(1))
        .map(|chunk| {
            let totals = Totals::of(chunk);
            tokens += totals.total_tokens;
            money += totals.total_cost;
            json!({
                "timestamp": chunk.last().map(|entry| entry.ended_at),
                "input": totals.input, "output": totals.output, "cacheRead": totals.cache_read,
                "cacheWrite": totals.cache_write, "totalTokens": totals.total_tokens, "cost": totals.total_cost,
                "cumulativeTokens": tokens, "cumulativeCost": money,
            })
        })
        .collect();
    Reply::json(&json!({"sessionId": session.session_id, "points": points}))
}

/// The transcript with what each answer took.
async fn logs(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let whose: Whose = call.params()?;
    let limit = whose.limit.unwrap_or(LOGS).min(MOST_LOGS);
    let Ok(session) = session_of(gateway, &whose, "logs").await else {
        return Reply::json(&json!({"logs": []}));
    };
    let filter =
        UsageFilter { from: 0, until: i64::MAX, agent_id: None, session_key: Some(session.key.clone()) };
    let spent: BTreeMap<String, UsageEntry> = gateway
        .store
        .usage()
        .list(filter)
        .await
        .map_err(store_failed)?
        .into_iter()
        .map(|entry| (entry.run_id.clone(), entry))
        .collect();
    let messages = gateway.store.sessions().history(&session.key, limit, None).await.map_err(store_failed)?;
    let logs: Vec<Value> = messages
        .iter()
        .map(|message| {
            let text: String = text_of(&message.content).chars().take(CONTENT).collect();
            let mut row = json!({"timestamp": message.ts, "role": message.role, "content": text});
            // The last message of an answer carries what the whole run took.
            let entry = message.run_id.as_ref().and_then(|run| spent.get(run));
            if let Some(entry) = entry.filter(|_| message.meta.get("usage").is_some()) {
                let totals = Totals::of([entry]);
                row["tokens"] = totals.total_tokens.into();
                row["cost"] = totals.total_cost.into();
            }
            row
        })
        .collect();
    Reply::json(&json!({"logs": logs}))
}
