//! One account as `channels.status`, `health` and `status` show it. Pure.

use bulkhead_channels::{ChannelState, ChannelStatus};
use serde_json::{Map, Value, json};

use super::wanted::Wanted;

/// The one channel so far.
pub(super) const TELEGRAM: &str = "telegram";

/// How one account of one channel does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ChannelView {
    pub(crate) channel: &'static str,
    /// The channel's name for people.
    pub(crate) label: &'static str,
    pub(crate) account: String,
    /// The bot's user name.
    pub(crate) bot: Option<String>,
    pub(crate) last_error: Option<String>,
    state: ChannelState,
    code: Option<&'static str>,
    detail: String,
    since: Option<i64>,
    connected_at: Option<i64>,
    last_activity_at: Option<i64>,
    retries: u32,
    last_inbound_at: Option<i64>,
    last_outbound_at: Option<i64>,
    dm_policy: &'static str,
    has_token: bool,
}

impl ChannelView {
    /// From what is wanted and how it runs.
    pub(super) fn new(account: &str, wanted: &Wanted, status: Option<ChannelStatus>) -> Self {
        let mut view = Self {
            channel: TELEGRAM,
            label: "Telegram",
            account: account.to_owned(),
            bot: None,
            last_error: wanted.problem.clone(),
            state: if wanted.problem.is_some() { ChannelState::Failed } else { ChannelState::Starting },
            code: wanted.problem.as_ref().map(|_| wanted.code),
            detail: wanted.problem.clone().unwrap_or_default(),
            since: None,
            connected_at: None,
            last_activity_at: None,
            retries: 0,
            last_inbound_at: None,
            last_outbound_at: None,
            dm_policy: wanted.dm_policy(),
            has_token: wanted.settings.is_some(),
        };
        if let Some(status) = status {
            view.bot = status.bot.and_then(|bot| bot.username);
            view.state = status.state;
            view.code = status.code;
            view.since = Some(status.since);
            view.connected_at = status.connected_at;
            view.last_activity_at = status.last_activity_at;
            view.retries = status.retries;
            view.last_inbound_at = status.last_inbound_at;
            view.last_outbound_at = status.last_outbound_at;
            let trouble = matches!(status.state, ChannelState::Failed | ChannelState::Degraded);
            view.last_error = trouble.then(|| status.detail.clone());
            view.detail = status.detail;
        }
        view
    }

    /// The same of an account that somebody stopped.
    pub(super) fn stopped(mut self) -> Self {
        self.state = ChannelState::Stopped;
        self.last_error = None;
        self.code = None;
        "stopped by hand; channels.start starts it again".clone_into(&mut self.detail);
        self
    }

    fn state_name(&self) -> &'static str {
        match self.state {
            ChannelState::Starting => "starting",
            ChannelState::Connected => "connected",
            ChannelState::Degraded => "degraded",
            ChannelState::Failed => "failed",
            ChannelState::Stopped => "stopped",
        }
    }

    /// The same in OpenClaw's words for the life of an account.
    fn lifecycle(&self) -> &'static str {
        match self.state {
            ChannelState::Starting => "starting",
            ChannelState::Connected => "ready",
            ChannelState::Degraded => "recovering",
            ChannelState::Failed => "blocked",
            ChannelState::Stopped => "stopped",
        }
    }

    /// As an account row of `channels.status`.
    pub(crate) fn to_value(&self) -> Value {
        let running = !matches!(self.state, ChannelState::Failed | ChannelState::Stopped);
        let mut row = Map::new();
        let mut put = |name: &str, value: Value| {
            row.insert(name.to_owned(), value);
        };
        put("accountId", self.account.clone().into());
        put("enabled", true.into());
        put("configured", true.into());
        put("running", running.into());
        put("connected", (self.state == ChannelState::Connected).into());
        put("healthState", self.state_name().into());
        put("lifecycle", self.lifecycle().into());
        // The file names the token; whether it could be read is the second one.
        put("tokenSource", "config".into());
        put("tokenStatus", if self.has_token { "available" } else { "configured_unavailable" }.into());
        put("reconnectAttempts", self.retries.into());
        // Accounts follow the configuration at once.
        put("restartPending", false.into());
        for (name, at) in [
            ("lastConnectedAt", self.connected_at),
            ("lastTransportActivityAt", self.last_activity_at),
            ("lastEventAt", self.last_inbound_at.max(self.last_activity_at)),
        ] {
            if let Some(at) = at {
                put(name, at.into());
            }
        }
        put("lastError", self.last_error.clone().into());
        put("mode", "polling".into());
        put("dmPolicy", self.dm_policy.into());
        put("lastStartAt", self.since.into());
        put("lastInboundAt", self.last_inbound_at.into());
        put("lastOutboundAt", self.last_outbound_at.into());
        if let Some(bot) = &self.bot {
            put("name", format!("@{bot}").into());
            put("bot", json!({"username": bot}));
        }
        if let Some(code) = self.code {
            put("code", code.into());
        }
        put("detail", self.detail.clone().into());
        Value::Object(row)
    }

    /// One line for people.
    pub(crate) fn in_words(&self) -> String {
        let bot = self.bot.as_ref().map(|bot| format!(" @{bot}")).unwrap_or_default();
        let why = self.last_error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
        format!("{} {}{bot}: {}{why}", self.label, self.account, self.state_name())
    }
}
