//! Session keys: how they are written, and which one a request means. Pure.

use bulkhead_protocol::ErrorShape;

use crate::settings::Settings;

/// Longest key that is taken from outside.
const LONGEST: usize = 512;

/// The agent part of `agent:<id>:<rest>`.
pub(crate) fn agent_of(key: &str) -> Option<&str> {
    let (agent, rest) = key.strip_prefix("agent:")?.split_once(':')?;
    (!agent.is_empty() && !rest.is_empty()).then_some(agent)
}

/// The full key for what a client wrote: a full key, a short name, or nothing (the main session).
pub(crate) fn resolve(
    settings: &Settings,
    key: Option<&str>,
    agent_id: Option<&str>,
) -> Result<(String, String), ErrorShape> {
    let key = key.map(str::trim).filter(|key| !key.is_empty());
    if let Some(key) = key
        && (key.len() > LONGEST || key.chars().any(char::is_control))
    {
        return Err(ErrorShape::invalid_request(format!(
            "invalid sessionKey: found {} bytes, expected at most {LONGEST} printable ones",
            key.len()
        )));
    }
    let named = key.and_then(agent_of);
    if let (Some(named), Some(asked)) = (named, agent_id)
        && named != asked
    {
        return Err(ErrorShape::invalid_request(format!(
            "sessionKey belongs to agent {named:?}, but agentId says {asked:?}; send one of them"
        )));
    }
    let agent = named.or(agent_id).unwrap_or_else(|| settings.default_agent());
    if settings.agent(agent).is_none() {
        return Err(ErrorShape::invalid_request(format!(
            "unknown agent {agent:?}: expected one of those that agents.list names; configure it under agents, or ask another"
        )));
    }
    let full = match (named, key) {
        (Some(_), Some(key)) => key.to_owned(),
        (_, Some(short)) => format!("agent:{agent}:{short}"),
        (_, None) => format!("agent:{agent}:main"),
    };
    Ok((full, agent.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            config: bulkhead_config::Config::default(),
            hash: String::new(),
            problem: None,
            distrusted: None,
            unconfigured: false,
            place: bulkhead_profile::Place::resolve(
                None,
                &bulkhead_profile::Environment::for_test("/home/ada"),
            )
            .unwrap(),
            environment: std::sync::Arc::new(bulkhead_profile::Environment::for_test("/home/ada")),
        }
    }

    #[test]
    fn keys_are_completed_and_contradictions_refused() {
        let settings = settings();
        let full = |key, agent| resolve(&settings, key, agent).map(|(key, _)| key).map_err(|e| e.message);
        assert_eq!(full(None, None).unwrap(), "agent:main:main");
        assert_eq!(full(Some("notes"), None).unwrap(), "agent:main:notes");
        assert_eq!(full(Some("agent:main:x:y"), Some("main")).unwrap(), "agent:main:x:y");
        assert!(full(Some("agent:main:x"), Some("ops")).unwrap_err().contains("agentId"));
        assert!(full(Some("agent:ghost:x"), None).unwrap_err().contains("ghost"));
        assert!(full(Some(&"x".repeat(600)), None).is_err());
    }
}
