//! What the home page and the tray show of a profile.

use serde::Serialize;

/// State of a gateway, as a person reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "lowercase")]
pub enum CardState {
    /// Answers, and all its channels work.
    Running,
    /// On its way.
    Starting,
    /// Finishing what it does before it ends.
    Stopping,
    /// Stopped on purpose.
    Stopped,
    /// Answers, but something about it does not work.
    Degraded,
    /// Should run and doesn't.
    Failed,
    /// Not looked at yet.
    Unknown,
}

/// One profile with what is known about its gateway now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "camelCase")]
pub struct ProfileCard {
    /// Name of the profile.
    pub name: String,
    /// State of its gateway.
    pub state: CardState,
    /// Since when it is in this state, in milliseconds since 1970.
    pub since: Option<u64>,
    /// Port that it answers on.
    pub base_port: u16,
    /// Port of its browser control service.
    pub control_port: u16,
    /// First port of its CDP range.
    pub cdp_first: u16,
    /// Last port of its CDP range.
    pub cdp_last: u16,
    /// Who runs it: `desktop`, `service` or `external`.
    pub owner: String,
    /// Process id of the gateway.
    pub pid: Option<u32>,
    /// Memory that is the gateway's own, in bytes (PSS on Linux).
    pub memory_bytes: Option<u64>,
    /// Its channels.
    pub channels: Vec<ChannelCard>,
    /// The last problem that still holds.
    pub problem: Option<Problem>,
    /// Version of the running gateway.
    pub version: Option<String>,
    /// Its state directory.
    pub state_dir: String,
    /// Its workspace.
    pub workspace: String,
    /// The Telegram bot that it answers on.
    pub bot: Option<BotCard>,
    /// How long the last start took, in milliseconds.
    pub ready_ms: Option<u64>,
    /// Until when it is paused, in milliseconds since 1970.
    pub paused_until: Option<u64>,
    /// How many approvals and questions wait there for a person.
    pub waiting: u32,
    /// The profile that its gateway watches.
    pub watching: Option<String>,
    /// How the gateway ended last without being asked to.
    pub ended: Option<Ended>,
    /// Address of a gateway elsewhere that the app only attaches to.
    pub remote: Option<String>,
}

/// An end that nobody had asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "camelCase")]
pub struct Ended {
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// How, in a person's words.
    pub message: String,
}

/// One channel account of a gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "camelCase")]
pub struct ChannelCard {
    /// `telegram`.
    pub id: String,
    /// Name to show.
    pub label: String,
    /// How it stands.
    pub state: ChannelState,
    /// Why, where it is not running.
    pub detail: Option<String>,
    /// Account within the channel.
    pub account: Option<String>,
}

/// How a channel account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "lowercase")]
pub enum ChannelState {
    /// It works.
    Connected,
    /// On its way.
    Connecting,
    /// Lost for the moment; it tries again.
    Disconnected,
    /// Turned off.
    Disabled,
    /// It can't work until somebody does something.
    Failed,
}

/// A bot by its public name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "camelCase")]
pub struct BotCard {
    /// Without the at sign.
    pub username: String,
}

/// Something wrong, and the button that helps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Stable code.
    pub code: String,
    /// In a person's words.
    pub message: String,
    /// What its button does, if a button helps.
    pub action: Option<ProblemAction>,
}

/// What a problem's button does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "lowercase")]
pub enum ProblemAction {
    /// Starts it anew.
    Restart,
    /// Shows its log.
    Logs,
    /// Shows its channels.
    Channels,
    /// Shows what to do about keychain and secrets.
    Credentials,
}
