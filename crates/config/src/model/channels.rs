//! `channels`: messengers.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use super::ids::{id_list, optional_id_list};
use crate::SecretInput;

/// `channels`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Channels {
    /// Telegram.
    pub telegram: Telegram,
}

/// `channels.telegram`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Telegram {
    /// On or off; unset means on when there is a token.
    pub enabled: Option<bool>,
    /// The bot's token.
    pub bot_token: Option<SecretInput>,
    /// Who may write to it.
    pub dm_policy: DmPolicy,
    /// User ids that may write without pairing.
    #[serde(deserialize_with = "id_list")]
    pub allow_from: Vec<String>,
    /// Another Bot API server.
    pub api_root: Option<String>,
    /// A proxy for Telegram only.
    pub proxy: Option<String>,
    /// The groups that it answers in, by chat id; `*` is any other.
    pub groups: BTreeMap<String, TelegramGroup>,
    /// Who is answered in groups, where an entry does not say.
    pub group_policy: GroupPolicy,
    /// User ids that are answered in groups; unset: those of `allowFrom`.
    #[serde(deserialize_with = "optional_id_list")]
    pub group_allow_from: Option<Vec<String>>,
    /// Whether answers appear while they are written.
    #[serde(deserialize_with = "streaming")]
    pub streaming: Streaming,
    /// The account that is meant when none is named.
    pub default_account: Option<String>,
    /// The first account's name for people.
    pub name: Option<String>,
    /// More bots.
    pub accounts: BTreeMap<String, TelegramAccount>,
    /// Who is asked about commands on Telegram.
    pub exec_approvals: ExecApprovals,
}

/// One entry of `channels.telegram.groups`; the entry `*` is for groups without one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TelegramGroup {
    /// Whether it answers there at all.
    pub enabled: Option<bool>,
    /// Whether it must be mentioned, or answered; unset: as the entry `*` says, else it must.
    pub require_mention: Option<bool>,
    /// Who is answered there.
    pub group_policy: Option<GroupPolicy>,
    /// User ids that are answered there; `*` is everybody.
    #[serde(deserialize_with = "optional_id_list")]
    pub allow_from: Option<Vec<String>>,
}

/// `groupPolicy`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupPolicy {
    /// Those that are named.
    #[default]
    Allowlist,
    /// Everybody.
    Open,
    /// Nobody.
    Disabled,
}

/// `channels.telegram.execApprovals`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExecApprovals {
    /// Whether they are asked about commands of other conversations than their own. Unset: if there are any.
    pub enabled: Option<bool>,
    /// Their user ids.
    #[serde(deserialize_with = "id_list")]
    pub approvers: Vec<String>,
}

impl Telegram {
    /// Whether it should run.
    pub fn is_on(&self) -> bool {
        self.enabled.unwrap_or(true)
            && (self.bot_token.is_some() || self.accounts.values().any(|account| account.bot_token.is_some()))
    }
}

/// One entry of `channels.telegram.accounts`; what it leaves out holds as in `channels.telegram`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TelegramAccount {
    /// On or off.
    pub enabled: Option<bool>,
    /// Its name for people.
    pub name: Option<String>,
    /// The bot's token.
    pub bot_token: Option<SecretInput>,
    /// Who may write to it.
    pub dm_policy: Option<DmPolicy>,
    /// User ids that may write without pairing.
    #[serde(deserialize_with = "optional_id_list")]
    pub allow_from: Option<Vec<String>>,
    /// Another Bot API server.
    pub api_root: Option<String>,
    /// A proxy.
    pub proxy: Option<String>,
    /// Its groups, instead of those of `channels.telegram`.
    pub groups: Option<BTreeMap<String, TelegramGroup>>,
    /// Who is answered in groups.
    pub group_policy: Option<GroupPolicy>,
    /// User ids that are answered in groups.
    #[serde(deserialize_with = "optional_id_list")]
    pub group_allow_from: Option<Vec<String>>,
}

/// `dmPolicy`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DmPolicy {
    /// Strangers get a code that the owner approves.
    #[default]
    Pairing,
    /// Only `allowFrom`.
    Allowlist,
    /// Everybody.
    Open,
    /// Nobody.
    Disabled,
}

/// `streaming`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Streaming {
    /// One message when the answer is complete.
    Off,
    /// One message, edited about once a second.
    #[default]
    Partial,
    /// A message per block.
    Block,
}

fn streaming<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Streaming, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Switch(bool),
        Name(String),
        Full {
            #[serde(default)]
            mode: Option<String>,
        },
    }
    let name = match Form::deserialize(deserializer)? {
        Form::Switch(on) => return Ok(if on { Streaming::Partial } else { Streaming::Off }),
        Form::Name(name) => Some(name),
        Form::Full { mode } => mode,
    };
    Ok(match name.as_deref() {
        Some("off") => Streaming::Off,
        Some("block") => Streaming::Block,
        _ => Streaming::Partial,
    })
}
