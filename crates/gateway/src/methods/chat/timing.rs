//! `chat.send_timing`: a chat window learns how long each step to its answer took.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use async_trait::async_trait;
use bulkhead_server::ConnId;
use serde_json::{Value, json};

use crate::events::Events;
use crate::methods::Call;
use crate::runs::Progress;
use crate::runs::registry::RunEnd;

/// One message on its way, as its sender's clock is told of it.
pub(super) struct Timing {
    events: Events,
    conn: ConnId,
    run_id: String,
    session_key: String,
    agent_id: String,
    received: Instant,
    acked: Arc<OnceLock<Instant>>,
    started: Option<Instant>,
    spoke: bool,
}

impl Timing {
    /// For windows that people look at; others would not read it. Answers also where the time goes at which the message was
    /// acknowledged.
    pub(super) fn of(
        events: &Events,
        call: &Call<'_>,
        names: (&str, &str, &str),
        received: Instant,
    ) -> Option<(Self, Arc<OnceLock<Instant>>)> {
        if !matches!(call.ctx.conn.client.mode.as_str(), "webchat" | "ui") {
            return None;
        }
        let acked = Arc::new(OnceLock::new());
        let (run_id, session_key, agent_id) = names;
        let timing = Self {
            events: events.clone(),
            conn: call.ctx.conn.id.clone(),
            run_id: run_id.to_owned(),
            session_key: session_key.to_owned(),
            agent_id: agent_id.to_owned(),
            received,
            acked: Arc::clone(&acked),
            started: None,
            spoke: false,
        };
        Some((timing, acked))
    }

    fn tell(&self, phase: &str, more: &[(&str, Value)]) {
        let mut payload = json!({
            "phase": phase,
            "runId": self.run_id,
            "sessionKey": self.session_key,
            "agentId": self.agent_id,
            // The step may come before the acknowledgement: then it took no time after it.
            "ackToPhaseMs": self.acked.get().map_or(0.0, |acked| since(*acked)),
            "receivedToPhaseMs": since(self.received),
        });
        if let Some(started) = self.started {
            payload["dispatchStartedToPhaseMs"] = since(started).into();
        }
        for (name, value) in more {
            payload[*name] = value.clone();
        }
        self.events.chat_send_timing(&self.conn, &payload);
    }
}

/// Milliseconds, to the thousandth.
fn since(at: Instant) -> f64 {
    (at.elapsed().as_secs_f64() * 1_000_000.0).round() / 1000.0
}

#[async_trait]
impl Progress for Timing {
    async fn began(&mut self) {
        self.tell("dispatch-started", &[]);
        self.started = Some(Instant::now());
    }

    async fn model(&mut self, provider: &str, model: &str) {
        self.tell("model-selected", &[("provider", provider.into()), ("model", model.into())]);
        self.tell("agent-run-started", &[]);
    }

    async fn delta(&mut self, _delta: &str, _so_far: &str) {
        if !self.spoke {
            self.spoke = true;
            self.tell("first-assistant-event", &[]);
        }
    }

    async fn ended(self: Box<Self>, _end: &RunEnd) {
        self.tell("dispatch-completed", &[]);
    }
}
