//! Which agent answers where, and in which conversation. Pure.
//!
//! Bindings are read by how closely they fit: a named chat before any chat of a kind, that before an account, that before a
//! channel, that before everything. Among equals the first in the file wins. They choose an agent and nothing else: who may
//! write was decided before.

use bulkhead_config::{Binding, DmScope};

use crate::settings::Settings;

/// The account that a binding means when it names none.
const DEFAULT_ACCOUNT: &str = "default";

/// Where a message came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin<'a> {
    pub(crate) channel: &'a str,
    pub(crate) account: &'a str,
    pub(crate) peer: &'a str,
    pub(crate) is_group: bool,
}

/// The agent that answers, and its conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) agent: String,
    pub(crate) session_key: String,
}

/// How closely a binding fits, the closest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Everything,
    Channel,
    Account,
    AnyPeer,
    Peer,
}

impl Settings {
    /// The agent for a message of a channel. A binding to an agent that is not there is passed over.
    pub(crate) fn route(&self, origin: Origin<'_>) -> Route {
        let agents = self.agents();
        let bindings = self
            .config
            .bindings
            .iter()
            .filter(|binding| agents.iter().any(|agent| agent.id == binding.agent_id));
        let bound = closest(bindings, origin);
        let agent =
            bound.map_or_else(|| self.default_agent(), |binding| binding.agent_id.as_str()).to_owned();
        let scope = bound.and_then(|binding| binding.session.dm_scope).or(self.config.session.dm_scope);
        Route { session_key: session_key(&agent, origin, scope), agent }
    }

    /// The conversation of a chat that somebody writes to: with the agent that is bound to it, or with the one that was
    /// named.
    pub(crate) fn route_to(&self, origin: Origin<'_>, agent: Option<&str>) -> Route {
        let bound = self.route(origin);
        match agent.filter(|agent| *agent != bound.agent) {
            None => bound,
            Some(agent) => Route {
                session_key: session_key(agent, origin, self.config.session.dm_scope),
                agent: agent.to_owned(),
            },
        }
    }
}

fn closest<'b>(bindings: impl Iterator<Item = &'b Binding>, origin: Origin<'_>) -> Option<&'b Binding> {
    let mut best: Option<(Fit, &Binding)> = None;
    for binding in bindings {
        let Some(fit) = fit(binding, origin) else { continue };
        if best.is_none_or(|(known, _)| fit > known) {
            best = Some((fit, binding));
        }
    }
    best.map(|(_, binding)| binding)
}

fn fit(binding: &Binding, origin: Origin<'_>) -> Option<Fit> {
    let rule = &binding.matches;
    if binding.kind.as_deref().is_some_and(|kind| kind != "route") {
        return None;
    }
    if rule.channel.as_deref().is_some_and(|name| name != origin.channel) {
        return None;
    }
    let any_account = rule.account_id.as_deref() == Some("*") || rule.channel.is_none();
    let account = rule.account_id.as_deref().filter(|name| !name.is_empty()).unwrap_or(DEFAULT_ACCOUNT);
    if !any_account && account != origin.account {
        return None;
    }
    if let Some(peer) = &rule.peer {
        let kind = match peer.kind.as_deref() {
            None => true,
            Some("direct" | "dm") => !origin.is_group,
            Some("group" | "channel") => origin.is_group,
            Some(_) => false,
        };
        return match peer.id.as_str() {
            _ if !kind => None,
            "*" => Some(Fit::AnyPeer),
            id if id == origin.peer => Some(Fit::Peer),
            _ => None,
        };
    }
    Some(match (rule.channel.is_some(), any_account) {
        (false, _) => Fit::Everything,
        (true, true) => Fit::Channel,
        (true, false) => Fit::Account,
    })
}

/// The conversation of a message. Unless something else is said, everybody has one of their own for each bot: what one
/// person says to a bot is not shown to another.
fn session_key(agent: &str, origin: Origin<'_>, scope: Option<DmScope>) -> String {
    let Origin { channel, account, peer, is_group } = origin;
    let by_account = account != DEFAULT_ACCOUNT;
    if is_group {
        return if by_account {
            format!("agent:{agent}:{channel}:{account}:group:{peer}")
        } else {
            format!("agent:{agent}:{channel}:group:{peer}")
        };
    }
    let scope = scope.or(by_account.then_some(DmScope::PerAccountChannelPeer));
    match scope {
        Some(DmScope::Main) => format!("agent:{agent}:main"),
        Some(DmScope::PerPeer) => format!("agent:{agent}:direct:{peer}"),
        Some(DmScope::PerAccountChannelPeer) => format!("agent:{agent}:{channel}:{account}:direct:{peer}"),
        Some(DmScope::PerChannelPeer) | None => format!("agent:{agent}:{channel}:direct:{peer}"),
    }
}

#[cfg(test)]
mod tests {
    use bulkhead_config::{Config, ConfigDocument};

    use super::*;

    const BOUND: &str = r#"{
        bindings: [
            { agentId: "everywhere", match: {} },
            { agentId: "channel", match: { channel: "telegram", accountId: "*" } },
            { agentId: "default", match: { channel: "telegram" } },
            { agentId: "work", match: { channel: "telegram", accountId: "work" } },
            { agentId: "late", match: { channel: "telegram", accountId: "work" } },
            { agentId: "groups", match: { channel: "telegram", accountId: "work", peer: { kind: "group", id: "*" } } },
            { agentId: "boss", match: { channel: "telegram", accountId: "*", peer: { kind: "direct", id: 7 } } },
            { agentId: "room", match: { channel: "telegram", accountId: "work", peer: { kind: "group", id: "-100" } } },
            { agentId: "acp", type: "acp", match: { channel: "telegram", peer: { kind: "direct", id: 8 } } },
        ],
    }"#;

    fn bindings(text: &str) -> Vec<Binding> {
        let value: serde_json::Value = ConfigDocument::parse("test", text).unwrap().value();
        serde_json::from_value(value["bindings"].clone()).unwrap()
    }

    #[test]
    fn the_closest_binding_wins_and_the_first_among_equals() {
        let bindings = bindings(BOUND);
        let table = [
            ("telegram", "default", "1", false, "default"),
            ("telegram", "work", "1", false, "work"),
            ("telegram", "other", "1", false, "channel"),
            ("telegram", "work", "-5", true, "groups"),
            ("telegram", "work", "-100", true, "room"),
            ("telegram", "default", "-100", true, "default"),
            ("telegram", "work", "7", false, "boss"),
            ("telegram", "default", "7", false, "boss"),
            ("telegram", "default", "7", true, "default"),
            ("telegram", "default", "8", false, "default"),
            ("signal", "default", "1", false, "everywhere"),
        ];
        for (channel, account, peer, is_group, expected) in table {
            let origin = Origin { channel, account, peer, is_group };
            let found = closest(bindings.iter(), origin).map(|binding| binding.agent_id.as_str());
            assert_eq!(found, Some(expected), "{origin:?}");
        }
    }

    #[test]
    fn conversations_are_kept_apart_as_the_scope_says() {
        let key = |account, is_group, scope| {
            session_key("a", Origin { channel: "telegram", account, peer: "5", is_group }, scope)
        };
        assert_eq!(key("default", false, None), "agent:a:telegram:direct:5");
        assert_eq!(key("work", false, None), "agent:a:telegram:work:direct:5");
        assert_eq!(key("work", true, None), "agent:a:telegram:work:group:5");
        assert_eq!(key("default", true, Some(DmScope::Main)), "agent:a:telegram:group:5");
        assert_eq!(key("work", false, Some(DmScope::Main)), "agent:a:main");
        assert_eq!(key("work", false, Some(DmScope::PerPeer)), "agent:a:direct:5");
        assert_eq!(key("work", false, Some(DmScope::PerChannelPeer)), "agent:a:telegram:direct:5");
        assert_eq!(
            key("default", false, Some(DmScope::PerAccountChannelPeer)),
            "agent:a:telegram:default:direct:5"
        );
    }

    #[test]
    fn a_configuration_can_name_scope_and_binding() {
        let text = r#"{ session: { dmScope: "main" }, agents: { entries: { a: { default: true }, b: {} } },
            bindings: [{ agentId: "b", comment: "mine", match: { channel: "telegram", accountId: "*" }, session: { dmScope: "per-peer" } }] }"#;
        let config = Config::from_document(&ConfigDocument::parse("test", text).unwrap()).unwrap();
        assert_eq!(config.session.dm_scope, Some(DmScope::Main));
        assert_eq!(config.bindings[0].session.dm_scope, Some(DmScope::PerPeer));
    }
}
