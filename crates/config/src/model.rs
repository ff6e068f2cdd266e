//! The typed view: what the program reads out of the file. Everything is optional; unknown keys are left alone.

mod agents;
mod browser;
mod channels;
mod gateway;
mod ids;
mod policy;
mod providers;
mod rescue;
mod schedule;
mod session;
mod skills;

use serde::Deserialize;
use serde_json::Value;

use crate::document::ConfigDocument;
use crate::secret_input::SecretInput;
use crate::{ConfigIssue, IssueSeverity, validate};

pub use agents::*;
pub use browser::*;
pub use channels::*;
pub use gateway::*;
pub use policy::*;
pub use providers::*;
pub use rescue::*;

pub(crate) use schedule::is_hooks_path;
pub use schedule::*;
pub use session::*;
pub use skills::*;

/// The configuration of one profile.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Config {
    /// Listening, authentication, HTTP.
    pub gateway: Gateway,
    /// Agents and their models.
    pub agents: Agents,
    /// Which agent answers where, in order.
    pub bindings: Vec<Binding>,
    /// Which messages share a conversation.
    pub session: Session,
    /// Messengers.
    pub channels: Channels,
    /// Model providers.
    pub models: Models,
    /// The browser seat.
    pub browser: Browser,
    /// What agents may do.
    pub tools: Tools,
    /// What agents can read up on.
    pub skills: Skills,
    /// Who owns them.
    pub commands: Commands,
    /// Where secrets come from.
    pub secrets: Secrets,
    /// What is watched, and who may repair.
    pub rescue: Rescue,
    /// Jobs that run by themselves.
    pub cron: Cron,
    /// Requests over HTTP from other programs.
    pub hooks: Hooks,
    /// How much is logged.
    pub logging: Logging,
}

impl Config {
    /// Reads the typed view; all errors at once, each with its place.
    pub fn from_document(doc: &ConfigDocument) -> Result<Self, Vec<ConfigIssue>> {
        let issues = validate::validate_document(doc);
        if issues.iter().any(|issue| issue.severity == IssueSeverity::Error) {
            return Err(issues);
        }
        let mut config: Self = serde_path_to_error::deserialize(without_nulls(doc.value())).map_err(
            |error: serde_path_to_error::Error<serde_json::Error>| {
                let path = crate::ConfigPath::parse(&error.path().to_string()).unwrap_or_default();
                vec![doc.issue(
                    &path,
                    "a value of another kind".to_owned(),
                    error.inner().to_string(),
                    "Correct the value.".to_owned(),
                )]
            },
        )?;
        config.agents.join_entries();
        Ok(config)
    }

    /// The agent that answers when no binding says otherwise: `agents.defaults.systemAgent`, else the one that is marked as
    /// default, else the first.
    pub fn default_agent_id(&self) -> &str {
        let named = self.agents.defaults.system_agent.agent_id.as_deref();
        let list = &self.agents.list;
        list.iter()
            .find(|agent| named == Some(agent.id.as_str()))
            .or_else(|| list.iter().find(|agent| agent.default))
            .or_else(|| list.first())
            .map_or("main", |agent| agent.id.as_str())
    }

    /// Every secret field that is set, with its path: what a supervisor has to resolve.
    pub fn secret_inputs(&self) -> Vec<(String, &SecretInput)> {
        let mut found: Vec<(String, &SecretInput)> = Vec::new();
        let auth = &self.gateway.auth;
        found.extend(auth.token.iter().map(|input| ("gateway.auth.token".to_owned(), input)));
        found.extend(auth.password.iter().map(|input| ("gateway.auth.password".to_owned(), input)));
        let remote = &self.gateway.remote;
        found.extend(remote.token.iter().map(|input| ("gateway.remote.token".to_owned(), input)));
        found.extend(remote.password.iter().map(|input| ("gateway.remote.password".to_owned(), input)));
        let telegram = &self.channels.telegram;
        found.extend(telegram.bot_token.iter().map(|input| ("channels.telegram.botToken".to_owned(), input)));
        for (name, account) in &telegram.accounts {
            let path = crate::ConfigPath::root().key("channels").key("telegram").key("accounts").key(name);
            found.extend(account.bot_token.iter().map(|input| (path.key("botToken").to_string(), input)));
        }
        for (id, provider) in &self.models.providers {
            let path = crate::ConfigPath::root().key("models").key("providers").key(id).key("apiKey");
            found.extend(provider.api_key.iter().map(|input| (path.to_string(), input)));
        }
        found.extend(self.cron.webhook_token.iter().map(|input| ("cron.webhookToken".to_owned(), input)));
        found.extend(self.hooks.token.iter().map(|input| ("hooks.token".to_owned(), input)));
        for (key, entry) in &self.skills.entries {
            let path = crate::ConfigPath::root().key("skills").key("entries").key(key);
            found.extend(entry.api_key.iter().map(|input| (path.key("apiKey").to_string(), input)));
            for (name, input) in &entry.env {
                found.push((path.key("env").key(name).to_string(), input));
            }
        }
        found
    }
}

/// `null` means the same as a key that is not there.
pub(crate) fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key, without_nulls(value)))
                .collect(),
        ),
        Value::Array(items) => {
            Value::Array(items.into_iter().filter(|v| !v.is_null()).map(without_nulls).collect())
        }
        other => other,
    }
}
