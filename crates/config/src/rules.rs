//! Rules about several fields at once.

mod hooks;
mod secrets;
mod telegram;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::path::ConfigPath;
use crate::validate::Checker;

/// Providers whose address the program knows.
const KNOWN_PROVIDERS: &[&str] = &["openai", "anthropic", "ollama", "openrouter", "lmstudio", "llamacpp"];

pub(crate) fn check(checker: &mut Checker<'_>) {
    let value = crate::model::without_nulls(checker.doc.value());
    telegram::check(checker, &value);
    auth(checker, &value);
    providers(checker, &value);
    agents(checker, &value);
    ports(checker, &value);
    secrets::check(checker, &value);
    models(checker, &value);
    rescue(checker, &value);
    trusted_proxies(checker, &value);
    hooks::check(checker, &value);
    active_hours(checker, &value);
}

/// What is no address is believed by nobody: told, not refused.
fn trusted_proxies(checker: &mut Checker<'_>, value: &Value) {
    let at = path(&["gateway", "trustedProxies"]);
    let listed = value.pointer("/gateway/trustedProxies").and_then(Value::as_array);
    for (index, text) in listed.into_iter().flatten().enumerate() {
        let Some(text) = text.as_str() else { continue };
        if text.parse::<std::net::IpAddr>().is_err() && text.parse::<ipnet::IpNet>().is_err() {
            checker.warn(
                &at.index(index),
                format!("\"{text}\""),
                "an address such as 10.0.0.2, or a network such as 172.16.0.0/12",
                "Names are not looked up: write the proxy's address.",
            );
        }
    }
}

/// A model of a provider that nobody described may still come from the environment: told, not refused.
fn models(checker: &mut Checker<'_>, value: &Value) {
    let providers = value.pointer("/models/providers").and_then(Value::as_object);
    let known = |name: &str| {
        KNOWN_PROVIDERS.contains(&name) || providers.is_some_and(|providers| providers.contains_key(name))
    };
    let model = value.pointer("/agents/defaults/model");
    let at = path(&["agents", "defaults", "model"]);
    let mut named: Vec<(ConfigPath, &str)> = Vec::new();
    named.extend(model.and_then(Value::as_str).map(|name| (at.clone(), name)));
    if let Some(primary) = model.and_then(|model| model.get("primary")).and_then(Value::as_str) {
        named.push((at.key("primary"), primary));
    }
    for (at, name) in named {
        let provider = name.split('/').next().unwrap_or_default();
        if !known(provider) {
            checker.warn(
                &at,
                format!("the model \"{name}\", whose provider `{provider}` is not described"),
                "a provider in models.providers",
                &format!("Add models.providers.{provider} with baseUrl, or choose another model."),
            );
        }
    }
}

fn path(parts: &[&str]) -> ConfigPath {
    parts.iter().fold(ConfigPath::root(), |path, part| path.key(part))
}

fn auth(checker: &mut Checker<'_>, value: &Value) {
    let bind = value.pointer("/gateway/bind").and_then(Value::as_str).unwrap_or("loopback");
    let mode = value.pointer("/gateway/auth/mode").and_then(Value::as_str).unwrap_or("token");
    if mode == "none" && bind != "loopback" {
        checker.error(
            &path(&["gateway", "auth", "mode"]),
            format!("\"none\" together with bind \"{bind}\""),
            "a token or a password when other machines can connect",
            "Use auth.mode \"token\", or bind \"loopback\".",
        );
    }
    if bind == "custom" && value.pointer("/gateway/customBindHost").is_none() {
        checker.error(
            &path(&["gateway", "bind"]),
            "\"custom\" without customBindHost".to_owned(),
            "the address to listen on in gateway.customBindHost",
            "Add customBindHost, or use bind \"loopback\".",
        );
    }
}

fn providers(checker: &mut Checker<'_>, value: &Value) {
    let providers = value.pointer("/models/providers").and_then(Value::as_object);
    for (id, provider) in providers.into_iter().flatten() {
        let at = path(&["models", "providers", id]);
        if provider.get("baseUrl").is_none() && !KNOWN_PROVIDERS.contains(&id.as_str()) {
            checker.error(
                &at,
                format!("the provider `{id}` without baseUrl"),
                "the address where it answers",
                "Add baseUrl, such as \"http://127.0.0.1:8080/v1\".",
            );
        }
        let models = provider.get("models").and_then(Value::as_array);
        for (index, model) in models.into_iter().flatten().enumerate() {
            if model.get("id").and_then(Value::as_str).is_none_or(str::is_empty) {
                checker.error(
                    &at.key("models").index(index),
                    "a model without id".to_owned(),
                    "an id as the provider names it",
                    "Add id: \"…\".",
                );
            }
        }
    }
}

fn agents(checker: &mut Checker<'_>, value: &Value) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let list = value.pointer("/agents/list").and_then(Value::as_array);
    for (index, agent) in list.into_iter().flatten().enumerate() {
        let at = path(&["agents", "list"]).index(index);
        match agent.get("id").and_then(Value::as_str) {
            Some(id) if is_agent_id(id) => {
                if let Some(first) = seen.insert(id.to_owned(), index) {
                    checker.error(
                        &at.key("id"),
                        format!("the id `{id}` a second time (first at agents.list[{first}])"),
                        "every id once",
                        "Give this agent another id.",
                    );
                }
            }
            Some(_) => checker.error(
                &at.key("id"),
                "an id with other characters".to_owned(),
                "letters, digits, `-` and `_`, at most 64",
                "Give this agent a plain id; `name` may be anything.",
            ),
            None => checker.error(
                &at,
                "an agent without id".to_owned(),
                "an id",
                "Add id: \"main\", for example.",
            ),
        }
    }
    let entries = value.pointer("/agents/entries").and_then(Value::as_object);
    let known: Vec<&str> = seen
        .keys()
        .map(String::as_str)
        .chain(entries.into_iter().flatten().map(|(id, _)| id.as_str()))
        .chain(["main"])
        .collect();
    let bindings = value.pointer("/bindings").and_then(Value::as_array);
    for (index, binding) in bindings.into_iter().flatten().enumerate() {
        let id = binding.get("agentId").and_then(Value::as_str).unwrap_or_default();
        if !known.contains(&id) {
            checker.error(
                &path(&["bindings"]).index(index).key("agentId"),
                if id.is_empty() { "no agent".to_owned() } else { format!("the unknown agent `{id}`") },
                &format!("one of {}", known.join(", ")),
                "Correct the id, or add the agent to agents.list.",
            );
        }
    }
}

fn is_agent_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= 64
        && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

fn ports(checker: &mut Checker<'_>, value: &Value) {
    let mut taken: BTreeMap<u64, String> = BTreeMap::new();
    let mut claims: Vec<(ConfigPath, Option<u64>)> = vec![
        (path(&["gateway", "port"]), value.pointer("/gateway/port").and_then(Value::as_u64)),
        (path(&["browser", "controlPort"]), value.pointer("/browser/controlPort").and_then(Value::as_u64)),
    ];
    let profiles = value.pointer("/browser/profiles").and_then(Value::as_object);
    for (name, profile) in profiles.into_iter().flatten() {
        let at = path(&["browser", "profiles", name]).key("cdpPort");
        claims.push((at, profile.get("cdpPort").and_then(Value::as_u64)));
    }
    for (at, port) in claims {
        let Some(port) = port else { continue };
        if let Some(other) = taken.insert(port, at.to_string()) {
            checker.error(
                &at,
                format!("port {port}, which {other} uses too"),
                "a port of its own",
                "Choose another port, or leave it out to get one automatically.",
            );
        }
    }
}

fn rescue(checker: &mut Checker<'_>, value: &Value) {
    let at = path(&["rescue", "main"]);
    let main = value.pointer("/rescue/main");
    let said = |key: &str| main.and_then(|main| main.get(key)).and_then(Value::as_str);
    if said("kind") == Some("remote") && said("url").is_none() {
        checker.error(
            &at,
            "a remote gateway without url".to_owned(),
            "the address where it answers",
            "Add url, such as \"wss://gateway.example.org\".",
        );
    }
    let watch = value.pointer("/rescue/watch").and_then(Value::as_str);
    if main.is_some() && said("kind").unwrap_or("bundled") == "bundled" {
        match (watch, said("profile")) {
            (None, None) => checker.error(
                &at,
                "a watched gateway of this program without its profile".to_owned(),
                "the name of the profile",
                "Add profile: \"main\", or write rescue.watch: \"main\".",
            ),
            (Some(watch), Some(profile)) if watch != profile => checker.error(
                &at.key("profile"),
                format!("the profile `{profile}` here and `{watch}` in rescue.watch"),
                "one watched profile",
                "Take one of the two out.",
            ),
            _ => {}
        }
    }
    let quiet = value.pointer("/rescue/quietHours");
    for key in ["from", "to"] {
        let found = quiet.map(|quiet| quiet.get(key).and_then(Value::as_str));
        if found.is_some_and(|text| !text.is_some_and(is_time_of_day)) {
            checker.error(
                &path(&["rescue", "quietHours", key]),
                found.flatten().map_or_else(|| "nothing".to_owned(), |text| format!("\"{text}\"")),
                "a time of day, HH:MM",
                "Write it as in \"22:00\".",
            );
        }
    }
}

fn active_hours(checker: &mut Checker<'_>, value: &Value) {
    let mut found: Vec<(ConfigPath, &Value)> = Vec::new();
    let at = path(&["agents", "defaults", "heartbeat", "activeHours"]);
    found.extend(value.pointer("/agents/defaults/heartbeat/activeHours").map(|hours| (at, hours)));
    let list = value.pointer("/agents/list").and_then(Value::as_array);
    for (index, agent) in list.into_iter().flatten().enumerate() {
        let at = path(&["agents", "list"]).index(index).key("heartbeat").key("activeHours");
        found.extend(agent.pointer("/heartbeat/activeHours").map(|hours| (at, hours)));
    }
    let entries = value.pointer("/agents/entries").and_then(Value::as_object);
    for (id, agent) in entries.into_iter().flatten() {
        let at = path(&["agents", "entries", id]).key("heartbeat").key("activeHours");
        found.extend(agent.pointer("/heartbeat/activeHours").map(|hours| (at, hours)));
    }
    for (at, hours) in found {
        for key in ["start", "end"] {
            let text = hours.get(key).and_then(Value::as_str);
            if text.is_some_and(|text| is_time_of_day(text) || (key == "end" && text == "24:00")) {
                continue;
            }
            checker.error(
                &at.key(key),
                text.map_or_else(|| "nothing".to_owned(), |text| format!("\"{text}\"")),
                "a time of day, HH:MM",
                "Write it as in \"08:00\".",
            );
        }
    }
}

fn is_time_of_day(text: &str) -> bool {
    let number = |text: &str| (text.len() == 2).then(|| text.parse::<u8>().ok()).flatten();
    text.split_once(':').is_some_and(|(hour, minute)| {
        number(hour).is_some_and(|hour| hour < 24) && number(minute).is_some_and(|minute| minute < 60)
    })
}
