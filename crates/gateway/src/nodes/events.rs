//! `node.event`: what nodes tell by themselves.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_server::ConnInfo;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock;
use crate::gateway::Gateway;
use crate::methods::store_failed;
use crate::runs::{Source, TurnRequest};
use crate::sessions::resolve;

/// A person who did nothing for longer than this is not here, in seconds.
const LONGEST_IDLE: u64 = 30 * 24 * 60 * 60;

/// What became of an event.
pub(crate) struct Heard {
    handled: bool,
    reason: Option<&'static str>,
}

pub(crate) const fn done(reason: &'static str) -> Heard {
    Heard { handled: true, reason: Some(reason) }
}

pub(crate) const fn ignored(reason: &'static str) -> Heard {
    Heard { handled: false, reason: Some(reason) }
}

impl Heard {
    /// The result of `node.event`.
    pub(crate) fn to_result(&self, event: &str) -> Value {
        let mut result = json!({"ok": true, "event": event, "handled": self.handled});
        if let Some(reason) = self.reason {
            result["reason"] = reason.into();
        }
        result
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AgentRequest {
    message: String,
    session_key: Option<String>,
    key: Option<String>,
    timeout_seconds: Option<u64>,
}

impl Gateway {
    /// Hears an event of a node.
    pub(crate) async fn node_event(
        self: &Arc<Self>,
        conn: &ConnInfo,
        event: &str,
        payload: Value,
    ) -> Result<Heard, ErrorShape> {
        let here = conn.device_id.as_deref().and_then(|id| self.nodes.get(id));
        if here.is_none_or(|live| live.conn.id != conn.id) {
            return Ok(ignored("stale_connection"));
        }
        match event {
            "node.host.stats" => self.host_stats(conn, &payload).await,
            "node.presence.activity" => Ok(self.activity(conn, &payload)),
            "node.presence.alive" => self.alive(conn).await,
            "chat.subscribe" | "chat.unsubscribe" => {
                Ok(self.chat_wish(conn, event == "chat.subscribe", &payload))
            }
            "canvas.closed" => Ok(self.canvas_closed(conn, &payload)),
            "agent.request" => self.agent_request(conn, payload).await,
            "exec.started" | "exec.finished" | "exec.denied" => Ok(Self::exec_told(conn, event, &payload)),
            _ => Ok(ignored("unsupported_event")),
        }
    }

    async fn host_stats(&self, conn: &ConnInfo, payload: &Value) -> Result<Heard, ErrorShape> {
        let Some(mut stats) = checked_stats(payload) else { return Ok(ignored("invalid_payload")) };
        stats["updatedAtMs"] = clock::now_ms().into();
        if !self.nodes.change(conn, |live| live.host_stats = Some(stats.clone())) {
            return Ok(ignored("stale_connection"));
        }
        let id = conn.device_id.as_deref().unwrap_or_default();
        self.store.nodes().set_host_stats(id, &stats).await.map_err(store_failed)?;
        self.events.node_host_stats(id, &stats);
        Ok(done("updated"))
    }

    /// How long ago somebody used the machine. What is asked of the whole system needs its permission.
    fn activity(&self, conn: &ConnInfo, payload: &Value) -> Heard {
        let id = conn.device_id.as_deref().unwrap_or_default();
        if payload["action"] == "clear" {
            self.nodes.change(conn, |live| live.last_input_at = None);
            self.events.node_presence(id, None);
            return done("cleared");
        }
        let Some(idle) = payload["idleSeconds"].as_u64().filter(|idle| *idle <= LONGEST_IDLE) else {
            return ignored("invalid_payload");
        };
        if payload["source"] != "app" && conn.permissions.get("accessibility") != Some(&true) {
            return ignored("permission_required");
        }
        let at = clock::now_ms().saturating_sub(idle * 1000);
        self.nodes.change(conn, |live| live.last_input_at = Some(at));
        self.events.node_presence(id, Some(at));
        done("updated")
    }

    async fn alive(&self, conn: &ConnInfo) -> Result<Heard, ErrorShape> {
        let Some(id) = conn.device_id.as_deref() else { return Ok(ignored("missing_device_identity")) };
        self.store.devices().seen(id, "alive").await.map_err(store_failed)?;
        Ok(done("persisted"))
    }

    fn chat_wish(&self, conn: &ConnInfo, wanted: bool, payload: &Value) -> Heard {
        let settings = self.settings.now();
        let Some(key) = payload["sessionKey"].as_str() else { return ignored("invalid_payload") };
        let Ok((key, _)) = resolve(&settings, Some(key), None) else { return ignored("invalid_payload") };
        let hub = self.events.hub();
        if !wanted {
            hub.unsubscribe_messages(&conn.id, &key);
        } else if !hub.subscribe_messages(&conn.id, &key) {
            return ignored("too_many");
        }
        done("updated")
    }

    async fn agent_request(self: &Arc<Self>, conn: &ConnInfo, payload: Value) -> Result<Heard, ErrorShape> {
        let Ok(asked) = serde_json::from_value::<AgentRequest>(payload) else {
            return Ok(ignored("invalid_payload"));
        };
        let text = asked.message.trim();
        if text.is_empty() || text.len() > 20_000 {
            return Ok(ignored("invalid_payload"));
        }
        let id = conn.device_id.as_deref().unwrap_or_default();
        let settings = self.settings.now();
        // A conversation of its own, unless it names one.
        let own = format!("agent:{}:node-{}", settings.default_agent(), id.get(..12).unwrap_or(id));
        let (key, agent) = resolve(&settings, Some(asked.session_key.as_deref().unwrap_or(&own)), None)?;
        let run_id = asked.key.filter(|key| !key.trim().is_empty() && key.len() <= 200);
        let run_id = run_id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        let request = TurnRequest {
            timeout: asked.timeout_seconds.filter(|seconds| *seconds > 0).map(std::time::Duration::from_secs),
            sender: conn.client.display_name.clone(),
            ..TurnRequest::new(run_id, key, agent, text, Source::Node)
        };
        self.accept(request, None).await?;
        Ok(done("accepted"))
    }

    /// A program on a node began or ended. Those that were asked for are answered already; this is for the log.
    fn exec_told(conn: &ConnInfo, event: &str, payload: &Value) -> Heard {
        let number = |name: &str| payload[name].as_i64();
        tracing::info!(
            node = conn.device_id.as_deref().unwrap_or_default(),
            event,
            run = payload["runId"].as_str().unwrap_or_default(),
            exit_code = number("exitCode"),
            "a program on a node"
        );
        done("recorded")
    }
}

/// The figures of a machine, if they can be true; nothing but the known fields.
fn checked_stats(payload: &Value) -> Option<Value> {
    let cpus = payload["cpuCount"].as_u64().filter(|cpus| (1..=4096).contains(cpus))?;
    let pair = |total: &str, free: &str| {
        let (total, free) = (payload[total].as_u64()?, payload[free].as_u64()?);
        (free <= total).then_some((total, free))
    };
    let (total, free) = pair("memoryTotalBytes", "memoryFreeBytes")?;
    let mut stats = json!({"cpuCount": cpus, "memoryTotalBytes": total, "memoryFreeBytes": free});
    if let Some(load) = payload.get("loadAverage") {
        let load: Vec<f64> = serde_json::from_value(load.clone()).ok()?;
        if load.len() != 3 || load.iter().any(|load| !(0.0..=100_000.0).contains(load)) {
            return None;
        }
        stats["loadAverage"] = json!(load);
    }
    if payload.get("diskTotalBytes").is_some() || payload.get("diskAvailableBytes").is_some() {
        let (total, free) = pair("diskTotalBytes", "diskAvailableBytes")?;
        stats["diskTotalBytes"] = total.into();
        stats["diskAvailableBytes"] = free.into();
    }
    Some(stats)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_that_cannot_be_true_are_not_kept() {
        let good =
            json!({"cpuCount": 2, "memoryTotalBytes": 4, "memoryFreeBytes": 1, "loadAverage": [0.1, 0, 2]});
        let kept = checked_stats(&good).unwrap();
        assert_eq!(kept["cpuCount"], 2);
        for (field, value) in [
            ("cpuCount", json!(0)),
            ("memoryFreeBytes", json!(5)),
            ("loadAverage", json!([1])),
            ("loadAverage", json!([1, 2, -1])),
            ("diskTotalBytes", json!(7)),
        ] {
            let mut bad = good.clone();
            bad[field] = value;
            assert_eq!(checked_stats(&bad), None, "{field}");
        }
        let mut more = good;
        more["updatedAtMs"] = json!(1);
        assert!(checked_stats(&more).unwrap().get("updatedAtMs").is_none());
    }
}
