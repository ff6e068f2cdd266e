//! The seams: what the engine needs of the world, as traits. The composition implements them.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::alert::{Message, MessageRef, Recipient};
use crate::incident::Incident;
use crate::remedy::{IssuedNonce, Refusal, RefusalKind, RemedyKind};
use crate::timeline::SavedTimeline;

/// Time. Decisions use the monotonic clock only; the wall clock is for people.
pub trait Clock: Send + Sync + 'static {
    /// Goes on evenly, stands still while the machine sleeps, is never set.
    fn monotonic(&self) -> Duration;
    /// The same, but goes on while the machine sleeps. Where a system has none: the same as monotonic.
    fn boottime(&self) -> Duration;
    /// Milliseconds since 1970.
    fn wall_ms(&self) -> u64;
}

/// Whether the watched gateway is meant to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "wanted", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Wanted {
    /// It shall run.
    #[default]
    Running,
    /// Somebody stopped it: silence.
    Stopped,
    /// It is paused until then (milliseconds since 1970): silence.
    Paused {
        /// Milliseconds since 1970.
        until_ms: u64,
    },
}

/// What a supervisor's gateway does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeptState {
    /// Not running, as wanted.
    #[default]
    Stopped,
    /// Started, not ready yet.
    Starting,
    /// Ready.
    Running,
    /// It crashed and starts again soon.
    BackingOff,
    /// On its way down.
    Stopping,
    /// The supervisor has given up.
    Failed,
}

/// How it ended last.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastExit {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// Its exit code.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Its last lines, without contents of messages.
    pub last_lines: Vec<String>,
}

/// What the owner's supervisor says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// The state.
    pub state: KeptState,
    /// What the owner wants.
    pub wanted: Wanted,
    /// Who owns it, for people: `desktop`, `service`, `external`.
    pub owner: String,
    /// Its process.
    pub pid: Option<u32>,
    /// Its version.
    pub version: Option<String>,
    /// How often it was started again after a crash. Grows; a start that somebody asked for resets it.
    pub restarts: u32,
    /// Whether it runs on the last good configuration.
    pub on_last_good: bool,
    /// Whether it runs in safe mode.
    pub safe_mode: bool,
    /// How it ended last, when that was not asked for.
    pub last_exit: Option<LastExit>,
    /// What the supervisor has to say: stable code and words.
    pub problem: Option<(String, String)>,
}

/// What the keeper says of itself and its gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum KeeperReport {
    /// The supervisor answered.
    Present {
        /// What it said.
        kept: Kept,
    },
    /// No supervisor answers.
    Absent {
        /// What the owner wanted last, from the file that outlives supervisors.
        wanted: Wanted,
        /// Who owned it, where that is recorded.
        owner: Option<String>,
        /// Why it is known to be absent, in words.
        why: String,
    },
    /// There is no supervisor to ask: an OpenClaw, a remote gateway.
    None,
}

/// What the keeper did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Done {
    /// In words, for the message: "asked the supervisor to restart it".
    pub what: String,
}

impl Done {
    /// In words.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into() }
    }
}

fn unsupported<T>(remedy: &str) -> Result<T, Refusal> {
    let message = format!("This gateway has no way to {remedy} from here.");
    Err(Refusal::new(RefusalKind::Unsupported, message))
}

/// Whoever can do something to the watched gateway: asks its owner's supervisor or service, never spawns.
#[async_trait]
pub trait Keeper: Send + Sync + 'static {
    /// The report now.
    async fn status(&self) -> KeeperReport;

    /// A report at once and one after each change; ends when the keeper cannot tell any more (it is opened again
    /// after a second). A keeper that cannot be watched gives an empty stream and is asked for its status instead.
    fn watch(&self) -> BoxStream<'static, KeeperReport>;

    /// What is possible just now; buttons are made only for these.
    async fn abilities(&self) -> BTreeSet<RemedyKind>;

    /// Stop and start on its configuration.
    async fn restart(&self) -> Result<Done, Refusal>;

    /// Start, and want it running.
    async fn start(&self) -> Result<Done, Refusal>;

    /// Restart with the control plane only.
    async fn safe_mode(&self) -> Result<Done, Refusal> {
        unsupported("start it in safe mode")
    }

    /// A good configuration in place of the present one, whose hash is `expected`, and a restart. `version` is a hash
    /// of the history; the newest good one if there is none.
    async fn rollback(&self, version: Option<&str>, expected: Option<&str>) -> Result<Done, Refusal> {
        let _ = (version, expected);
        unsupported("go back to an earlier configuration")
    }

    /// A service takes it over from an owner that is gone.
    async fn move_to_service(&self) -> Result<Done, Refusal> {
        unsupported("move it to a service")
    }

    /// Enable the service again, and start it.
    async fn enable_service(&self) -> Result<Done, Refusal> {
        unsupported("enable its service")
    }

    /// Another free base port, and a restart.
    async fn other_port(&self) -> Result<Done, Refusal> {
        unsupported("give it another port")
    }

    /// End the process on its port, only if that is proven to be the watched gateway's own (left from an earlier
    /// run), and start.
    async fn end_holder(&self) -> Result<Done, Refusal> {
        unsupported("end that process")
    }

    /// The last log lines, redacted, without contents of messages.
    async fn logs(&self, lines: usize) -> Result<Vec<String>, Refusal>;

    /// What a look at everything finds, one line each.
    async fn doctor(&self) -> Result<Vec<String>, Refusal> {
        unsupported("look at it in detail")
    }

    /// For a drill: kill it as a crash would, by its proven identity.
    async fn kill_for_drill(&self) -> Result<Done, Refusal> {
        unsupported("kill it for a drill")
    }

    /// For a drill: stop it without marking it as planned, so that it stays down until it is repaired. Where a
    /// supervisor would bring it back at once, it is kept down for the drill.
    async fn stop_for_drill(&self) -> Result<Done, Refusal> {
        unsupported("stop it for a drill")
    }

    /// What was changed in the configuration between the last good version and now, redacted, one line each.
    async fn config_change(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Why something could not be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TellError {
    /// Worth trying again: no network, a limit of the messenger.
    #[error("{why}")]
    Later {
        /// Why, without secrets.
        why: String,
        /// How long the messenger asked to wait.
        after: Option<Duration>,
    },
    /// The message that was to be updated is gone: it is sent anew.
    #[error("the message is gone")]
    Gone,
    /// It will not work: blocked, unknown chat, wrong token.
    #[error("{why}")]
    Never {
        /// Why, without secrets.
        why: String,
    },
}

/// One way to people. Must not need the database or a writable disk.
#[async_trait]
pub trait Teller: Send + Sync + 'static {
    /// `telegram`, `desktop`, `app`.
    fn name(&self) -> &str;

    /// Whom it reaches now. Asked anew for each message: operators come and go.
    fn recipients(&self) -> Vec<Recipient>;

    /// Sends a message, or updates the one that `existing` names in place. Returns where it went.
    async fn tell(
        &self,
        to: &Recipient,
        message: &Message,
        existing: Option<&MessageRef>,
    ) -> Result<MessageRef, TellError>;
}

/// The journal cannot be written or read (a full disk, a read-only state directory).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the journal of the rescue gateway cannot be used: {why}")]
pub struct JournalError {
    /// Why, in words.
    pub why: String,
}

/// One line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditLine {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// Who: `telegram:42`, `cli`, `auto`.
    pub actor: String,
    /// What, such as `rescue.restart`.
    pub action: String,
    /// `accepted`, `refused`, `repaired`, `no-effect`, `failed`, …
    pub result: String,
    /// Particulars without secrets: incident, code of the refusal.
    pub detail: serde_json::Value,
}

/// What outlives the rescue gateway. Every write may fail: the engine keeps everything in memory too, goes on, and
/// writes again what failed as soon as a write works.
#[async_trait]
pub trait Journal: Send + Sync + 'static {
    /// The newest incidents first.
    async fn incidents(&self, limit: usize) -> Result<Vec<Incident>, JournalError>;

    /// Adds or replaces one, by its id.
    async fn put_incident(&self, incident: &Incident) -> Result<(), JournalError>;

    /// Nonces that are neither used nor expired, and those used within the last day.
    async fn nonces(&self) -> Result<Vec<IssuedNonce>, JournalError>;

    /// Adds or replaces one.
    async fn put_nonce(&self, nonce: &IssuedNonce) -> Result<(), JournalError>;

    /// Adds a line to the audit log.
    async fn audit(&self, line: &AuditLine) -> Result<(), JournalError>;

    /// The saved timeline.
    async fn timeline(&self) -> Result<Option<SavedTimeline>, JournalError>;

    /// Replaces the saved timeline.
    async fn put_timeline(&self, timeline: &SavedTimeline) -> Result<(), JournalError>;
}
