//! `channels.*`: how the channels are, and who may write to them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::MethodSpec;
use crate::Scope;

pub(super) const ROWS: &[MethodSpec] = &[
    MethodSpec::new("channels.status", Scope::OperatorRead, "How each channel and account is."),
    MethodSpec::new("channels.start", Scope::OperatorAdmin, "Starts accounts that were stopped by hand."),
    MethodSpec::new("channels.stop", Scope::OperatorAdmin, "Stops accounts of a channel."),
    MethodSpec::new(
        "channels.logout",
        Scope::OperatorAdmin,
        "Takes an account's token out of the configuration.",
    ),
    MethodSpec::new("send", Scope::OperatorWrite, "Sends a message on a channel, once for each key."),
    MethodSpec::new("channels.pairing.list", Scope::OperatorPairing, "Strangers who wait for approval.")
        .since("2026.7"),
    MethodSpec::new("channels.pairing.approve", Scope::OperatorPairing, "Lets a stranger in.")
        .since("2026.7")
        .dynamic()
        .once(),
    MethodSpec::new("channels.pairing.dismiss", Scope::OperatorPairing, "Turns a stranger away.")
        .since("2026.7")
        .once(),
];

/// Parameters of `channels.status`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ChannelsStatusParams {
    /// Ask the services now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe: Option<bool>,
    /// Patience for the probe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Only this channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
}

/// Parameters of `channels.start`, `channels.stop` and `channels.logout`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChannelsAccountParams {
    /// Such as `telegram`.
    pub channel: String,
    /// Only this account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
}

/// Parameters of `send`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SendParams {
    /// The chat, also as `telegram:ID`.
    pub to: String,
    /// The text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Such as `telegram`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The account that sends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// Sent once for each key.
    pub idempotency_key: String,
}

/// Result of `channels.status`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ChannelsStatusResult {
    /// When, milliseconds since 1970.
    pub ts: u64,
    /// In which order to show them.
    pub channel_order: Vec<String>,
    /// Names for people.
    pub channel_labels: BTreeMap<String, String>,
    /// Longer names for people.
    pub channel_detail_labels: BTreeMap<String, String>,
    /// Symbols.
    pub channel_system_images: BTreeMap<String, String>,
    /// The same once more, one entry each.
    pub channel_meta: Vec<ChannelMeta>,
    /// Summary per channel.
    pub channels: BTreeMap<String, Value>,
    /// Accounts per channel.
    pub channel_accounts: BTreeMap<String, Vec<ChannelAccount>>,
    /// The account that is meant when none is named.
    pub channel_default_account_id: BTreeMap<String, String>,
}

/// A channel's names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChannelMeta {
    /// Such as `telegram`.
    pub id: String,
    /// For people.
    pub label: String,
    /// For people, longer.
    pub detail_label: String,
    /// A symbol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_image: Option<String>,
}

/// One account of a channel. Fields that are not known here are kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChannelAccount {
    /// The account.
    pub account_id: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Switched on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Has what it needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configured: Option<bool>,
    /// Listens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<bool>,
    /// Reached its service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected: Option<bool>,
    /// What went wrong last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub more: BTreeMap<String, Value>,
}

/// Parameters of `channels.pairing.list`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ChannelsPairingListParams {
    /// Only this channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Only this account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
}

/// Result of `channels.pairing.list`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChannelsPairingListResult {
    /// Accounts that pair.
    pub accounts: Vec<PairingAccount>,
    /// Who waits.
    pub requests: Vec<ChannelPairingRequest>,
    /// Whether somebody may give commands.
    pub command_owner_configured: bool,
    /// Bounds.
    pub limits: PairingLimits,
}

/// An account that pairs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PairingAccount {
    /// Such as `telegram`.
    pub channel: String,
    /// For people.
    pub channel_label: String,
    /// The account.
    pub account_id: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_label: Option<String>,
    /// Whether the stranger can be told.
    pub notify_supported: bool,
}

/// Somebody who waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChannelPairingRequest {
    /// The request.
    pub request_id: String,
    /// Such as `telegram`.
    pub channel: String,
    /// For people.
    pub channel_label: String,
    /// The account.
    pub account_id: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_label: Option<String>,
    /// Who.
    pub sender_id: String,
    /// Who, for people.
    pub sender_label: String,
    /// More about the sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BTreeMap<String, String>>,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339.
    pub last_seen_at: String,
    /// RFC 3339.
    pub expires_at: String,
    /// Whether the stranger can be told.
    pub notify_supported: bool,
}

/// Bounds of pairing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PairingLimits {
    /// Who may wait at one time.
    pub pending_per_account: u32,
    /// How long a code is good.
    pub ttl_ms: u64,
}

/// Parameters of `channels.pairing.approve`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChannelsPairingApproveParams {
    /// Such as `telegram`.
    pub channel: String,
    /// The account.
    pub account_id: String,
    /// The request.
    pub request_id: String,
    /// Tell the stranger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<bool>,
    /// Make the stranger the one who may give commands, if nobody is yet; asks for admin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bootstrap_command_owner: Option<bool>,
}

/// Result of `channels.pairing.approve`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChannelsPairingApproveResult {
    /// The request.
    pub request_id: String,
    /// Who is in now.
    pub sender_id: String,
    /// `not-requested`, `sent`, `unsupported` or `failed`.
    pub notification: String,
    /// `not-requested`, `configured`, `already-configured` or `unavailable`.
    pub command_owner_bootstrap: String,
}
