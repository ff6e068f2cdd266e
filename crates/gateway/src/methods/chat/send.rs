//! Saying something, and stopping the answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bulkhead_protocol::ErrorShape;
use bulkhead_server::Reply;
use serde::Deserialize;
use serde_json::{Value, json};

use super::origin::{self, Origin};
use super::timing::Timing;
use crate::attachments;
use crate::commands;
use crate::gateway::Gateway;
use crate::methods::{Call, store_failed};
use crate::runs::registry::EndStatus;
use crate::runs::{Accepted, Progress, Source, TurnRequest};
use crate::schedule::Route;
use crate::session_rows::model_of;
use crate::sessions::resolve;

/// Longest message that a client may send, in bytes.
pub(super) const LONGEST_MESSAGE: usize = 1024 * 1024;

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
    queue_mode: Option<String>,
    #[serde(default)]
    suppress_command_interpretation: bool,
    thinking: Option<String>,
    #[serde(default)]
    deliver: bool,
    #[serde(flatten)]
    origin: Origin,
}

/// Accepts a message and answers at once; the answer comes as `chat` events.
pub(super) async fn send(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let received = Instant::now();
    let params: SendParams = call.params()?;
    let (session_key, agent_id) =
        resolve(&gateway.settings.now(), Some(&params.session_key), params.agent_id.as_deref())?;
    let deliver =
        origin::chat(gateway, &call, &params.origin, params.deliver, &session_key, &agent_id).await?;
    let said = Said {
        deliver,
        thinking: params.thinking.filter(|name| !name.trim().is_empty()),
        session_id: params.session_id,
        attachments: params.attachments,
        timeout: params.timeout_ms.filter(|ms| *ms > 0).map(Duration::from_millis),
        interrupt: params.queue_mode.as_deref() == Some("interrupt"),
        commands: !params.suppress_command_interpretation,
        ..Said::new(params.idempotency_key, session_key, agent_id, &params.message)
    };
    let names = (said.run_id.as_str(), said.session_key.as_str(), said.agent_id.as_str());
    let (timing, acked) = Timing::of(&gateway.events, &call, names, received).unzip();
    let follower = timing.map(|timing| Box::new(timing) as Box<dyn Progress>);
    let mut answer = say_to(gateway, said, follower).await?;
    if let Some(acked) = acked {
        let _ = acked.set(Instant::now());
    }
    if answer["status"] == "started" {
        let taken = received.elapsed().as_secs_f64() * 1000.0;
        answer["serverTiming"] = json!({"receivedToAckMs": (taken * 1000.0).round() / 1000.0});
    }
    Reply::json(&answer)
}

/// A message of a chat window, as its method understood it.
#[derive(Debug)]
pub(in crate::methods) struct Said {
    pub(in crate::methods) run_id: String,
    pub(in crate::methods) session_key: String,
    pub(in crate::methods) agent_id: String,
    pub(in crate::methods) session_id: Option<String>,
    pub(in crate::methods) message: String,
    pub(in crate::methods) attachments: Vec<Value>,
    pub(in crate::methods) timeout: Option<Duration>,
    /// What is being answered is stopped first.
    pub(in crate::methods) interrupt: bool,
    /// Commands are answered without a model.
    pub(in crate::methods) commands: bool,
    /// The chat that gets the answer too.
    pub(in crate::methods) deliver: Option<Route>,
    /// How hard the model thinks about this message.
    pub(in crate::methods) thinking: Option<String>,
}

impl Said {
    /// Plain words.
    pub(in crate::methods) fn new(
        run_id: String,
        session_key: String,
        agent_id: String,
        message: &str,
    ) -> Self {
        Self {
            run_id,
            session_key,
            agent_id,
            session_id: None,
            message: message.trim().to_owned(),
            attachments: Vec::new(),
            timeout: None,
            interrupt: false,
            commands: true,
            deliver: None,
            thinking: None,
        }
    }
}

/// Accepts a message: `started`, `in_flight`, or how it ended.
pub(in crate::methods) async fn say(gateway: &Arc<Gateway>, said: Said) -> Result<Value, ErrorShape> {
    say_to(gateway, said, None).await
}

/// The same, for somebody who follows the answer.
async fn say_to(
    gateway: &Arc<Gateway>,
    said: Said,
    follower: Option<Box<dyn Progress>>,
) -> Result<Value, ErrorShape> {
    check_message(&said.message, !said.attachments.is_empty())?;
    check_run_id(&said.run_id)?;
    let mut message = said.message.clone();
    let request = |message: &str| TurnRequest {
        session_id: said.session_id.clone(),
        timeout: said.timeout,
        deliver: said.deliver.clone(),
        ..TurnRequest::new(
            said.run_id.clone(),
            said.session_key.clone(),
            said.agent_id.clone(),
            message,
            Source::Webchat,
        )
    };
    if said.commands
        && said.attachments.is_empty()
        && let Some(command) = commands::read(&message)
    {
        if command.is_stop() {
            let stopped = gateway.runs.abort(&said.session_key, None);
            return Ok(json!({"ok": true, "aborted": !stopped.is_empty(), "runIds": stopped}));
        }
        match commands::in_chat(gateway, request(&message), command).await? {
            commands::InChat::Taken(status) => return Ok(json!({"runId": said.run_id, "status": status})),
            commands::InChat::GoOn(words) => message = words,
        }
    }
    let settings = gateway.settings.now();
    let session = gateway.store.sessions().get(&said.session_key).await.map_err(store_failed)?;
    if session.as_ref().and_then(|session| session.choice("sendPolicy")) == Some("deny") {
        return Err(ErrorShape::invalid_request(format!(
            "send blocked by session policy: {} takes no messages; `/send on` or sessions.patch sendPolicy allows them",
            said.session_key
        )));
    }
    let mut request = request(&message);
    let model = model_of(session.as_ref(), &said.agent_id, &settings);
    if let Some(name) = &said.thinking {
        let level = settings.named_thinking(name, model.as_ref());
        request.thinking =
            Some(level.map_err(|problem| ErrorShape::invalid_params("chat.send", "thinking", problem))?);
    }
    if !said.attachments.is_empty() {
        request.pictures = attachments::pictures(&said.attachments, model.as_ref(), &settings)?;
    }
    if said.interrupt {
        gateway.runs.abort(&said.session_key, None);
    }
    let (status, seq) = match gateway.accept(request, follower).await? {
        Accepted::Started { message_seq } => ("started", message_seq),
        Accepted::InFlight => ("in_flight", None),
        Accepted::Ended(end) if end.status == EndStatus::Error => {
            let summary = end.error.clone().unwrap_or_else(|| "the run failed".to_owned());
            return Ok(json!({"runId": said.run_id, "status": "error", "summary": summary}));
        }
        Accepted::Ended(end) if end.status == EndStatus::Aborted => ("aborted", None),
        Accepted::Ended(_) => ("ok", None),
    };
    let mut answer = json!({"runId": said.run_id, "status": status});
    if let Some(seq) = seq {
        answer["messageSeq"] = seq.into();
    }
    Ok(answer)
}

/// What holds for every message from a client.
pub(in crate::methods) fn check_message(text: &str, attached: bool) -> Result<(), ErrorShape> {
    if text.is_empty() && !attached {
        return Err(ErrorShape::invalid_request(
            "message or attachment required: found nothing, expected some text in message",
        ));
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
pub(in crate::methods) fn check_run_id(key: &str) -> Result<(), ErrorShape> {
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
