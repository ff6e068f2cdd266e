//! Doing what a command says, and saying what was done.

use std::sync::Arc;

use bulkhead_agent::Thinking;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::Typed;
use super::words::{help, models, status, thousands, usage};
use crate::gateway::Gateway;
use crate::methods::set_on_session;
use crate::runs::compaction::{Compacted, Wish};
use crate::session_rows::model_of;
use crate::thinking::is_inherit;

/// Where a command was written, and by whom.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) session_key: String,
    pub(crate) agent_id: String,
    /// Who wrote it, for `/whoami`.
    pub(crate) who: String,
    /// Ends what takes long.
    pub(crate) cancel: CancellationToken,
}

/// Does what a command says; answers in words for a person.
pub(crate) async fn answer(gateway: &Arc<Gateway>, context: &Context, typed: &Typed) -> String {
    let asked = Asked { gateway, context, words: typed.arguments.as_str() };
    match typed.spec.name {
        "help" | "commands" => help(),
        "status" => status(gateway, &context.session_key, &context.agent_id).await,
        "whoami" => context.who.clone(),
        "stop" => asked.stop(),
        "new" | "reset" => asked.begin_anew(typed.spec.name).await,
        "compact" => asked.compact().await,
        "name" => asked.name().await,
        "model" => asked.model().await,
        "models" => models(&gateway.settings.now()),
        "think" => asked.think().await,
        "verbose" => asked.level("verboseLevel", "Verbose", "off").await,
        "reasoning" => asked.level("reasoningLevel", "Reasoning", "off").await,
        "usage" if typed.arguments.is_empty() || typed.arguments == "cost" => {
            usage(asked.session().await.as_ref())
        }
        "usage" => asked.level("responseUsage", "Line under answers", "off").await,
        "send" => asked.send().await,
        other => format!("/{other} is not understood here."),
    }
}

struct Asked<'a> {
    gateway: &'a Arc<Gateway>,
    context: &'a Context,
    words: &'a str,
}

impl Asked<'_> {
    async fn session(&self) -> Option<bulkhead_store::Session> {
        self.gateway.store.sessions().get(&self.context.session_key).await.ok().flatten()
    }

    async fn set(&self, name: &str, value: Value) -> Result<(), String> {
        let changes = Map::from_iter([(name.to_owned(), value)]);
        let (key, agent) = (&self.context.session_key, &self.context.agent_id);
        set_on_session(self.gateway, key, agent, &changes).await.map(drop).map_err(|error| error.message)
    }

    fn stop(&self) -> String {
        let stopped = self.gateway.runs.abort(&self.context.session_key, None);
        if stopped.is_empty() { "Nothing is being written." } else { "Stopped." }.to_owned()
    }

    async fn begin_anew(&self, why: &'static str) -> String {
        match self.gateway.begin_anew(&self.context.session_key, why).await {
            Ok(_) => "A new conversation has begun.".to_owned(),
            Err(error) => format!("That did not work: {}", error.message),
        }
    }

    async fn compact(&self) -> String {
        let Some(session) = self.session().await else {
            return "There is nothing to summarise yet.".to_owned();
        };
        let lane = match self.gateway.lanes.join(&session.key) {
            Ok(lane) => lane.turn(&self.context.cancel).await,
            Err(error) => Err(error),
        };
        let lane = match lane {
            Ok(lane) => lane,
            Err(error) => return format!("That did not work: {error}"),
        };
        let instructions =
            Some(self.words.chars().take(800).collect::<String>()).filter(|text| !text.is_empty());
        let wish = Wish { instructions, ..Wish::default() };
        let outcome = self.gateway.compact(&session, &wish, &self.context.cancel).await;
        drop(lane);
        match outcome {
            Ok(Compacted::Done(done)) => format!(
                "Summarised: about {} tokens became {}.",
                thousands(done.tokens_before),
                thousands(done.tokens_after)
            ),
            Ok(Compacted::Nothing(why)) => format!("Nothing was summarised: {why}."),
            Err(why) => format!("That did not work: {why}"),
        }
    }

    async fn name(&self) -> String {
        if self.words.is_empty() {
            let name = self.session().await.and_then(|session| session.label);
            return name.map_or_else(
                || "This conversation has no name; give it one with /name followed by it.".to_owned(),
                |name| format!("This conversation is called “{name}”."),
            );
        }
        match self.set("label", self.words.into()).await {
            Ok(()) => format!("This conversation is called “{}” now.", self.words),
            Err(why) => format!("That did not work: {why}"),
        }
    }

    async fn model(&self) -> String {
        let settings = self.gateway.settings.now();
        let value = match self.words {
            "" | "status" => {
                let session = self.session().await;
                let model = model_of(session.as_ref(), &self.context.agent_id, &settings);
                let name = model.map_or_else(|| "none".to_owned(), |model| model.full());
                let chosen = session.is_some_and(|session| session.choice("model").is_some());
                let whose = if chosen { "chosen for this conversation" } else { "the agent's own" };
                return format!(
                    "Model: {name} ({whose}).\nChoose another with /model provider/model, go back with /model default; \
                     /models lists them."
                );
            }
            "default" | "reset" | "auto" => Value::Null,
            name => name.into(),
        };
        if let Err(why) = self.set("model", value).await {
            return format!("That did not work: {why}");
        }
        let session = self.session().await;
        let model = model_of(session.as_ref(), &self.context.agent_id, &self.gateway.settings.now());
        format!(
            "Model of this conversation: {}.",
            model.map_or_else(|| "none".to_owned(), |model| model.full())
        )
    }

    async fn think(&self) -> String {
        let settings = self.gateway.settings.now();
        let agent = &self.context.agent_id;
        let now = async || {
            let session = self.session().await;
            let model = model_of(session.as_ref(), agent, &settings);
            let level = model
                .as_ref()
                .map_or(Thinking::Off, |model| settings.thinking_in(session.as_ref(), agent, model));
            (model, level)
        };
        if self.words.is_empty() {
            let (model, level) = now().await;
            let levels = model.map_or_else(|| vec![Thinking::Off], |model| settings.thinker(&model).levels());
            let names: Vec<&str> = levels.into_iter().map(Thinking::as_str).collect();
            return format!(
                "Thinking: {}.\nThis model takes {}; /think default goes back to what is configured.",
                level.as_str(),
                names.join(", ")
            );
        }
        let value = if is_inherit(self.words) { Value::Null } else { self.words.into() };
        match self.set("thinkingLevel", value).await {
            Ok(()) => format!("Thinking: {}.", now().await.1.as_str()),
            Err(why) => format!("That did not work: {why}"),
        }
    }

    async fn level(&self, name: &str, title: &str, usual: &str) -> String {
        if self.words.is_empty() {
            let session = self.session().await;
            let now = session.as_ref().and_then(|session| session.choice(name)).unwrap_or(usual).to_owned();
            return format!("{title}: {now}.");
        }
        let value = match self.words.to_lowercase().as_str() {
            "default" | "inherit" => Value::Null,
            word => word.into(),
        };
        match self.set(name, value).await {
            Ok(()) => format!("{title}: {}.", self.words),
            Err(why) => format!("That did not work: {why}"),
        }
    }

    async fn send(&self) -> String {
        let value = match self.words {
            "" => {
                let session = self.session().await;
                let denied = session.is_some_and(|session| session.choice("sendPolicy") == Some("deny"));
                return format!(
                    "This conversation takes {}.",
                    if denied { "no messages" } else { "messages" }
                );
            }
            "on" => "allow".into(),
            "off" => "deny".into(),
            "inherit" | "default" => Value::Null,
            other => return format!("Found {other:?}, expected on, off or inherit."),
        };
        match self.set("sendPolicy", value).await {
            Ok(()) => format!("Messages: {}.", self.words),
            Err(why) => format!("That did not work: {why}"),
        }
    }
}
