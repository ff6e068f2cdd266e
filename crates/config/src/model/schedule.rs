//! `cron`, `hooks` and `heartbeat`: what runs by itself, and what comes from outside.

use serde::{Deserialize, Deserializer};

use super::ids::id_text;
use crate::SecretInput;

/// `cron`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Cron {
    /// Whether jobs run by themselves; on unless the file says otherwise.
    pub enabled: Option<bool>,
    /// Most runs at the same time.
    pub max_concurrent_runs: Option<usize>,
    /// How long the conversations of finished runs are kept, such as `24h`; `false`: for ever.
    #[serde(deserialize_with = "retention")]
    pub session_retention: Retention,
    /// Recurring jobs do not make up for what they missed while the gateway was down.
    pub skip_missed_jobs: bool,
    /// When somebody is told of failures.
    pub failure_alert: Option<FailureAlert>,
    /// Bearer token for receivers of outcomes that [`WebhookPolicy::allowed_hostnames`] names.
    pub webhook_token: Option<crate::SecretInput>,
    /// Which receivers may be reached.
    pub webhook_ssrf_policy: WebhookPolicy,
}

/// `cron.webhookSsrfPolicy`. Without it only public addresses are reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WebhookPolicy {
    /// Hosts that are reached wherever they are, and get the token.
    pub allowed_hostnames: Vec<String>,
    /// Every address is reached.
    pub dangerously_allow_private_network: bool,
}

/// `cron.sessionRetention`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Retention {
    /// A day.
    #[default]
    Usual,
    /// So long.
    For(String),
    /// For ever.
    Always,
}

/// `cron.failureAlert`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FailureAlert {
    /// `false`: only jobs that say so themselves.
    pub enabled: Option<bool>,
    /// After so many failures one after another.
    pub after: Option<u32>,
    /// Between two alerts, in milliseconds.
    pub cooldown_ms: Option<i64>,
    /// Runs that were skipped count too.
    pub include_skipped: Option<bool>,
    /// Channel.
    pub channel: Option<String>,
    /// Chat on it.
    #[serde(deserialize_with = "optional_id")]
    pub to: Option<String>,
    /// Account of the channel.
    pub account_id: Option<String>,
}

/// `agents.*.heartbeat`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Heartbeat {
    /// How often, such as `30m`; `0m`: never by itself.
    pub every: Option<String>,
    /// When.
    pub active_hours: Option<ActiveHours>,
    /// Another model than the agent's.
    pub model: Option<String>,
    /// The conversation; the main one unless the file says otherwise.
    pub session: Option<String>,
    /// `owner`, `last`, `none`, or a channel.
    pub target: Option<String>,
    /// Chat on that channel.
    #[serde(deserialize_with = "optional_id")]
    pub to: Option<String>,
    /// Account of the channel.
    pub account_id: Option<String>,
    /// What the agent is asked.
    pub prompt: Option<String>,
    /// The longest that one may take.
    pub timeout_seconds: Option<u64>,
    /// Without the files that describe the agent.
    pub light_context: Option<bool>,
    /// In a fresh conversation each time.
    pub isolated_session: Option<bool>,
    /// `allow` or `block`: whether direct chats are told.
    pub direct_policy: Option<String>,
}

impl Heartbeat {
    /// What this one leaves out is as in `general`.
    #[must_use]
    pub fn over(&self, general: &Self) -> Self {
        let text = |own: &Option<String>, other: &Option<String>| own.clone().or_else(|| other.clone());
        Self {
            every: text(&self.every, &general.every),
            active_hours: self.active_hours.clone().or_else(|| general.active_hours.clone()),
            model: text(&self.model, &general.model),
            session: text(&self.session, &general.session),
            target: text(&self.target, &general.target),
            to: text(&self.to, &general.to),
            account_id: text(&self.account_id, &general.account_id),
            prompt: text(&self.prompt, &general.prompt),
            timeout_seconds: self.timeout_seconds.or(general.timeout_seconds),
            light_context: self.light_context.or(general.light_context),
            isolated_session: self.isolated_session.or(general.isolated_session),
            direct_policy: text(&self.direct_policy, &general.direct_policy),
        }
    }
}

/// `heartbeat.activeHours`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ActiveHours {
    /// `HH:MM`, included.
    pub start: String,
    /// `HH:MM`, not included; `24:00` is the end of the day.
    pub end: String,
    /// `user`, `local`, or a name such as `Europe/Berlin`.
    pub timezone: Option<String>,
}

/// `hooks`: requests over HTTP that wake the agent or ask it something. All of it changes only on this machine.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Hooks {
    /// Off unless the file says so.
    pub enabled: bool,
    /// The path below which they are; `/hooks`.
    pub path: Option<String>,
    /// Their own token, never the gateway's.
    pub token: Option<SecretInput>,
    /// The agents that may be asked; none given means all.
    pub allowed_agent_ids: Option<Vec<String>>,
    /// The conversation, when a request names none.
    pub default_session_key: Option<String>,
    /// Whether a request may name one.
    pub allow_request_session_key: bool,
    /// How its name must begin.
    pub allowed_session_key_prefixes: Vec<String>,
    /// Paths of other programs, in order.
    pub mappings: Vec<HookMapping>,
}

/// First parts of paths that belong to the gateway itself.
const TAKEN: &[&str] = &[
    "v1",
    "health",
    "healthz",
    "ready",
    "readyz",
    "startup",
    "startupz",
    "metrics",
    "assets",
    "tools",
    "sessions",
    "control-ui-config.json",
    "__openclaw__",
    "api",
];

impl Hooks {
    /// The path below which they are, with a slash at its beginning and none at its end; `/hooks` where the configured one
    /// cannot be used.
    pub fn base_path(&self) -> String {
        let path = self.path.as_deref().filter(|path| is_hooks_path(path)).unwrap_or("/hooks");
        format!("/{}", path.trim().trim_matches('/'))
    }
}

/// Whether hooks may live below a path: letters, digits, `-`, `_` and `.` between slashes, and nobody else's.
pub(crate) fn is_hooks_path(path: &str) -> bool {
    let path = path.trim().trim_matches('/');
    let part = |part: &str| {
        !part.is_empty()
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
            && part.chars().any(|c| c != '.')
    };
    path.split('/').all(part) && !TAKEN.contains(&path.split('/').next().unwrap_or_default())
}

/// One entry of `hooks.mappings`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HookMapping {
    /// Its name, for the log.
    pub id: Option<String>,
    /// When it fits; always when left out.
    #[serde(rename = "match")]
    pub matches: HookMatch,
    /// `agent` or `wake`.
    pub action: Option<String>,
    /// `now` or `next-heartbeat`.
    pub wake_mode: Option<String>,
    /// What it is called; a template.
    pub name: Option<String>,
    /// The agent that is asked.
    pub agent_id: Option<String>,
    /// The conversation; a template.
    pub session_key: Option<String>,
    /// `isolated` or `persistent`.
    pub session_mode: Option<String>,
    /// What the agent is asked; a template.
    pub message_template: Option<String>,
    /// What it is told; a template.
    pub text_template: Option<String>,
    /// The list at the top of what is sent of which each entry is one message.
    pub for_each: Option<String>,
    /// Whether the answer is announced.
    pub deliver: Option<bool>,
    /// `last`, or a channel.
    pub channel: Option<String>,
    /// Chat on it; a template.
    #[serde(deserialize_with = "optional_id")]
    pub to: Option<String>,
    /// Another model.
    pub model: Option<String>,
    /// The longest that the answer may take.
    pub timeout_seconds: Option<u64>,
}

/// `hooks.mappings[].match`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HookMatch {
    /// What stands behind `hooks.path`.
    pub path: Option<String>,
    /// `source` of what was sent.
    pub source: Option<String>,
}

fn optional_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    id_text(deserializer).map(Some)
}

fn retention<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Retention, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Switch(bool),
        Text(String),
    }
    Ok(match Form::deserialize(deserializer)? {
        Form::Switch(true) => Retention::Usual,
        Form::Switch(false) => Retention::Always,
        Form::Text(text) => Retention::For(text),
    })
}
