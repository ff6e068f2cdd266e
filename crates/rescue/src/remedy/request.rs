//! The values of remedies: kinds, requests, one-use nonces, outcomes, refusals.

use std::fmt;

use base64::Engine as _;
use serde::{Deserialize, Serialize};

use crate::alert::Button;
use crate::incident::IncidentId;

/// What can be done without any model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RemedyKind {
    /// Stop and start on its configuration.
    Restart,
    /// Start, and want it running.
    Start,
    /// The last good configuration in place of the present one. Destructive: the present file is kept beside it.
    Rollback,
    /// Restart with the control plane only.
    SafeMode,
    /// A service takes it over from an owner that is gone.
    MoveToService,
    /// Enable the service again, and start it.
    EnableService,
    /// Another base port.
    OtherPort,
    /// End the process that holds its port; only one that is proven to be its own. Destructive.
    EndHolder,
    /// The last log lines.
    Logs,
    /// Look at everything and say what is found.
    Doctor,
    /// No alarms for an hour.
    Quiet,
}

impl RemedyKind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::Restart,
        Self::Start,
        Self::Rollback,
        Self::SafeMode,
        Self::MoveToService,
        Self::EnableService,
        Self::OtherPort,
        Self::EndHolder,
        Self::Logs,
        Self::Doctor,
        Self::Quiet,
    ];

    /// As programs name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::Start => "start",
            Self::Rollback => "rollback",
            Self::SafeMode => "safe-mode",
            Self::MoveToService => "move-to-service",
            Self::EnableService => "enable-service",
            Self::OtherPort => "other-port",
            Self::EndHolder => "end-holder",
            Self::Logs => "logs",
            Self::Doctor => "doctor",
            Self::Quiet => "quiet",
        }
    }

    /// Reads what [`as_str`](Self::as_str) wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// As buttons show it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Restart => "Restart",
            Self::Start => "Start",
            Self::Rollback => "Roll back",
            Self::SafeMode => "Safe mode",
            Self::MoveToService => "Move to a service",
            Self::EnableService => "Enable the service",
            Self::OtherPort => "Use another port",
            Self::EndHolder => "End the old process",
            Self::Logs => "Logs",
            Self::Doctor => "Doctor",
            Self::Quiet => "Quiet for an hour",
        }
    }

    /// Whether it takes something away, and a second tap has to confirm it.
    pub fn is_destructive(self) -> bool {
        matches!(self, Self::Rollback | Self::EndHolder | Self::OtherPort)
    }

    /// Whether it only looks.
    pub fn is_reading(self) -> bool {
        matches!(self, Self::Logs | Self::Doctor)
    }

    /// Whether it should end the incident, and is judged by what the probes see afterwards.
    pub fn is_repair(self) -> bool {
        !self.is_reading() && self != Self::Quiet
    }
}

impl fmt::Display for RemedyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// 128 random bits as 22 characters: short enough for a Telegram button, too many to guess.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nonce(String);

impl Nonce {
    /// A new one. Without randomness of the system there is none.
    pub fn generate() -> Option<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).ok()?;
        Some(Self(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// What came back from a tap; anything may be in it.
    pub fn from_tap(text: &str) -> Option<Self> {
        let fits = text.len() == 22
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        fits.then(|| Self(text.to_owned()))
    }

    /// For the button's data.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whoever reads a log must not be able to tap.
        write!(f, "Nonce({}…)", self.0.get(..4).unwrap_or_default())
    }
}

/// A nonce and everything that it is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IssuedNonce {
    /// The nonce.
    pub nonce: Nonce,
    /// The incident that it belongs to; `None` for commands outside of one.
    pub incident: Option<IncidentId>,
    /// The remedy.
    pub remedy: RemedyKind,
    /// The operator who may use it.
    pub operator: String,
    /// The watched configuration when it was issued.
    pub config_hash: Option<String>,
    /// Whether it is the second tap.
    pub confirmed: bool,
    /// When it ends, in milliseconds since 1970.
    pub expires_ms: u64,
    /// When it was used, in milliseconds since 1970.
    pub used_ms: Option<u64>,
}

/// In what kind of place somebody asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChatKind {
    /// A private chat with the bot.
    Private,
    /// A group, supergroup or channel.
    Group,
    /// This machine or an authenticated operator connection: command line, app, agent tool.
    Local,
}

/// Who asks. What the messenger says of the *tapping* user, never of the message's first reader.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Actor {
    /// On which way: `telegram`, `cli`, `app`, `agent`, `auto`.
    pub via: String,
    /// The user id there; `local` on this machine.
    pub user: String,
    /// In what kind of place.
    pub chat: ChatKind,
}

impl Actor {
    /// The gateway itself, under `rescue.auto`.
    pub fn auto() -> Self {
        Self { via: "auto".to_owned(), user: "local".to_owned(), chat: ChatKind::Local }
    }

    /// Somebody at this machine, or with an operator's connection.
    pub fn local(via: &str) -> Self {
        Self { via: via.to_owned(), user: "local".to_owned(), chat: ChatKind::Local }
    }

    /// As the audit log names them: `telegram:42`.
    pub fn label(&self) -> String {
        if self.chat == ChatKind::Local { self.via.clone() } else { format!("{}:{}", self.via, self.user) }
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Ask {
    /// A button was tapped; its data, whatever it is.
    Button {
        /// The data.
        data: String,
    },
    /// A command, such as `/restart` or `rescue restart`.
    Command {
        /// The remedy.
        remedy: RemedyKind,
        /// Whether the person confirmed it already (`--yes`).
        confirmed: bool,
        /// For [`RemedyKind::Rollback`]: the version; the newest good one if there is none.
        #[serde(default)]
        version: Option<String>,
    },
}

/// A request for a remedy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RemedyRequest {
    /// Names this request; the same id again never repeats the remedy (Telegram: the update's id; RPC: the
    /// idempotency key).
    pub id: String,
    /// Who asks.
    pub by: Actor,
    /// For what.
    pub ask: Ask,
}

/// The answer to a request, at once. What a repair led to is told later, as a [`RemedyOutcome`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum RemedyReply {
    /// It is under way; the outcome bears this request's id.
    Accepted {
        /// The request.
        request: String,
        /// In words.
        text: String,
    },
    /// A second tap has to confirm it.
    Confirm {
        /// The question.
        text: String,
        /// Yes (and nothing else: no answer is a no).
        buttons: Vec<Button>,
    },
    /// The answer of something that only looks.
    Answer {
        /// In words, several lines, redacted.
        text: String,
    },
}

/// What a remedy led to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RemedyOutcome {
    /// The request.
    pub request: String,
    /// The incident, if there was one.
    pub incident: Option<IncidentId>,
    /// What was done.
    pub remedy: RemedyKind,
    /// Who asked, as the audit log names them.
    pub by: String,
    /// When it was asked for, in milliseconds since 1970.
    pub asked_ms: u64,
    /// When the verdict fell, in milliseconds since 1970.
    pub ended_ms: Option<u64>,
    /// What came of it.
    pub verdict: Verdict,
}

/// What came of a remedy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Verdict {
    /// Under way.
    Running,
    /// Done, and seen healthy afterwards.
    Repaired,
    /// Done, and nothing had to be seen afterwards.
    Done,
    /// Done, and still not healthy after the time that it usually takes.
    NoEffect {
        /// What is seen instead.
        seen: String,
    },
    /// It could not be done.
    Failed {
        /// Why, with the next step.
        refusal: Refusal,
    },
}

/// Why nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// For programs.
    pub kind: RefusalKind,
    /// In words, with the next step.
    pub message: String,
    /// What can be done instead.
    #[serde(default)]
    pub instead: Vec<RemedyKind>,
}

impl Refusal {
    /// A refusal.
    pub fn new(kind: RefusalKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), instead: Vec::new() }
    }

    /// With something that can be done instead.
    #[must_use]
    pub fn or(mut self, remedy: RemedyKind) -> Self {
        self.instead.push(remedy);
        self
    }
}

/// Kinds of refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalKind {
    /// Not one of `rescue.operators`.
    NotAnOperator,
    /// Not in a private chat.
    NotPrivate,
    /// A nonce that was never issued, or that another gateway issued.
    UnknownNonce,
    /// A nonce that was used already: a replayed tap.
    Replayed,
    /// Too late.
    Expired,
    /// Another person's button.
    OtherOperator,
    /// A button of an incident that is over, or of another one.
    OtherIncident,
    /// The configuration was changed since the button was made.
    ConfigChanged,
    /// The same is under way.
    UnderWay,
    /// Its owner's supervisor does not answer.
    OwnerAbsent,
    /// This kind of gateway has no such thing.
    Unsupported,
    /// There is no good version to go back to.
    NothingToRollBack,
    /// The file is another one than expected.
    Conflict,
    /// The process is not proven to be ours.
    Stranger,
    /// It was tried and failed.
    Failed,
    /// The rescue gateway is on its way down.
    Closing,
}

impl RefusalKind {
    /// Stable code for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotAnOperator => "not-an-operator",
            Self::NotPrivate => "not-private",
            Self::UnknownNonce => "unknown-nonce",
            Self::Replayed => "replayed",
            Self::Expired => "expired",
            Self::OtherOperator => "other-operator",
            Self::OtherIncident => "other-incident",
            Self::ConfigChanged => "config-changed",
            Self::UnderWay => "under-way",
            Self::OwnerAbsent => "owner-absent",
            Self::Unsupported => "unsupported",
            Self::NothingToRollBack => "nothing-to-roll-back",
            Self::Conflict => "conflict",
            Self::Stranger => "stranger",
            Self::Failed => "failed",
            Self::Closing => "closing",
        }
    }
}
