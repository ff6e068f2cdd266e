//! Which chat an answer goes to, as whoever asked named it. Nothing is guessed: what is missing is said.

use crate::gateway::Gateway;
use crate::schedule::{Route, Wish};

/// The channel that messages go out on.
pub(crate) const TELEGRAM: &str = "telegram";
/// What people see in chat windows; nothing is sent there.
const INTERNAL: &str = "webchat";

/// A channel, as requests name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChannelName {
    /// The one that the conversation was last held on.
    Last,
    /// Chat windows.
    Internal,
    /// Telegram.
    Telegram,
}

/// Reads the name of a channel; blank is as if nothing were said.
pub(crate) fn read_channel(name: Option<&str>) -> Result<Option<ChannelName>, String> {
    let name = name.map(|name| name.trim().to_lowercase()).filter(|name| !name.is_empty());
    match name.as_deref() {
        None => Ok(None),
        Some("last") => Ok(Some(ChannelName::Last)),
        Some(INTERNAL) => Ok(Some(ChannelName::Internal)),
        Some(TELEGRAM | "tg") => Ok(Some(ChannelName::Telegram)),
        Some(other) => Err(format!("unknown channel: {other}; expected telegram or last")),
    }
}

/// The number of a chat, without `telegram:` before it.
pub(crate) fn chat_of(to: &str) -> Result<String, String> {
    let to = to.trim();
    let chat = match to.split_once(':') {
        Some(("telegram" | "tg", chat)) => chat.trim(),
        Some((other, _)) => return Err(format!("found a chat of {other:?}, expected one of telegram")),
        None => to,
    };
    match chat.parse::<i64>() {
        Ok(_) => Ok(chat.to_owned()),
        Err(_) => Err(format!(
            "found {chat:?}, expected the number of a chat, such as 123456789; /whoami in the chat, or the log, names it"
        )),
    }
}

/// What was said of the recipient.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Named<'a> {
    pub(crate) channel: Option<ChannelName>,
    pub(crate) to: Option<&'a str>,
    pub(crate) account: Option<&'a str>,
}

/// Why there is nowhere to send it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoChat {
    /// The protocol's word.
    pub(crate) reason: &'static str,
    /// For people.
    pub(crate) message: String,
    /// It may be another time.
    pub(crate) passing: bool,
}

impl NoChat {
    fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), passing: false }
    }
}

impl Gateway {
    /// The chat for an answer in this conversation: the one that was named, else the conversation's own, else, for an
    /// agent's main conversation, the one in which somebody last wrote to the agent.
    pub(crate) async fn recipient(
        &self,
        named: Named<'_>,
        session_key: &str,
        agent_id: &str,
    ) -> Result<Route, NoChat> {
        if named.channel == Some(ChannelName::Internal) {
            return Err(NoChat::new(
                "channel_resolved_to_internal",
                "delivery channel is required: found webchat, which shows answers itself; name telegram, or leave deliver out",
            ));
        }
        if !self.channels.has_telegram() {
            return Err(NoChat::new(
                "channel_resolved_to_internal",
                "delivery channel is required: no channel is configured; `bulkhead onboard` adds one",
            ));
        }
        let chat = named.to.map(chat_of).transpose().map_err(|problem| {
            NoChat::new("invalid_delivery_target", format!("delivery target: {problem}"))
        })?;
        let is_main = session_key == format!("agent:{agent_id}:main");
        if chat.is_none() && !is_main && !self.is_held_on_channel(session_key).await {
            return Err(NoChat::new(
                "no_delivery_target",
                format!(
                    "delivery target is required for telegram: {session_key} belongs to no chat; name one with to or replyTo"
                ),
            ));
        }
        let wish = Wish {
            channel: Some(TELEGRAM),
            to: chat.as_deref(),
            account: named.account,
            session_key: Some(session_key),
            agent_id,
        };
        let route = self.route_for(wish).await.map_err(|problem| {
            let running = named
                .account
                .or(self.default_account().as_deref())
                .is_some_and(|one| self.channels.runs(one));
            let reason = if chat.is_some() { "invalid_delivery_target" } else { "no_delivery_target" };
            NoChat { passing: !running, ..NoChat::new(reason, format!("delivery target: {problem}")) }
        })?;
        Ok(route)
    }

    async fn is_held_on_channel(&self, session_key: &str) -> bool {
        let found = self.store.sessions().get(session_key).await;
        found.is_ok_and(|session| session.is_some_and(|session| session.peer.is_some()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_and_chats_are_read_or_refused() {
        assert_eq!(read_channel(Some(" Telegram ")), Ok(Some(ChannelName::Telegram)));
        assert_eq!(read_channel(Some("last")), Ok(Some(ChannelName::Last)));
        assert_eq!(read_channel(Some(" ")), Ok(None));
        assert!(read_channel(Some("pigeon")).unwrap_err().contains("unknown channel: pigeon"));
        assert_eq!(chat_of("telegram:-100"), Ok("-100".to_owned()));
        assert_eq!(chat_of(" 42 "), Ok("42".to_owned()));
        assert!(chat_of("slack:42").unwrap_err().contains("slack"));
        assert!(chat_of("@ada").unwrap_err().contains("number of a chat"));
    }
}
