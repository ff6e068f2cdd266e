//! The document of exec approvals: what may run on this machine, per agent. It only ever tightens what the configuration
//! asks for, and carries the allowlists.

use std::collections::BTreeMap;

use bulkhead_config::{ExecAsk, ExecSecurity};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::allowlist::Entry;
use super::policy::Policy;

/// Stands for every agent.
pub(crate) const EVERYBODY: &str = "*";
/// Entries per agent.
const MOST_ENTRIES: usize = 2000;
/// Agents with something of their own.
const MOST_AGENTS: usize = 500;

/// The document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Document {
    version: u8,
    /// Of other hosts; this one has none and keeps none.
    #[serde(default, skip_serializing)]
    socket: Option<Value>,
    /// What holds where nothing else is said.
    #[serde(default)]
    pub(crate) defaults: Defaults,
    /// What holds for one agent, or for `*`.
    #[serde(default)]
    pub(crate) agents: BTreeMap<String, AgentPart>,
}

impl Default for Document {
    fn default() -> Self {
        Self { version: 1, socket: None, defaults: Defaults::default(), agents: BTreeMap::new() }
    }
}

/// `defaults`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Defaults {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) security: Option<ExecSecurity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ask: Option<ExecAsk>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ask_fallback: Option<ExecSecurity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) auto_allow_skills: Option<bool>,
}

/// One entry of `agents`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AgentPart {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) security: Option<ExecSecurity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ask: Option<ExecAsk>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ask_fallback: Option<ExecSecurity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) auto_allow_skills: Option<bool>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) allowlist: Vec<Entry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mcp_tools: Option<Value>,
}

impl Document {
    /// Reads one that somebody sent.
    pub(crate) fn read(value: Value) -> Result<Self, String> {
        let mut document: Self = serde_json::from_value(value).map_err(|error| error.to_string())?;
        if document.version != 1 {
            return Err(format!("found version {}, expected 1", document.version));
        }
        if document.agents.len() > MOST_AGENTS {
            return Err(format!("found {} agents, expected at most {MOST_AGENTS}", document.agents.len()));
        }
        document.socket = None;
        for (name, agent) in &mut document.agents {
            if agent.allowlist.len() > MOST_ENTRIES {
                return Err(format!(
                    "found {} entries for agent {name:?}, expected at most {MOST_ENTRIES}",
                    agent.allowlist.len()
                ));
            }
            for entry in &mut agent.allowlist {
                if entry.pattern.trim().is_empty() {
                    return Err(format!(
                        "found an entry without a pattern for agent {name:?}, expected a path or a name"
                    ));
                }
                entry.command_text = None;
                entry.id.get_or_insert_with(|| uuid::Uuid::new_v4().to_string());
            }
        }
        Ok(document)
    }

    /// Reads what is stored. What cannot be read allows nothing.
    pub(crate) fn stored(text: Option<&str>) -> Self {
        let Some(text) = text else { return Self::default() };
        serde_json::from_str(text).unwrap_or_else(|error| {
            tracing::error!(%error, "the document of exec approvals cannot be read; no command runs without it");
            let defaults = Defaults { security: Some(ExecSecurity::Deny), ..Defaults::default() };
            Self { defaults, ..Self::default() }
        })
    }

    /// As it is stored.
    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What holds for an agent when the configuration asks for this: the stricter of both.
    pub(crate) fn policy(&self, agent: &str, security: ExecSecurity, ask: ExecAsk) -> Policy {
        let parts = [self.agents.get(agent), self.agents.get(EVERYBODY)];
        let own = parts.iter().flatten();
        let pick_security = own.clone().find_map(|part| part.security).or(self.defaults.security);
        let pick_ask = own.clone().find_map(|part| part.ask).or(self.defaults.ask);
        let fallback = own.clone().find_map(|part| part.ask_fallback).or(self.defaults.ask_fallback);
        let security = pick_security.map_or(security, |found| found.min(security));
        Policy {
            security,
            ask: pick_ask.map_or(ask, |found| found.max(ask)),
            fallback: fallback.unwrap_or(ExecSecurity::Deny).min(security),
        }
    }

    /// The entries that count for an agent: its own, then everybody's.
    pub(crate) fn entries(&self, agent: &str) -> Vec<Entry> {
        let of = |name: &str| self.agents.get(name).map(|part| part.allowlist.clone()).unwrap_or_default();
        let mut entries = of(agent);
        if agent != EVERYBODY {
            entries.extend(of(EVERYBODY));
        }
        entries
    }

    /// Adds what "always" brought.
    pub(crate) fn add(&mut self, agent: &str, entries: &[Entry]) {
        let list = &mut self.agents.entry(agent.to_owned()).or_default().allowlist;
        for entry in entries {
            let same =
                |known: &Entry| known.pattern == entry.pattern && known.arg_pattern == entry.arg_pattern;
            if !list.iter().any(same) && list.len() < MOST_ENTRIES {
                list.push(entry.clone());
            }
        }
    }

    /// Notes that entries let something run.
    pub(crate) fn used(&mut self, agent: &str, used: &[Entry], command: &str, now_ms: u64) {
        for name in [agent, EVERYBODY] {
            let Some(part) = self.agents.get_mut(name) else { continue };
            for entry in &mut part.allowlist {
                if used.iter().any(|one| one.pattern == entry.pattern && one.arg_pattern == entry.arg_pattern)
                {
                    entry.last_used_at = Some(now_ms);
                    if !entry.is_exact() {
                        entry.last_used_command = Some(command.chars().take(500).collect());
                    }
                }
            }
        }
    }
}

/// The hash that a writer has to know.
pub(crate) fn hash(text: Option<&str>) -> String {
    let text = text.map_or_else(|| Document::default().text(), str::to_owned);
    hex::encode(Sha256::digest(text))
}

/// As `exec.approvals.get` tells it.
pub(crate) fn snapshot(path: &str, text: Option<&str>) -> Value {
    let document = Document::stored(text);
    let defaults = &document.defaults;
    json!({
        "path": path,
        "exists": text.is_some(),
        "hash": hash(text),
        "file": document,
        "resolvedDefaults": {
            "security": defaults.security.unwrap_or(ExecSecurity::Full),
            "ask": defaults.ask.unwrap_or(ExecAsk::Off),
            "askFallback": defaults.ask_fallback.unwrap_or(ExecSecurity::Deny),
            "autoAllowSkills": defaults.auto_allow_skills.unwrap_or(false),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(value: Value) -> Document {
        Document::read(value).unwrap()
    }

    #[test]
    fn it_only_tightens() {
        let read = document(json!({"version": 1, "defaults": {"security": "allowlist", "ask": "on-miss"},
            "agents": {"main": {"ask": "always"}, "*": {"security": "full"}}}));
        let policy = read.policy("main", ExecSecurity::Full, ExecAsk::Off);
        assert_eq!((policy.security, policy.ask), (ExecSecurity::Full, ExecAsk::Always));
        let policy = read.policy("main", ExecSecurity::Allowlist, ExecAsk::Off);
        assert_eq!(policy.security, ExecSecurity::Allowlist, "never wider than the configuration");
        let plain = Document::default().policy("main", ExecSecurity::Full, ExecAsk::Off);
        assert_eq!(
            (plain.security, plain.ask, plain.fallback),
            (ExecSecurity::Full, ExecAsk::Off, ExecSecurity::Deny)
        );
    }

    #[test]
    fn it_reads_what_clients_send_and_keeps_no_secret() {
        let read =
            document(json!({"version": 1, "socket": {"path": "/x", "token": "secret"}, "defaults": {},
            "agents": {"main": {"allowlist": [{"pattern": "rg", "commandText": "old"}]}}}));
        let text = read.text();
        assert!(!text.contains("secret") && !text.contains("old") && text.contains("\"id\""), "{text}");
        assert_eq!(Document::stored(Some(&text)), read);
        for bad in [
            json!({"version": 2}),
            json!({"version": 1, "defaults": {"security": "open"}}),
            json!({"version": 1, "agents": {"main": {"allowlist": [{"pattern": " "}]}}}),
            json!({"version": 1, "other": true}),
        ] {
            assert!(Document::read(bad.clone()).is_err(), "{bad}");
        }
        let broken = Document::stored(Some("{"));
        assert_eq!(broken.policy("main", ExecSecurity::Full, ExecAsk::Off).security, ExecSecurity::Deny);
    }
}
