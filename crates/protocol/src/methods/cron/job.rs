//! One job, as it is stored and shown.

use serde::{Deserialize, Serialize};
use serde_json::Value;

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// When a job runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum CronSchedule {
    /// Once.
    At {
        /// RFC 3339; without an offset it is UTC.
        at: String,
    },
    /// Again and again after the same time.
    Every {
        /// Milliseconds between two runs.
        every_ms: i64,
        /// One of the times, in milliseconds since 1970; the time of adding when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        anchor_ms: Option<i64>,
    },
    /// By a cron expression of five or six fields.
    Cron {
        /// The expression.
        expr: String,
        /// IANA name of the time zone; the machine's when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tz: Option<String>,
        /// Runs are put off by a fixed part of this, so that not everything begins on the hour.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stagger_ms: Option<i64>,
    },
}

impl CronSchedule {
    /// The protocol's word.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::At { .. } => "at",
            Self::Every { .. } => "every",
            Self::Cron { .. } => "cron",
        }
    }
}

/// What a job does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum CronPayload {
    /// Tells the main session something.
    SystemEvent {
        /// What.
        text: String,
    },
    /// A turn of the agent.
    AgentTurn {
        /// What is asked.
        message: String,
        /// Another model than the agent's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<String>,
        /// Instead of the configured fallbacks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fallbacks: Option<Vec<String>>,
        /// How hard the model thinks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        thinking: Option<String>,
        /// The longest that a run may take; 0: as long as the agent's turns may.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timeout_seconds: Option<f64>,
        /// Accepted; what comes from outside is always marked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        allow_unsafe_external_content: Option<bool>,
        /// Without the files that describe the agent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        light_context: Option<bool>,
        /// Only these tools; `*`: all that the policy gives.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tools_allow: Option<Vec<String>>,
        /// Whether nobody chose them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tools_allow_is_default: Option<bool>,
    },
    /// The heartbeat of an agent; made by the gateway alone.
    Heartbeat {},
}

impl CronPayload {
    /// The protocol's word.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::SystemEvent { .. } => "systemEvent",
            Self::AgentTurn { .. } => "agentTurn",
            Self::Heartbeat {} => "heartbeat",
        }
    }
}

/// `main`, `isolated`, `current` or `session:<key>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SessionTarget {
    /// The agent's main session.
    Main,
    /// A session of its own for each run.
    Isolated,
    /// The session that made the job; kept as the session's key.
    Current,
    /// This session.
    Session(String),
}

impl TryFrom<String> for SessionTarget {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "main" => Ok(Self::Main),
            "isolated" => Ok(Self::Isolated),
            "current" => Ok(Self::Current),
            other => match other.strip_prefix("session:").filter(|key| !key.is_empty()) {
                Some(key) => Ok(Self::Session(key.to_owned())),
                None => Err(format!("found {other:?}, expected main, isolated, current or session:<key>")),
            },
        }
    }
}

impl From<SessionTarget> for String {
    fn from(target: SessionTarget) -> Self {
        match target {
            SessionTarget::Main => "main".to_owned(),
            SessionTarget::Isolated => "isolated".to_owned(),
            SessionTarget::Current => "current".to_owned(),
            SessionTarget::Session(key) => format!("session:{key}"),
        }
    }
}

/// Whether what a job says is told at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WakeMode {
    /// At once.
    Now,
    /// With the next heartbeat.
    NextHeartbeat,
}

/// Where the outcome of a run goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryMode {
    /// Nowhere.
    #[default]
    None,
    /// To a chat.
    Announce,
    /// To a URL.
    Webhook,
}

/// `delivery`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CronDelivery {
    /// How.
    pub mode: DeliveryMode,
    /// `last`, or a channel's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Chat on it, or the URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// A topic in the chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<Value>,
    /// Account of the channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// A delivery that fails does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_effort: Option<bool>,
    /// Where failures are told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_destination: Option<FailureDestination>,
    /// A URL that hears of the end besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_destination: Option<CompletionDestination>,
}

/// `delivery.failureDestination`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct FailureDestination {
    /// `last`, or a channel's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Chat on it, or the URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Account of the channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// How.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<DeliveryMode>,
}

/// `delivery.completionDestination`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CompletionDestination {
    /// `webhook`.
    pub mode: DeliveryMode,
    /// The URL.
    pub to: String,
}

/// `failureAlert`: `false`, or how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum CronFailureAlert {
    /// Never (`false`).
    Off(bool),
    /// By this rule.
    Rule(FailureAlertRule),
}

/// When somebody is told of failures.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct FailureAlertRule {
    /// After so many failures one after another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<u32>,
    /// `last`, or a channel's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Chat on it, or the URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// No sooner than this after the last alert, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cooldown_ms: Option<i64>,
    /// Runs that were skipped count too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_skipped: Option<bool>,
    /// How.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<DeliveryMode>,
    /// Account of the channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatusWord {
    /// Well.
    Ok,
    /// It failed.
    Error,
    /// It was not done.
    Skipped,
}

impl RunStatusWord {
    /// The protocol's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Skipped => "skipped",
        }
    }
}

/// What became of a run's outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryStatus {
    /// It is on its way, durably.
    Delivered,
    /// It went nowhere.
    NotDelivered,
    /// Nobody knows.
    Unknown,
    /// Nobody asked for it.
    NotRequested,
}

impl DeliveryStatus {
    /// The protocol's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::NotDelivered => "not-delivered",
            Self::Unknown => "unknown",
            Self::NotRequested => "not-requested",
        }
    }
}

/// Why the gateway turned a job off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AutoDisabled {
    /// `consecutive-failures` or `schedule-errors`.
    pub reason: String,
    /// When.
    pub at_ms: i64,
    /// After so many failures.
    pub consecutive_errors: u32,
}

/// What the gateway knows of a job besides what was asked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CronJobState {
    /// When it runs next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_run_at_ms: Option<i64>,
    /// When the schedule was last put in force by a change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule_activated_at_ms: Option<i64>,
    /// It runs, since then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running_at_ms: Option<i64>,
    /// When it ran last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_run_at_ms: Option<i64>,
    /// How that ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_run_status: Option<RunStatusWord>,
    /// The older name of the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_status: Option<RunStatusWord>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// Milliseconds that it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_duration_ms: Option<i64>,
    /// Failures one after another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consecutive_errors: Option<u32>,
    /// Skipped runs one after another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consecutive_skipped: Option<u32>,
    /// The gateway turned it off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_disabled: Option<AutoDisabled>,
    /// What became of the last outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_delivered: Option<bool>,
    /// The same in a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_delivery_status: Option<DeliveryStatus>,
    /// Why it went nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_delivery_error: Option<String>,
    /// Why nothing was to be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_suppression_reason: Option<String>,
    /// What became of the last alert.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failure_notification_delivery_status: Option<DeliveryStatus>,
    /// When somebody was last told of failures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failure_alert_at_ms: Option<i64>,
}

/// Who made a job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct CronOwner {
    /// Their agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// Their session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_key: Option<String>,
    /// Their account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
}

/// With whose rights a job runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScheduledToolPolicy {
    /// 1.
    pub version: u32,
    /// `trusted` (an administrator made it) or `account` (a conversation did).
    pub mode: String,
    /// Of `account`: the session that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_session_key: Option<String>,
    /// Of `account`: the account that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_account_id: Option<String>,
}

impl ScheduledToolPolicy {
    /// An administrator made it.
    pub fn trusted() -> Self {
        Self { version: 1, mode: "trusted".to_owned(), owner_session_key: None, owner_account_id: None }
    }

    /// A conversation made it.
    pub fn account(session_key: &str, account: &str) -> Self {
        Self {
            version: 1,
            mode: "account".to_owned(),
            owner_session_key: Some(session_key.to_owned()),
            owner_account_id: Some(account.to_owned()),
        }
    }

    /// Whether an administrator made it.
    pub fn is_trusted(&self) -> bool {
        self.mode == "trusted"
    }
}

/// One job. Its fields are those of the protocol; what is only shown (`configRevision`, `effectiveAgentId`, …) is not here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CronJob {
    /// Its name for programs.
    pub id: String,
    /// Made again under this key, it is the same job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declaration_key: Option<String>,
    /// Its name for people, where that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Who made it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub owner: Option<CronOwner>,
    /// The agent that does it; the default one when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// The conversation that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_key: Option<String>,
    /// Its name.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether it runs by itself.
    pub enabled: bool,
    /// Gone once it succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_after_run: Option<bool>,
    /// When it was made.
    pub created_at_ms: i64,
    /// When it was last changed.
    pub updated_at_ms: i64,
    /// When it runs.
    pub schedule: CronSchedule,
    /// In which conversation.
    pub session_target: SessionTarget,
    /// Whether it is told at once.
    pub wake_mode: WakeMode,
    /// What it does.
    pub payload: CronPayload,
    /// Where its outcome goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<CronDelivery>,
    /// When somebody is told of failures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_alert: Option<CronFailureAlert>,
    /// With whose rights it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled_tool_policy: Option<ScheduledToolPolicy>,
    /// What the gateway knows of it.
    pub state: CronJobState,
}

impl CronJob {
    /// Whether the gateway made it for an agent's heartbeat.
    pub fn is_heartbeat(&self) -> bool {
        matches!(self.payload, CronPayload::Heartbeat {})
    }
}
