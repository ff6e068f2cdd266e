//! A message from a channel on its way to an answer, and the answer on its way back.

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use bulkhead_channels::{ButtonPress, Command, InboundHandler, InboundMessage, PressAnswer, Reply};
use tokio::sync::oneshot;

use crate::approvals;
use crate::commands::{self, Context};
use crate::gateway::Gateway;
use crate::questions;
use crate::rescue;
use crate::routing::{Origin, Route};
use crate::runs::registry::{EndStatus, RunEnd};
use crate::runs::{Accepted, Progress, Source, TurnRequest};

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
        if command.name == ANSWER {
            let (_, key) = request(&gateway, message);
            return questions::answer_in_chat(&gateway, &key, message).await;
        }
        let typed = commands::named(&command.name, &command.arguments)?;
        let (request, key) = request(&gateway, message);
        if typed.is_new() && !typed.arguments.is_empty() {
            // The words behind it go on to the model, in the conversation that begins here; once, however often they come.
            let known = gateway.store.runs().by_key(&request.run_id).await.ok().flatten();
            if known.is_none()
                && let Err(error) = gateway.begin_anew(&key, typed.spec.name).await
            {
                return Some(format!("That did not work: {}", error.message));
            }
            return None;
        }
        let context = Context {
            session_key: key,
            agent_id: request.agent_id,
            who: format!(
                "You are {} on {} (id {}).",
                message.sender.name, message.channel, message.sender.id
            ),
            cancel: gateway.stop.child_token(),
        };
        let own = commands::answer(&gateway, &context, &typed).await;
        if typed.spec.name != "status" {
            return Some(own);
        }
        let watched = rescue::chat::status_line(&gateway, message);
        Some(watched.map_or_else(|| own.clone(), |watched| format!("{own}\n\n{watched}")))
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
    let text = message.text.trim();
    let begun = commands::read(text).filter(|typed| typed.is_new() && !typed.arguments.is_empty());
    let text = begun.as_ref().map_or(text, |typed| typed.arguments.as_str());
    let mut request = TurnRequest::new(message.run_id.clone(), key.clone(), agent, text, Source::Telegram);
    request.peer = Some((message.channel.to_owned(), message.account.clone(), message.peer.clone()));
    request.sender = Some(message.sender.name.clone()).filter(|name| !name.is_empty());
    (request, key)
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
