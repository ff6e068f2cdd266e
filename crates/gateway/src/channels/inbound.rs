//! A message from a channel on its way to an answer, and the answer on its way back.

use std::fmt::Write as _;
use std::sync::{Arc, Weak};

use async_trait::async_trait;
use bulkhead_channels::{ButtonPress, Command, InboundHandler, InboundMessage, PressAnswer, Reply};
use tokio::sync::oneshot;

use crate::approvals;
use crate::events::SessionChange;
use crate::gateway::{Gateway, VERSION};
use crate::questions;
use crate::rescue;
use crate::routing::{Origin, Route};
use crate::runs::registry::{EndStatus, RunEnd};
use crate::runs::{Accepted, Progress, Source, TurnRequest};
use crate::session_rows::Extras;

/// What a message is taken as while an agent waits for an answer in its chat. Nobody can write it as a command.
const ANSWER: &str = "answer to a question";

/// Answers for all accounts.
pub(super) struct Inbound(Weak<Gateway>);

impl Inbound {
    /// For one gateway.
    pub(super) fn new(gateway: &Arc<Gateway>) -> Self {
        Self(Arc::downgrade(gateway))
    }
}

#[async_trait]
impl InboundHandler for Inbound {
    /// Returns when the answer is recorded. A message that a shutdown cuts off is held until channels are over: it stays
    /// open in the inbox, and is answered after the next start.
    async fn handle(&self, message: InboundMessage, mut reply: Box<dyn Reply>) {
        let Some(gateway) = self.0.upgrade() else { return };
        if gateway.stop.is_cancelled() {
            return gateway.channels.over().await;
        }
        reply.typing().await;
        let (request, _) = request(&gateway, &message);
        if let Some(shown) = message.shown.as_deref() {
            let cut_off = gateway.is_interrupted(&request, shown).await.unwrap_or_else(|error| {
                tracing::error!(%error, run = %message.run_id, "an interrupted answer could not be kept");
                true
            });
            if cut_off {
                return send(reply, &interrupted(shown)).await;
            }
        }
        let (done, answered) = oneshot::channel();
        let follower = Follower { reply: Some(reply), done: Some(done), back: None };
        let (follower, back) = follower.returnable();
        match gateway.accept(request, Some(Box::new(follower))).await {
            Ok(Accepted::Started { .. }) => {
                if answered.await.is_err() {
                    gateway.channels.over().await;
                }
            }
            // Answered before a crash, but not yet sent: the recorded answer goes out, the model is not asked again.
            Ok(Accepted::Ended(end)) => {
                if let Ok(reply) = back.await {
                    finish(reply, &end).await;
                }
            }
            Ok(Accepted::InFlight) => {
                let end = gateway.runs.wait(&message.run_id).await;
                if let (Some(end), Ok(reply)) = (end, back.await) {
                    finish(reply, &end).await;
                }
            }
            Err(_) if gateway.stop.is_cancelled() => gateway.channels.over().await,
            Err(error) => {
                tracing::warn!(%error, run = %message.run_id, "a message could not be taken");
                if let Ok(reply) = back.await {
                    send(reply, &format!("I cannot answer now: {}", error.message)).await;
                }
            }
        }
    }

    async fn press(&self, press: ButtonPress) -> PressAnswer {
        match self.0.upgrade() {
            Some(gateway) if press.data.starts_with(crate::prompts::PREFIX) => pressed(&gateway, press).await,
            Some(gateway) => rescue::chat::press(&gateway, press).await,
            None => PressAnswer::default(),
        }
    }

    fn as_command(&self, message: &InboundMessage) -> Option<Command> {
        let gateway = self.0.upgrade()?;
        let (_, key) = request(&gateway, message);
        gateway.questions.waits_in(&key)?;
        Some(Command { name: ANSWER.to_owned(), arguments: message.text.clone() })
    }

    async fn command(&self, command: &Command, message: &InboundMessage) -> Option<String> {
        let gateway = self.0.upgrade()?;
        if let Some(answer) = rescue::chat::command(&gateway, command, message).await {
            return Some(answer);
        }
        if let Some(answer) = approvals::command(&gateway, command, message).await {
            return Some(answer);
        }
        let (_, key) = request(&gateway, message);
        match command.name.as_str() {
            ANSWER => questions::answer_in_chat(&gateway, &key, message).await,
            "stop" | "abort" => {
                let stopped = gateway.runs.abort(&key, None);
                Some(if stopped.is_empty() { "Nothing is being written." } else { "Stopped." }.to_owned())
            }
            "new" | "reset" => Some(begin_anew(&gateway, &key).await),
            "status" => {
                let own = status(&gateway, &key).await;
                let watched = rescue::chat::status_line(&gateway, message);
                Some(watched.map_or_else(|| own.clone(), |watched| format!("{own}\n\n{watched}")))
            }
            _ => None,
        }
    }
}

/// A press of a button under something that a person was asked.
async fn pressed(gateway: &Arc<Gateway>, press: ButtonPress) -> PressAnswer {
    let pressed = match gateway.admit_press(&press).await {
        Ok(pressed) => pressed,
        Err(refused) => return refused,
    };
    match pressed.subject.split_once(':') {
        Some(("approval", id)) => approvals::press(gateway, &press, &pressed, id).await,
        Some(("question", id)) => questions::press(gateway, &press, &pressed, id).await,
        _ => PressAnswer::default(),
    }
}

fn request(gateway: &Gateway, message: &InboundMessage) -> (TurnRequest, String) {
    let settings = gateway.settings.now();
    let Route { agent, session_key: key } = settings.route(Origin {
        channel: message.channel,
        account: &message.account,
        peer: &message.peer,
        is_group: message.is_group,
    });
    let mut request =
        TurnRequest::new(message.run_id.clone(), key.clone(), agent, message.text.trim(), Source::Telegram);
    request.peer = Some((message.channel.to_owned(), message.account.clone(), message.peer.clone()));
    request.sender = Some(message.sender.name.clone()).filter(|name| !name.is_empty());
    (request, key)
}

async fn begin_anew(gateway: &Gateway, key: &str) -> String {
    gateway.runs.abort(key, None);
    let sessions = gateway.store.sessions();
    match sessions.get(key).await {
        Ok(None) => return "A new conversation has begun.".to_owned(),
        Ok(Some(_)) => {}
        Err(error) => return format!("That did not work: {error}"),
    }
    match sessions.reset(key).await {
        Ok(session) => {
            if let Ok(row) = gateway.session_row(&session, Extras::default()).await {
                gateway.events.sessions_changed(key, &session.agent_id, SessionChange::Reason("reset"), &row);
            }
            "A new conversation has begun.".to_owned()
        }
        Err(error) => format!("That did not work: {error}"),
    }
}

/// Answered without a model, so that it works when none does.
async fn status(gateway: &Gateway, key: &str) -> String {
    let settings = gateway.settings.now();
    let agent = crate::sessions::agent_of(key).and_then(|id| settings.agent(id));
    let model = agent.as_ref().and_then(|agent| agent.models.first()).map_or("none", |_| "configured");
    let name = agent
        .as_ref()
        .and_then(|agent| agent.models.first())
        .map_or_else(|| model.to_owned(), crate::settings::ModelRef::full);
    let messages = gateway.store.sessions().message_count(key).await.unwrap_or(0);
    let seconds = gateway.lifecycle.uptime_ms() / 1000;
    let mut text = format!(
        "Bulkhead {VERSION}, profile {}\nModel: {name}\nUp: {} h {} min\nThis conversation: {messages} messages",
        gateway.place.name().as_str(),
        seconds / 3600,
        seconds / 60 % 60,
    );
    for view in gateway.channels.views() {
        text.push('\n');
        text.push_str(&view.in_words());
    }
    let failing = gateway.lifecycle.failing();
    if !failing.is_empty() {
        let _ = write!(text, "\nNot well: {}", failing.join(", "));
    }
    text
}

/// Shows an answer in the chat while it grows, and records it when it is there.
struct Follower {
    reply: Option<Box<dyn Reply>>,
    done: Option<oneshot::Sender<()>>,
    /// Gets the reply back if no run came of it.
    back: Option<oneshot::Sender<Box<dyn Reply>>>,
}

impl Follower {
    fn returnable(mut self) -> (Self, oneshot::Receiver<Box<dyn Reply>>) {
        let (sender, receiver) = oneshot::channel();
        self.back = Some(sender);
        (self, receiver)
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        if let (Some(back), Some(reply)) = (self.back.take(), self.reply.take()) {
            let _ = back.send(reply);
        }
    }
}

#[async_trait]
impl Progress for Follower {
    async fn began(&mut self) {
        if let Some(reply) = &mut self.reply {
            reply.typing().await;
        }
    }

    async fn delta(&mut self, _delta: &str, so_far: &str) {
        if let Some(reply) = &mut self.reply {
            reply.stream(so_far).await;
        }
    }

    async fn ended(mut self: Box<Self>, end: &RunEnd) {
        if let Some(reply) = self.reply.take() {
            finish(reply, end).await;
        }
        if let Some(done) = self.done.take() {
            let _ = done.send(());
        }
    }
}

async fn finish(reply: Box<dyn Reply>, end: &RunEnd) {
    let text = match end.status {
        EndStatus::Ok => end.text.clone(),
        EndStatus::Aborted if end.text.is_empty() => String::new(),
        EndStatus::Aborted => format!("{}\n\n(stopped)", end.text),
        EndStatus::Error => {
            let why = end.error.as_deref().unwrap_or("the run failed; the gateway's log says more");
            if end.text.is_empty() {
                format!("I could not answer: {why}")
            } else {
                format!("{}\n\nI could not go on: {why}", end.text)
            }
        }
    };
    send(reply, &text).await;
}

/// What the chat saw of an answer that the end of the gateway cut off, and that it was.
fn interrupted(shown: &str) -> String {
    format!(
        "{shown}\n\n(interrupted: I was stopped in the middle of this answer. Write “go on”, or ask again.)"
    )
}

async fn send(reply: Box<dyn Reply>, text: &str) {
    if let Err(error) = reply.finish(text).await {
        tracing::error!(%error, "an answer could not be recorded for sending; it is tried again after the next start");
    }
}
