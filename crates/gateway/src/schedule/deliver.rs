//! Where the outcome of a run goes, and sending it there.

use bulkhead_protocol::methods::cron::{DeliveryRoute, DeliveryTrace, ResolvedRoute};
use bulkhead_store::SessionFilter;

use crate::gateway::Gateway;

/// The channel there is.
const TELEGRAM: &str = "telegram";

/// Where something should go.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wish<'a> {
    /// `last`, a channel, or nothing.
    pub(crate) channel: Option<&'a str>,
    /// Chat on it.
    pub(crate) to: Option<&'a str>,
    /// Account of the channel.
    pub(crate) account: Option<&'a str>,
    /// The conversation that it belongs to.
    pub(crate) session_key: Option<&'a str>,
    /// Whose conversations are looked through for the last one.
    pub(crate) agent_id: &'a str,
}

/// Where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) channel: String,
    pub(crate) account: String,
    pub(crate) to: String,
    /// `explicit` or `last`.
    pub(crate) source: &'static str,
}

impl Gateway {
    /// Finds the chat. What cannot be found is said with the next step; nothing is guessed.
    pub(crate) async fn route_for(&self, wish: Wish<'_>) -> Result<Route, String> {
        let (prefix, to) = match wish.to.map(str::trim).filter(|to| !to.is_empty()) {
            None => (None, None),
            Some(to) => match to.strip_prefix("telegram:").or_else(|| to.strip_prefix("tg:")) {
                Some(chat) => (Some(TELEGRAM), Some(chat)),
                None => (None, Some(to)),
            },
        };
        let named = wish.channel.map(str::trim).filter(|name| !name.is_empty() && *name != "last");
        if let (Some(named), Some(prefix)) = (named, prefix)
            && named != prefix
        {
            return Err(format!("channel {named:?} and a chat of {prefix:?} contradict each other"));
        }
        let channel = named.or(prefix);
        if let Some(other) = channel.filter(|name| *name != TELEGRAM) {
            return Err(format!("found channel {other:?}, expected telegram or last"));
        }
        if let Some(chat) = to {
            let account = self.account(wish.account)?;
            return Ok(Route { channel: TELEGRAM.into(), account, to: chat.to_owned(), source: "explicit" });
        }
        self.last_route(wish).await?.ok_or_else(|| {
            "no chat is known: nobody wrote to this agent on a channel yet; name one with delivery.channel and delivery.to"
                .to_owned()
        })
    }

    /// The conversation that it belongs to, else the agent's last one on a channel.
    async fn last_route(&self, wish: Wish<'_>) -> Result<Option<Route>, String> {
        let sessions = self.store.sessions();
        let failed = |error: bulkhead_store::StoreError| error.to_string();
        let mut found = match wish.session_key {
            Some(key) => sessions.get(key).await.map_err(failed)?.filter(|one| one.channel.is_some()),
            None => None,
        };
        if found.is_none() {
            let filter = SessionFilter {
                agent_id: Some(wish.agent_id.to_owned()),
                limit: Some(500),
                ..SessionFilter::default()
            };
            let all = sessions.list(filter).await.map_err(failed)?;
            found = all.into_iter().find(|one| {
                one.channel.as_deref() == Some(TELEGRAM)
                    && one.peer.is_some()
                    && wish.account.is_none_or(|account| one.account.as_deref() == Some(account))
            });
        }
        Ok(found.and_then(|session| {
            Some(Route {
                channel: session.channel?,
                account: session.account?,
                to: session.peer?,
                source: "last",
            })
        }))
    }

    /// The private chat of the first person that the configuration names.
    pub(crate) fn owner_route(&self) -> Option<Route> {
        let settings = self.settings.now();
        let telegram = &settings.config.channels.telegram;
        let person = |ids: &[String]| ids.iter().find(|id| id.parse::<i64>().is_ok_and(|id| id > 0)).cloned();
        let owners = &settings.config.commands.owner_allow_from;
        let default = person(owners).or_else(|| person(&telegram.allow_from)).map(|id| (None, id));
        let (account, to) = default.or_else(|| {
            telegram.accounts.iter().find_map(|(name, account)| {
                Some((Some(name.as_str()), person(account.allow_from.as_deref()?)?))
            })
        })?;
        let account = self.account(account).ok()?;
        Some(Route { channel: TELEGRAM.into(), account, to, source: "explicit" })
    }

    /// The account that was named, else the one that alerts go through.
    fn account(&self, named: Option<&str>) -> Result<String, String> {
        if let Some(named) = named {
            return match self.channels.telegram(named) {
                Some(_) => Ok(named.to_owned()),
                None => Err(format!("account {named:?} of channel telegram does not run")),
            };
        }
        let (_, name) = self
            .channels
            .telegram_for_alerts()
            .ok_or("channel telegram does not run; set it up on the Channels page, or leave delivery out")?;
        Ok(name.split('#').next().unwrap_or(&name).to_owned())
    }

    /// Puts a message on its way: from then on it goes out even after a crash.
    pub(crate) async fn send_to(&self, route: &Route, text: &str) -> Result<(), String> {
        self.channels.notify(&route.channel, &route.account, &route.to, text).await
    }
}

/// What is remembered where no way was asked for, as OpenClaw tells it.
pub(super) fn nowhere() -> DeliveryTrace {
    let last = || Some("last".to_owned());
    let intended = DeliveryRoute { channel: last(), source: last(), ..DeliveryRoute::default() };
    DeliveryTrace { intended: Some(intended), delivered: Some(false), ..DeliveryTrace::default() }
}

/// What is remembered of the way.
pub(super) fn trace(wish: Wish<'_>, route: &Result<Route, String>, delivered: bool) -> DeliveryTrace {
    let text = |text: Option<&str>| text.map(str::to_owned);
    let explicit = if wish.to.is_some() { "explicit" } else { "last" };
    DeliveryTrace {
        intended: Some(DeliveryRoute {
            channel: Some(wish.channel.unwrap_or("last").to_owned()),
            to: text(wish.to),
            account_id: text(wish.account),
            source: Some(explicit.to_owned()),
        }),
        resolved: Some(match route {
            Ok(route) => ResolvedRoute {
                route: DeliveryRoute {
                    channel: Some(route.channel.clone()),
                    to: Some(route.to.clone()),
                    account_id: Some(route.account.clone()),
                    source: Some(route.source.to_owned()),
                },
                ok: true,
                error: None,
            },
            Err(error) => ResolvedRoute { error: Some(error.clone()), ..ResolvedRoute::default() },
        }),
        fallback_used: false,
        delivered: Some(delivered),
    }
}
