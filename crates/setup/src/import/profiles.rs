//! Credentials of model providers that OpenClaw keeps outside of its configuration ("auth profiles").

use std::collections::BTreeMap;
use std::path::Path;

use bulkhead_profile::files;
use rusqlite::Connection;
use serde_json::Value;

use super::database::has_table;

const LIMIT: u64 = 4 * 1024 * 1024;

/// One credential: what it is for and how it is held.
#[derive(Clone)]
pub(super) struct AuthProfile {
    pub(super) id: String,
    pub(super) provider: String,
    pub(super) kind: Kind,
}

/// How a credential is held.
#[derive(Clone)]
pub(super) enum Kind {
    /// A key: text or a reference, as it stood there.
    Key(Value),
    /// A sign-in that its owner renews.
    SignIn,
    /// A token that a subscription gave; other programs may not use it as a key.
    Token(Value),
}

/// The credentials of an install in the order in which OpenClaw would try them: those of the agent before shared ones.
pub(super) fn gather(
    config: &Value,
    state: Option<&Connection>,
    agent: Option<&Connection>,
    legacy: &[&Path],
) -> Vec<AuthProfile> {
    let mut found: BTreeMap<String, AuthProfile> = BTreeMap::new();
    let mut add = |content: &Value| {
        for (id, profile) in content.get("profiles").and_then(Value::as_object).into_iter().flatten() {
            if let Some(profile) = read(id, profile) {
                found.insert(id.clone(), profile);
            }
        }
    };
    for path in legacy {
        if let Some(content) = files::read_limited(path, LIMIT)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok())
        {
            add(&content);
        }
    }
    for content in shared(state).into_iter().chain(of_agent(agent)) {
        add(&content);
    }
    let order = config.pointer("/auth/order").and_then(Value::as_object);
    let rank = |profile: &AuthProfile| {
        let wanted = order.and_then(|order| order.get(&profile.provider)).and_then(Value::as_array);
        wanted.map_or(0, |wanted| {
            wanted.iter().position(|id| id.as_str() == Some(&profile.id)).unwrap_or(wanted.len())
        })
    };
    let mut profiles: Vec<AuthProfile> = found.into_values().collect();
    profiles.sort_by_key(|profile| (profile.provider.clone(), rank(profile)));
    profiles
}

fn read(id: &str, profile: &Value) -> Option<AuthProfile> {
    let provider = profile.get("provider")?.as_str()?.to_owned();
    let either =
        |reference: &str, plain: &str| profile.get(reference).or_else(|| profile.get(plain)).cloned();
    let kind = match profile.get("type")?.as_str()? {
        "api_key" => Kind::Key(either("keyRef", "key")?),
        "token" => Kind::Token(either("tokenRef", "token")?),
        _ => Kind::SignIn,
    };
    Some(AuthProfile { id: id.to_owned(), provider, kind })
}

fn shared(state: Option<&Connection>) -> Vec<Value> {
    let Some(state) = state.filter(|state| has_table(state, "config_machine_state")) else {
        return Vec::new();
    };
    contents(state, "SELECT value_json FROM config_machine_state WHERE state_key = 'authProfiles.store'")
}

fn of_agent(agent: Option<&Connection>) -> Vec<Value> {
    let Some(agent) = agent.filter(|agent| has_table(agent, "auth_profile_store")) else { return Vec::new() };
    contents(agent, "SELECT store_json FROM auth_profile_store ORDER BY store_key")
}

fn contents(database: &Connection, query: &str) -> Vec<Value> {
    let read = || -> rusqlite::Result<Vec<String>> {
        let mut statement = database.prepare(query)?;
        let rows = statement.query_map([], |row| row.get(0))?;
        rows.collect()
    };
    read().unwrap_or_default().iter().filter_map(|text| serde_json::from_str(text).ok()).collect()
}
