//! `agents` and `bindings`: who answers, where, with which model.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use super::ids::id_text;
use super::schedule::Heartbeat;
use super::{Session, ToolLists};

/// `agents`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Agents {
    /// What holds for all agents.
    pub defaults: AgentDefaults,
    /// The agents; none means one named `main`.
    pub list: Vec<Agent>,
    entries: BTreeMap<String, Agent>,
}

impl Agents {
    /// `agents.entries` is the same list keyed by id.
    pub(super) fn join_entries(&mut self) {
        for (id, mut agent) in std::mem::take(&mut self.entries) {
            if self.list.iter().all(|known| known.id != id) {
                agent.id = id;
                self.list.push(agent);
            }
        }
    }
}

/// `agents.defaults`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AgentDefaults {
    /// The folder that the agent works in.
    pub workspace: Option<String>,
    /// Which model answers.
    #[serde(deserialize_with = "model_choice")]
    pub model: ModelChoice,
    /// The skills that agents may use; none given means all.
    pub skills: Option<Vec<String>>,
    /// What is said of single models, by `provider/model`.
    pub models: BTreeMap<String, ModelNote>,
    /// The agent that answers when nobody says which.
    pub system_agent: SystemAgent,
    /// The longest that one answer may take.
    pub timeout_seconds: Option<u64>,
    /// The most model turns of one answer.
    pub max_turns: Option<u32>,
    /// When the agent looks by itself whether something needs attention.
    pub heartbeat: Option<Heartbeat>,
    /// The time zone of the person, such as `Europe/Berlin`.
    pub user_timezone: Option<String>,
    /// How hard models think.
    pub thinking_default: Option<String>,
}

/// One entry of `agents.defaults.models`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ModelNote {
    /// A short name that people choose it by.
    pub alias: Option<String>,
    /// How it is asked.
    pub params: ModelParams,
}

/// `params` of one entry of `agents.defaults.models`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ModelParams {
    /// How hard it thinks.
    #[serde(deserialize_with = "level")]
    pub thinking: Option<String>,
}

/// One entry of `agents.list`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Agent {
    /// Its id, part of session keys.
    pub id: String,
    /// Its name for people.
    pub name: Option<String>,
    /// Whether it answers by default.
    pub default: bool,
    /// Its own folder.
    pub workspace: Option<String>,
    /// Its own model.
    #[serde(deserialize_with = "model_choice")]
    pub model: ModelChoice,
    /// The skills that it may use, instead of those of the defaults; an empty list means none.
    pub skills: Option<Vec<String>>,
    /// Its own heartbeat, over that of the defaults; once one agent has its own, only such agents have one.
    pub heartbeat: Option<Heartbeat>,
    /// How it presents itself.
    pub identity: Identity,
    /// What it may do, where that is not what holds for all.
    pub tools: AgentTools,
    /// How hard its models think.
    pub thinking_default: Option<String>,
    /// What is said of single models, over what the defaults say.
    pub models: BTreeMap<String, ModelNote>,
}

/// `tools` of one agent.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AgentTools {
    /// Running commands.
    pub exec: super::Exec,
    /// Which tools it has.
    #[serde(flatten)]
    pub lists: ToolLists,
}

/// `agents.defaults.systemAgent`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SystemAgent {
    /// Its id.
    pub agent_id: Option<String>,
}

/// `agents.list[].identity`: what the configuration says; the workspace's `IDENTITY.md` says the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Identity {
    /// The name that it goes by.
    pub name: Option<String>,
    /// How it presents itself.
    pub theme: Option<String>,
    /// Its emoji.
    pub emoji: Option<String>,
    /// Its picture: an address, or a path in its workspace.
    pub avatar: Option<String>,
}

/// A model with fallbacks, as `provider/model`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ModelChoice {
    /// The first choice.
    pub primary: Option<String>,
    /// What is tried after it, in order.
    pub fallbacks: Vec<String>,
}

/// One entry of `bindings`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Binding {
    /// `route` (or nothing); other kinds of bindings are others' and are passed over.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The agent that answers.
    pub agent_id: String,
    /// Where: all given fields must agree.
    #[serde(rename = "match")]
    pub matches: BindingMatch,
    /// How the conversations that it matches are kept apart.
    pub session: Session,
}

/// `bindings[].match`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BindingMatch {
    /// The channel, such as `telegram`.
    pub channel: Option<String>,
    /// The account of the channel; nothing is the account `default`, `*` is any.
    pub account_id: Option<String>,
    /// The person or group.
    pub peer: Option<BindingPeer>,
}

/// `bindings[].match.peer`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BindingPeer {
    /// `direct` or `group`.
    pub kind: Option<String>,
    /// Its id.
    #[serde(deserialize_with = "id_text")]
    pub id: String,
}

fn model_choice<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ModelChoice, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Name(String),
        Full(ModelChoice),
    }
    Ok(match Form::deserialize(deserializer)? {
        Form::Name(primary) => ModelChoice { primary: Some(primary), fallbacks: Vec::new() },
        Form::Full(choice) => choice,
    })
}

/// A level; `false` is none.
fn level<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Name(String),
        Switch(bool),
    }
    Ok(match Option::<Form>::deserialize(deserializer)? {
        Some(Form::Name(name)) => Some(name),
        Some(Form::Switch(false)) => Some("off".to_owned()),
        Some(Form::Switch(true)) | None => None,
    })
}
