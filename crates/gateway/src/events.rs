//! Everything that the gateway tells on its own, each event in one place.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_protocol::Scope;
use bulkhead_server::{Audience, ConnId, EventHub, StateVersion};
use bulkhead_store::{DeviceRequest, Message};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::clock;
use crate::runs::registry::{EndStatus, RunEnd};
use crate::settings::ModelRef;
use crate::transcript;

mod asking;
pub(crate) mod canvas;

/// Tells events to whom they concern. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Events {
    hub: EventHub,
    /// Counts the messages that were added to any transcript.
    messages: watch::Sender<u64>,
}

/// What all events of one run share.
#[derive(Debug, Clone)]
pub(crate) struct RunLabel {
    pub(crate) run_id: String,
    pub(crate) session_key: String,
    pub(crate) session_id: String,
    pub(crate) agent_id: String,
}

impl Events {
    /// Events through this hub.
    pub(crate) fn new(hub: EventHub) -> Self {
        Self { hub, messages: watch::Sender::new(0) }
    }

    /// Wakes whoever waits for a message to be added to a transcript, whichever it is.
    pub(crate) fn hear_messages(&self) -> watch::Receiver<u64> {
        self.messages.subscribe()
    }

    /// The hub itself, for subscriptions.
    pub(crate) fn hub(&self) -> &EventHub {
        &self.hub
    }

    /// `presence`: the whole list.
    pub(crate) fn presence(&self, list: &RawValue, version: StateVersion) {
        #[derive(serde::Serialize)]
        struct Payload<'a> {
            presence: &'a RawValue,
        }
        self.hub.broadcast("presence", &Payload { presence: list }, &readers().droppable(), Some(version));
    }

    /// `health`: the same snapshot as the method gives.
    pub(crate) fn health(&self, snapshot: &Arc<RawValue>, version: StateVersion) {
        self.hub.broadcast("health", snapshot, &readers().droppable(), Some(version));
    }

    /// `config.changed`: another configuration is in force.
    pub(crate) fn config_changed(&self, path: &str, hash: &str) {
        let payload = json!({"path": path, "hash": hash, "ts": clock::now_ms()});
        self.hub.broadcast("config.changed", &payload, &readers(), None);
    }

    /// `chat.metadata.changed`: models, commands or skills to choose from are others now; clients ask again.
    pub(crate) fn metadata_changed(&self) {
        self.hub.broadcast("chat.metadata.changed", &json!({}), &readers(), None);
    }

    /// `chat.send_timing`: how long a step to an answer took, for the window that asked.
    pub(crate) fn chat_send_timing(&self, conn: &ConnId, payload: &Value) {
        let audience = Audience::connection(conn.clone()).droppable();
        self.hub.broadcast("chat.send_timing", payload, &audience, None);
    }

    /// `skills.changed`: skills came, went, or are others.
    pub(crate) fn skills_changed(&self, reason: &str) {
        self.hub.broadcast("skills.changed", &json!({"reason": reason}), &readers(), None);
    }

    /// `device.pair.requested`: somebody waits for an answer.
    pub(crate) fn device_requested(&self, request: &DeviceRequest) {
        let mut payload = request.payload.clone();
        if let Value::Object(map) = &mut payload {
            map.insert("requestId".into(), request.id.clone().into());
            map.insert("ts".into(), request.created_at.into());
        }
        self.hub.broadcast("device.pair.requested", &payload, &Audience::scope(Scope::OperatorPairing), None);
    }

    /// `device.pair.resolved`: a request was answered.
    pub(crate) fn device_resolved(&self, request_id: &str, device_id: &str, decision: &str) {
        let payload = json!({
            "requestId": request_id, "deviceId": device_id, "decision": decision, "ts": clock::now_ms(),
        });
        self.hub.broadcast("device.pair.resolved", &payload, &Audience::scope(Scope::OperatorPairing), None);
    }

    /// `device.pair.changed`: the list of devices is another one.
    pub(crate) fn devices_changed(&self, device_id: &str) {
        let payload = json!({"deviceId": device_id, "ts": clock::now_ms()});
        self.hub.broadcast("device.pair.changed", &payload, &Audience::scope(Scope::OperatorPairing), None);
    }

    /// `device.pair.setup.completed`, or `….deliveryUncertain`: what came of a setup code.
    pub(crate) fn device_setup(&self, setup: &bulkhead_store::Setup) {
        let Some((delivered, payload)) = crate::methods::setup_outcome(setup) else { return };
        let name =
            if delivered { "device.pair.setup.completed" } else { "device.pair.setup.deliveryUncertain" };
        self.hub.broadcast(name, &payload, &Audience::scope(Scope::OperatorPairing), None);
    }

    /// `node.pair.requested`: a node offers more than it may do.
    pub(crate) fn node_requested(&self, row: &Value) {
        self.hub.broadcast("node.pair.requested", row, &Audience::scope(Scope::OperatorPairing), None);
    }

    /// `node.pair.resolved`: a node's request was answered; the node itself is told too.
    pub(crate) fn node_resolved(
        &self,
        request_id: &str,
        node_id: &str,
        decision: &str,
        node: Option<&bulkhead_server::ConnId>,
    ) {
        let payload = json!({
            "requestId": request_id, "nodeId": node_id, "decision": decision, "ts": clock::now_ms(),
        });
        self.hub.broadcast("node.pair.resolved", &payload, &Audience::scope(Scope::OperatorPairing), None);
        if let Some(node) = node {
            let to = Audience::connection(node.clone());
            self.hub.broadcast("node.pair.resolved", &payload, &to, None);
        }
    }

    /// `node.hostStats`: figures of a node's machine.
    pub(crate) fn node_host_stats(&self, node_id: &str, stats: &Value) {
        let payload = json!({"nodeId": node_id, "hostStats": stats});
        self.hub.broadcast("node.hostStats", &payload, &readers().droppable(), None);
    }

    /// Whether a node would host sessions changed.
    pub(crate) fn node_runner_changed(&self, node_id: &str) {
        let payload = json!({"nodeId": node_id});
        self.hub.broadcast("node.runnerInventory.changed", &payload, &readers().droppable(), None);
    }

    /// `node.presence`: when somebody last used a node; nothing: that is not known any more.
    pub(crate) fn node_presence(&self, node_id: &str, last_active_at: Option<u64>) {
        let mut payload = json!({"nodeId": node_id, "ts": clock::now_ms()});
        if let Some(at) = last_active_at {
            payload["lastActiveAtMs"] = at.into();
        }
        self.hub.broadcast("node.presence", &payload, &readers().droppable(), None);
    }

    /// `rescue.incident`: something about the watched gateway. Says whether anybody is there to hear it.
    pub(crate) fn rescue_incident(&self, payload: &Value) -> bool {
        let audience = readers();
        let heard = self.hub.has_listeners(&audience);
        self.hub.broadcast("rescue.incident", payload, &audience, None);
        heard
    }

    /// `cron`: a job changed, began or ended.
    pub(crate) fn cron(&self, payload: &Value) {
        self.hub.broadcast("cron", payload, &readers(), None);
    }

    /// `heartbeat`: how one went.
    pub(crate) fn heartbeat(&self, payload: &Value) {
        self.hub.broadcast("heartbeat", payload, &readers().droppable(), None);
    }

    /// `session.message`: a message was added to a transcript.
    pub(crate) fn session_message(&self, label: &RunLabel, message: &Message, session: &Value) {
        self.messages.send_modify(|count| *count += 1);
        let audience = readers().session(label.session_key.as_str());
        if !self.hub.has_listeners(&audience) {
            return;
        }
        let payload = json!({
            "sessionKey": label.session_key,
            "sessionId": message.session_id,
            "agentId": label.agent_id,
            "message": transcript::to_wire(message),
            "messageId": message.id,
            "messageSeq": message.seq,
            "session": session,
            "updatedAt": message.ts,
        });
        self.hub.broadcast("session.message", &payload, &audience, None);
    }

    /// `session.operation`: a summary is being made, or was.
    pub(crate) fn session_operation(&self, payload: &Value) {
        let key = payload["sessionKey"].as_str().unwrap_or_default().to_owned();
        self.hub.broadcast("session.operation", payload, &readers().session(key), None);
    }

    /// Whether anybody listens to the list of sessions.
    pub(crate) fn sessions_watched(&self) -> bool {
        self.hub.has_listeners(&readers().sessions())
    }

    /// `sessions.changed`: a row of the list is another one. `why` is `send`, `agent.run.started`, …
    pub(crate) fn sessions_changed(
        &self,
        key: &str,
        agent_id: &str,
        why: SessionChange<'_>,
        session: &Value,
    ) {
        let mut payload = json!({
            "sessionKey": key,
            "agentId": agent_id,
            "ts": clock::now_ms(),
            "session": session,
        });
        if let Value::Object(map) = &mut payload {
            match why {
                SessionChange::Reason(reason) => map.insert("reason".into(), reason.into()),
                SessionChange::Phase(phase, run_id) => {
                    map.insert("phase".into(), phase.into());
                    map.insert("runId".into(), run_id.into())
                }
            };
            // The row's fields stand beside it too: lists are patched from them.
            if let Value::Object(row) = session {
                for (name, value) in row.iter().filter(|(name, _)| *name != "key") {
                    map.entry(name.clone()).or_insert_with(|| value.clone());
                }
            }
        }
        self.hub.broadcast("sessions.changed", &payload, &readers().sessions(), None);
    }

    /// The events of one run, in order.
    pub(crate) fn run(&self, label: RunLabel) -> RunEvents {
        RunEvents { events: self.clone(), label, seq: 0 }
    }
}

/// Why a session's row changed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SessionChange<'a> {
    /// `reason`.
    Reason(&'a str),
    /// `phase` of a run.
    Phase(&'a str, &'a str),
}

/// `chat` and `agent` events of one run; their `seq` grows.
#[derive(Debug)]
pub(crate) struct RunEvents {
    events: Events,
    pub(crate) label: RunLabel,
    seq: u64,
}

impl RunEvents {
    fn next(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    fn agent(&mut self, stream: &str, data: &Value, audience: &Audience) {
        let payload = json!({
            "runId": self.label.run_id,
            "sessionKey": self.label.session_key,
            "sessionId": self.label.session_id,
            "agentId": self.label.agent_id,
            "stream": stream,
            "data": data,
            "seq": self.next(),
            "ts": clock::now_ms(),
            "isHeartbeat": false,
        });
        self.events.hub.broadcast("agent", &payload, audience, None);
    }

    /// `agent` for those who watch tools everywhere, `session.tool` for those who watch this session.
    fn tool(&mut self, data: &Value) {
        self.agent("tool", data, &tool_watchers());
        let payload = json!({
            "runId": self.label.run_id,
            "sessionKey": self.label.session_key,
            "sessionId": self.label.session_id,
            "agentId": self.label.agent_id,
            "stream": "tool",
            "data": data,
            "seq": self.seq,
            "ts": clock::now_ms(),
        });
        let watchers = readers().session(self.label.session_key.as_str());
        self.events.hub.broadcast("session.tool", &payload, &watchers, None);
    }

    fn chat(&mut self, state: &str, rest: Value, audience: &Audience) {
        let mut payload = json!({
            "runId": self.label.run_id,
            "sessionKey": self.label.session_key,
            "agentId": self.label.agent_id,
            "seq": self.next(),
            "state": state,
        });
        if let (Value::Object(map), Value::Object(rest)) = (&mut payload, rest) {
            map.extend(rest);
        }
        self.events.hub.broadcast("chat", &payload, audience, None);
        // Nodes that asked for this conversation (`chat.subscribe`).
        let nodes = Audience::nodes().session(self.label.session_key.as_str());
        self.events.hub.broadcast("chat", &payload, &nodes, None);
    }

    /// What was answered without a model.
    pub(crate) fn answered(&mut self, text: &str) {
        self.chat("final", json!({"stopReason": "stop", "message": said(text)}), &readers());
    }

    /// The run begins to work.
    pub(crate) fn started(&mut self, provider: &str, model: &str) {
        let now = clock::now_ms();
        let start = json!({
            "phase": "start", "startedAt": now, "sessionKey": self.label.session_key, "sessionId": self.label.session_id,
            "agentId": self.label.agent_id,
        });
        self.agent("lifecycle", &start, &readers());
        self.chat("status", json!({"phase": "starting_model"}), &readers());
        self.agent("run_status", &json!({"phase": "starting_model"}), &readers().droppable());
        self.agent("lifecycle", &json!({"phase": "model", "provider": provider, "model": model}), &readers());
    }

    /// More of the answer: the new piece and all of it so far.
    pub(crate) fn delta(&mut self, delta: &str, text: &str) {
        self.agent("assistant", &json!({"text": text, "delta": delta}), &readers().droppable());
        let rest = json!({"deltaText": delta, "message": said(text)});
        self.chat("delta", rest, &readers().droppable());
    }

    /// Only this much of the answer still holds (the stream was cut and begins again).
    pub(crate) fn begun_again(&mut self, text: &str) {
        self.chat("delta", json!({"deltaText": text, "replace": true, "message": said(text)}), &readers());
    }

    /// The next model of the list is asked.
    pub(crate) fn fell_back(&mut self, from: &ModelRef, provider: &str, model: &str, why: &str) {
        let data = json!({
            "phase": "fallback", "selectedProvider": from.provider, "selectedModel": from.model,
            "activeProvider": provider, "activeModel": model, "reasonSummary": why, "attemptSummaries": [why],
            "attempts": [{"provider": from.provider, "model": from.model, "error": why}],
        });
        self.agent("lifecycle", &data, &readers());
        let data = json!({"phase": "model", "provider": provider, "model": model, "reason": why});
        self.agent("lifecycle", &data, &readers());
    }

    /// A tool is called.
    pub(crate) fn tool_started(&mut self, id: &str, name: &str, args: &Value) {
        let data = json!({"phase": "start", "toolCallId": id, "name": name, "args": args});
        self.tool(&data);
    }

    /// A tool gave back.
    pub(crate) fn tool_ended(&mut self, id: &str, name: &str, result: &str, is_error: bool) {
        let data = json!({
            "phase": "result", "toolCallId": id, "name": name, "isError": is_error,
            "result": {"content": [{"type": "text", "text": result}]},
        });
        self.tool(&data);
    }

    /// The provider failed and is asked again.
    pub(crate) fn retrying(&mut self, attempt: usize, wait: Duration, why: &str) {
        let in_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let data = json!({"phase": "retrying", "attempt": attempt, "inMs": in_ms, "reason": why});
        self.agent("lifecycle", &data, &readers().droppable());
    }

    /// What the model call cost.
    pub(crate) fn usage(&mut self, input: u64, output: u64) {
        self.agent("usage", &json!({"inputTokens": input, "outputTokens": output}), &readers().droppable());
    }

    /// The run ended. Exactly one `final`, `aborted` or `error` follows each accepted message.
    pub(crate) fn ended(&mut self, end: &RunEnd) {
        let aborted = end.status == EndStatus::Aborted;
        let mut data = json!({
            "startedAt": end.started_at, "endedAt": end.ended_at, "aborted": aborted,
        });
        if let Value::Object(map) = &mut data {
            if let Some(error) = end.error.as_deref().filter(|_| end.status == EndStatus::Error) {
                map.insert("phase".into(), "error".into());
                map.insert("error".into(), error.into());
            } else {
                map.insert("phase".into(), "end".into());
                map.insert("stopReason".into(), if aborted { "aborted" } else { "stop" }.into());
            }
        }
        self.agent("lifecycle", &data, &readers());
        match end.status {
            EndStatus::Ok => {
                let usage = json!({"input": end.input_tokens, "output": end.output_tokens});
                let rest = json!({"stopReason": "stop", "message": said(&end.text), "usage": usage});
                self.chat("final", rest, &readers());
            }
            EndStatus::Aborted => {
                let mut rest = json!({"stopReason": "rpc"});
                if let Value::Object(map) = &mut rest
                    && !end.text.is_empty()
                {
                    map.insert("message".into(), said(&end.text));
                }
                self.chat("aborted", rest, &readers());
            }
            EndStatus::Error => {
                let why = end.error.as_deref().unwrap_or("the run failed; see the gateway's log");
                self.chat("error", json!({"errorMessage": why, "errorKind": "unknown"}), &readers());
            }
        }
    }
}

fn readers() -> Audience {
    Audience::scope(Scope::OperatorRead)
}

fn tool_watchers() -> Audience {
    readers().cap("tool-events")
}

fn said(text: &str) -> Value {
    json!({"role": "assistant", "content": [{"type": "text", "text": text}], "timestamp": clock::now_ms()})
}
