//! The `health` snapshot: written once, handed to everybody until something changes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::channels::ChannelView;
use crate::clock;
use crate::gateway::Gateway;
use crate::json;

/// A snapshot older than this is written anew when asked for.
const FRESH: Duration = Duration::from_secs(1);

/// The last snapshot and its version.
#[derive(Debug, Default)]
pub(crate) struct HealthCache {
    version: AtomicU64,
    last: Mutex<Option<(Instant, Arc<RawValue>)>>,
    sessions: Mutex<SessionSummary>,
}

/// What the snapshot says about sessions; kept here because asking the database is not for every snapshot.
#[derive(Debug, Clone, Default)]
pub(crate) struct SessionSummary {
    pub(crate) count: usize,
    /// Key, agent and last change.
    pub(crate) recent: Vec<(String, String, i64)>,
}

impl HealthCache {
    /// Grows with every change that is worth telling.
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Something changed.
    pub(crate) fn invalidate(&self) {
        self.version.fetch_add(1, Ordering::AcqRel);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Takes over what the database says about sessions.
    pub(crate) fn set_sessions(&self, summary: SessionSummary) {
        *self.sessions.lock().unwrap_or_else(PoisonError::into_inner) = summary;
        self.invalidate();
    }

    /// The snapshot.
    pub(crate) fn snapshot(&self, gateway: &Gateway) -> Arc<RawValue> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, snapshot)) = &*last
            && at.elapsed() < FRESH
        {
            return Arc::clone(snapshot);
        }
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let snapshot = json::raw(&write(gateway, &sessions));
        *last = Some((Instant::now(), Arc::clone(&snapshot)));
        snapshot
    }
}

fn write(gateway: &Gateway, sessions: &SessionSummary) -> Value {
    let begun = Instant::now();
    let settings = gateway.settings.now();
    let views = gateway.channels.views();
    let path = gateway.place.database_path().display().to_string();
    let now = clock::now_ms();
    let of = |agent: Option<&str>| {
        let recent: Vec<Value> = sessions
            .recent
            .iter()
            .filter(|(_, own, _)| agent.is_none_or(|agent| agent == own))
            .map(|(key, _, at)| {
                let at = u64::try_from(*at).unwrap_or(0);
                json!({"key": key, "updatedAt": at, "age": now.saturating_sub(at)})
            })
            .collect();
        let count = if agent.is_none() { sessions.count } else { recent.len() };
        json!({"path": path, "count": count, "recent": recent})
    };
    let agents: Vec<Value> = settings
        .agents()
        .iter()
        .map(|agent| {
            json!({
                "agentId": agent.id,
                "name": agent.name,
                "isDefault": agent.is_default,
                "heartbeat": {
                    "enabled": false, "every": "0m", "everyMs": null, "prompt": "", "target": "none", "ackMaxChars": 300,
                },
                "sessions": of(Some(&agent.id)),
            })
        })
        .collect();
    let loaded: Vec<&str> = views.iter().map(|view| view.channel).take(1).collect();
    json!({
        "ok": true,
        "ts": now,
        "durationMs": u64::try_from(begun.elapsed().as_millis()).unwrap_or(0),
        "plugins": {"loaded": loaded, "errors": [], "unavailable": []},
        "configReload": {"hotReloadStatus": if settings.problem.is_some() { "disabled" } else { "active" }},
        "channels": channels(&views),
        "channelOrder": order(&views),
        "channelLabels": labels(&views),
        "heartbeatSeconds": 0,
        "defaultAgentId": settings.default_agent(),
        "agents": agents,
        "sessions": of(None),
        "modelRuntime": {"degraded": false, "pendingAgents": []},
    })
}

/// Per channel its default account's state, and all accounts.
fn channels(views: &[ChannelView]) -> Value {
    let mut map = serde_json::Map::new();
    for view in views {
        let entry = map.entry(view.channel.to_owned()).or_insert_with(|| {
            let mut entry = view.to_value();
            entry["accounts"] = json!({});
            entry
        });
        entry["accounts"][&view.account] = view.to_value();
    }
    Value::Object(map)
}

/// The channels in order, each once.
pub(crate) fn order(views: &[ChannelView]) -> Vec<&'static str> {
    let mut order: Vec<&'static str> = views.iter().map(|view| view.channel).collect();
    order.dedup();
    order
}

/// Their names for people.
pub(crate) fn labels(views: &[ChannelView]) -> Value {
    views
        .iter()
        .map(|view| (view.channel.to_owned(), Value::from(view.label)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

impl Gateway {
    /// Asks the database what the snapshot says about sessions.
    pub(crate) async fn refresh_session_summary(&self) {
        let sessions = self.store.sessions();
        let filter = bulkhead_store::SessionFilter { limit: Some(5), ..Default::default() };
        let all = bulkhead_store::SessionFilter::default();
        if let (Ok(recent), Ok(count)) = (sessions.list(filter).await, sessions.count(all).await) {
            let recent = recent.into_iter().map(|one| (one.key, one.agent_id, one.updated_at)).collect();
            self.health.set_sessions(SessionSummary { count, recent });
        }
    }
}
