//! Who answers where: the edits of `bindings` that `bulkhead agents bind` and `unbind` make. A place is bound to one agent;
//! what is bound to somebody else is left alone and told. Bindings of other kinds than `route` are not touched.

use std::fmt;

use bulkhead_config::{Config, ConfigDocument, ConfigError, ConfigPath};
use serde_json::{Value, json};

/// The account that a binding means when it names none.
const DEFAULT_ACCOUNT: &str = "default";
/// The channels that can be bound.
const CHANNELS: &[&str] = &["telegram"];

/// A place as it is typed: `telegram`, `telegram:ops` or `telegram:*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    channel: String,
    account: Option<String>,
}

impl Spot {
    /// Reads it. Without an account it is the channel's only one, or all where there are more. The error is for people.
    pub fn parse(text: &str, config: &Config) -> Result<Self, String> {
        let (channel, account) = match text.trim().split_once(':') {
            Some((channel, account)) => (channel.trim(), Some(account.trim())),
            None => (text.trim(), None),
        };
        let channel = channel.to_lowercase();
        if !CHANNELS.contains(&channel.as_str()) {
            return Err(format!(
                "the channel of {text:?}: found {channel:?}, expected {}, such as telegram or telegram:ops",
                CHANNELS.join(", ")
            ));
        }
        if account.is_some_and(|account| account.is_empty() || account.contains(':')) {
            return Err(format!(
                "the account of {text:?}: expected the name of one, or * for all, such as telegram:default"
            ));
        }
        let several = config.channels.telegram.accounts.len() > 1;
        let account = account.map(str::to_owned).or_else(|| several.then(|| "*".to_owned()));
        Ok(Self { channel, account })
    }

    fn matching(&self) -> Value {
        match &self.account {
            Some(account) => json!({"channel": self.channel, "accountId": account}),
            None => json!({"channel": self.channel}),
        }
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&described(&self.matching()))
    }
}

/// What became of each place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bound {
    /// Bound now.
    pub added: Vec<String>,
    /// Was bound without an account, and names it now.
    pub updated: Vec<String>,
    /// Was bound to this agent already.
    pub skipped: Vec<String>,
    /// Bound to another agent, which is named.
    pub conflicts: Vec<String>,
}

/// What became of each place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unbound {
    /// Free now.
    pub removed: Vec<String>,
    /// Was not bound.
    pub missing: Vec<String>,
    /// Bound to another agent, which is named.
    pub conflicts: Vec<String>,
}

/// The bindings of the file that choose an agent: where they stand, whose they are, and what they match.
pub fn routes(document: &ConfigDocument) -> Vec<(usize, String, Value)> {
    let bindings = document.get_at(&list()).unwrap_or_default();
    let route = |(at, binding): (usize, &Value)| {
        let is_route = binding.get("type").is_none_or(|kind| kind == "route");
        let agent = binding.get("agentId").and_then(Value::as_str).filter(|_| is_route)?;
        Some((at, agent.to_owned(), binding.get("match").cloned().unwrap_or_else(|| json!({}))))
    };
    bindings.as_array().into_iter().flatten().enumerate().filter_map(route).collect()
}

/// What a binding matches, in words such as `telegram accountId=ops peer=group:-100`.
pub fn described(matching: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut words = vec![matching.get("channel").map_or_else(|| "every channel".to_owned(), text)];
    words.extend(matching.get("accountId").map(|account| format!("accountId={}", text(account))));
    if let Some(peer) = matching.get("peer") {
        words.push(format!("peer={}:{}", text(&peer["kind"]), text(&peer["id"])));
    }
    words.join(" ")
}

/// Binds places to an agent.
pub fn bind(document: &mut ConfigDocument, agent: &str, spots: &[Spot]) -> Result<Bound, ConfigError> {
    let mut done = Bound::default();
    for spot in spots {
        let known = routes(document);
        let wanted = spot.matching();
        if let Some((_, owner, _)) = known.iter().find(|(_, _, matching)| same(matching, &wanted)) {
            if owner == agent {
                done.skipped.push(spot.to_string());
            } else {
                done.conflicts.push(format!("{spot} (agent={owner})"));
            }
            continue;
        }
        let unnamed = |(_, owner, matching): &&(usize, String, Value)| {
            owner == agent && account(matching).is_none() && place(matching) == place(&wanted)
        };
        if let (Some((at, _, _)), Some(name)) = (known.iter().find(unnamed), &spot.account) {
            document.set_at(&list().index(*at).key("match").key("accountId"), name.as_str().into())?;
            done.updated.push(spot.to_string());
            continue;
        }
        let count = document.get_at(&list()).and_then(|list| list.as_array().map(Vec::len)).unwrap_or(0);
        document.set_at(&list().index(count), json!({"agentId": agent, "match": wanted}))?;
        done.added.push(spot.to_string());
    }
    Ok(done)
}

/// Frees places of an agent.
pub fn unbind(document: &mut ConfigDocument, agent: &str, spots: &[Spot]) -> Result<Unbound, ConfigError> {
    let mut done = Unbound::default();
    for spot in spots {
        let wanted = spot.matching();
        let (own, others): (Vec<_>, Vec<_>) = routes(document)
            .into_iter()
            .filter(|(_, _, matching)| same(matching, &wanted))
            .partition(|(_, owner, _)| owner == agent);
        if let Some((at, _, matching)) = own.first() {
            document.unset_at(&list().index(*at))?;
            done.removed.push(described(matching));
        } else if let Some((_, owner, _)) = others.first() {
            done.conflicts.push(format!("{spot} (agent={owner})"));
        } else {
            done.missing.push(spot.to_string());
        }
    }
    Ok(done)
}

/// Frees every place of an agent.
pub fn unbind_all(document: &mut ConfigDocument, agent: &str) -> Result<Unbound, ConfigError> {
    let own: Vec<_> = routes(document).into_iter().filter(|(_, owner, _)| owner == agent).collect();
    for (at, _, _) in own.iter().rev() {
        document.unset_at(&list().index(*at))?;
    }
    Ok(Unbound {
        removed: own.iter().map(|(_, _, matching)| described(matching)).collect(),
        ..Unbound::default()
    })
}

fn list() -> ConfigPath {
    ConfigPath::root().key("bindings")
}

fn account(matching: &Value) -> Option<&str> {
    matching.get("accountId").and_then(Value::as_str).map(str::trim).filter(|name| !name.is_empty())
}

/// What is matched besides the account.
fn place(matching: &Value) -> Value {
    let mut rest = matching.clone();
    if let Some(rest) = rest.as_object_mut() {
        rest.remove("accountId");
    }
    rest
}

fn same(a: &Value, b: &Value) -> bool {
    place(a) == place(b) && account(a).unwrap_or(DEFAULT_ACCOUNT) == account(b).unwrap_or(DEFAULT_ACCOUNT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> ConfigDocument {
        ConfigDocument::parse("test", text).unwrap()
    }

    fn spots(texts: &[&str], config: &Config) -> Vec<Spot> {
        texts.iter().map(|text| Spot::parse(text, config).unwrap()).collect()
    }

    #[test]
    fn a_place_is_bound_once() {
        let config = Config::default();
        let mut doc = document(
            "{ bindings: [{ agentId: 'ops', match: { channel: 'telegram' } } /* mine */, { type: 'acp', agentId: 'ops' }] }",
        );
        let done = bind(&mut doc, "art", &spots(&["telegram:default", "telegram:*"], &config)).unwrap();
        assert_eq!(done.conflicts, ["telegram accountId=default (agent=ops)"]);
        assert_eq!(done.added, ["telegram accountId=*"]);
        let done = bind(&mut doc, "ops", &spots(&["telegram", "telegram:alerts"], &config)).unwrap();
        assert_eq!((&done.skipped[0][..], &done.updated[0][..]), ("telegram", "telegram accountId=alerts"));
        assert_eq!(
            doc.value()["bindings"],
            json!([
                {"agentId": "ops", "match": {"channel": "telegram", "accountId": "alerts"}},
                {"type": "acp", "agentId": "ops"},
                {"agentId": "art", "match": {"channel": "telegram", "accountId": "*"}},
            ])
        );
        assert!(doc.to_string().contains("/* mine */"));
    }

    #[test]
    fn only_an_agents_own_places_are_freed() {
        let config = Config::default();
        let mut doc = document(
            "{ bindings: [{ agentId: 'a', match: { channel: 'telegram', peer: { kind: 'group', id: -100 } } },
                { agentId: 'b', match: { channel: 'telegram', accountId: 'two' } },
                { agentId: 'a', match: { channel: 'telegram' } }] }",
        );
        let done =
            unbind(&mut doc, "a", &spots(&["telegram", "telegram:two", "telegram:three"], &config)).unwrap();
        assert_eq!(done.removed, ["telegram"]);
        assert_eq!(done.conflicts, ["telegram accountId=two (agent=b)"]);
        assert_eq!(done.missing, ["telegram accountId=three"]);
        assert_eq!(unbind_all(&mut doc, "a").unwrap().removed, ["telegram peer=group:-100"]);
        assert_eq!(doc.value()["bindings"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn without_an_account_a_place_is_the_only_one_or_all() {
        let two = "{ channels: { telegram: { accounts: { one: {}, two: {} } } } }";
        let config = Config::from_document(&document(two)).unwrap();
        assert_eq!(Spot::parse("Telegram", &config).unwrap().to_string(), "telegram accountId=*");
        assert_eq!(Spot::parse("telegram", &Config::default()).unwrap().to_string(), "telegram");
        for wrong in ["", "discord", "telegram:", "telegram:a:b"] {
            assert!(Spot::parse(wrong, &config).is_err(), "{wrong}");
        }
    }
}
