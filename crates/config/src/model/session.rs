//! `session`: which messages share a conversation.

use serde::Deserialize;

/// `session`, also of a binding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Session {
    /// How private messages are told apart.
    pub dm_scope: Option<DmScope>,
}

/// `dmScope`: what the conversation of a private message goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DmScope {
    /// One conversation for all, the agent's main one.
    Main,
    /// One for each person, wherever they write.
    PerPeer,
    /// One for each person and channel.
    PerChannelPeer,
    /// One for each person, channel and account.
    PerAccountChannelPeer,
}
