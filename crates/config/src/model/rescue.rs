//! `rescue`: which gateway is watched, who is told and who may repair. All of it changes only on this machine.

use serde::Deserialize;

use super::ids::id_list;

/// `rescue`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rescue {
    /// User ids that may use remedies; added on this machine only.
    #[serde(deserialize_with = "id_list")]
    pub operators: Vec<String>,
    /// The profile that is watched; the short form of `main: { kind: "bundled", profile }`.
    pub watch: Option<String>,
    /// What is watched, in detail.
    pub main: Option<WatchedMain>,
    /// What is repaired without asking.
    pub auto: AutoRemedy,
    /// When only what is urgent is told.
    pub quiet_hours: Option<QuietHours>,
    /// On which ways operators are told.
    pub notify: Notify,
}

impl Rescue {
    /// Whether something is watched at all.
    pub fn is_watching(&self) -> bool {
        self.watch.is_some() || self.main.is_some()
    }
}

/// `rescue.main`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WatchedMain {
    /// What runs it.
    pub kind: WatchedKind,
    /// Of a bundled one: its profile. Of an OpenClaw: the name of its profile, where it is not the default one.
    pub profile: Option<String>,
    /// Of an OpenClaw: its configuration file; `openclaw.json` in its state directory if none is named.
    pub config_path: Option<String>,
    /// Of an OpenClaw: its state directory; `~/.openclaw` if none is named.
    pub state_dir: Option<String>,
    /// Where it answers; of a remote one the only thing that is known.
    pub url: Option<String>,
    /// Its service, where it is not named by the rule.
    pub unit: Option<String>,
}

/// `rescue.main.kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WatchedKind {
    /// A profile of this program.
    #[default]
    Bundled,
    /// An installed OpenClaw on Node.
    OpenClaw,
    /// A gateway on another machine: seen from outside only.
    Remote,
}

/// `rescue.auto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AutoRemedy {
    /// Nothing: operators are asked.
    #[default]
    Off,
    /// A restart, where that helps.
    Restart,
    /// And the last good configuration, where the present one is the reason.
    Rollback,
}

/// `rescue.quietHours`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct QuietHours {
    /// `HH:MM`.
    pub from: String,
    /// `HH:MM`; earlier than `from` means the next morning.
    pub to: String,
    /// A name such as `Europe/Berlin`; the machine's if there is none.
    pub time_zone: Option<String>,
    /// What is told all the same.
    pub urgent: Urgent,
}

/// `rescue.quietHours.urgent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Urgent {
    /// The watched gateway does not answer at all.
    #[default]
    Down,
    /// Nothing: everything waits until the quiet hours are over.
    None,
}

/// `rescue.notify`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Notify {
    /// Messages of this gateway's own bot; on unless the file says otherwise.
    pub telegram: bool,
    /// Notifications on this machine; on unless the file says otherwise.
    pub desktop: bool,
}

impl Default for Notify {
    fn default() -> Self {
        Self { telegram: true, desktop: true }
    }
}
