//! What a request asks for, and whether it may: payloads, mappings, agents and conversations. Pure.

use bulkhead_config::{HookMapping, Hooks};
use bulkhead_protocol::methods::cron::WakeMode;
use serde::Deserialize;
use serde_json::Value;

use super::template::{Facts, is_template, render};
use crate::sessions::agent_of;
use crate::settings::Settings;

/// Bytes of what an agent is asked.
const MESSAGE: usize = 64 * 1024;
/// Bytes of the name of a conversation.
const KEY: usize = 256;

/// Entries of one list that are looked at.
const MOST_ENTRIES: usize = 200;

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Action {
    /// The agent is told something.
    Wake { session_key: String, text: String, mode: WakeMode },
    /// The agent is asked something.
    Agent(Box<Ask>),
}

/// One question.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ask {
    pub(super) name: String,
    pub(super) message: String,
    pub(super) agent_id: String,
    /// The conversation by its short name.
    pub(super) key: Option<String>,
    pub(super) persistent: bool,
    pub(super) wake_mode: WakeMode,
    pub(super) deliver: bool,
    pub(super) channel: Option<String>,
    pub(super) to: Option<String>,
    pub(super) account: Option<String>,
    pub(super) model: Option<String>,
    pub(super) timeout_seconds: Option<u64>,
    pub(super) wait: bool,
    pub(super) idempotency_key: Option<String>,
}

/// `/hooks/wake`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WakeBody {
    text: String,
    mode: Option<WakeMode>,
    agent_id: Option<String>,
    session_key: Option<String>,
}

/// `/hooks/agent`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AgentBody {
    message: String,
    name: Option<String>,
    agent_id: Option<String>,
    session_key: Option<String>,
    session_mode: Option<SessionMode>,
    idempotency_key: Option<String>,
    #[serde(default)]
    wait_for_completion: bool,
    wake_mode: Option<WakeMode>,
    deliver: Option<bool>,
    channel: Option<String>,
    to: Option<Value>,
    account_id: Option<String>,
    model: Option<String>,
    timeout_seconds: Option<f64>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum SessionMode {
    Isolated,
    Persistent,
}

/// Reads what `/hooks/wake` was sent.
pub(super) fn wake(settings: &Settings, body: Value) -> Result<Action, String> {
    let body: WakeBody = serde_json::from_value(body).map_err(|error| error.to_string())?;
    let hooks = &settings.config.hooks;
    let agent = agent(settings, body.agent_id.as_deref(), true)?;
    let mode = body.mode.unwrap_or(WakeMode::Now);
    let session_key = match body.session_key.as_deref().map(str::trim).filter(|key| !key.is_empty()) {
        None => format!("agent:{agent}:main"),
        Some(_) if mode != WakeMode::Now => {
            return Err("sessionKey: only with mode \"now\"; leave it out".to_owned());
        }
        Some(key) => {
            may_name(hooks)?;
            full_key(&agent, &checked(hooks, key)?)
        }
    };
    Ok(Action::Wake { session_key, text: needed("text", &body.text)?, mode })
}

/// Reads what `/hooks/agent` was sent.
pub(super) fn ask(settings: &Settings, body: Value) -> Result<Action, String> {
    let body: AgentBody = serde_json::from_value(body).map_err(|error| error.to_string())?;
    let hooks = &settings.config.hooks;
    let agent = agent(settings, body.agent_id.as_deref(), true)?;
    let named = body.session_key.as_deref().map(str::trim).filter(|key| !key.is_empty());
    let persistent = body.session_mode == Some(SessionMode::Persistent);
    if named.is_some() {
        may_name(hooks)?;
    }
    if persistent && (named.is_none() || prefixes(hooks).next().is_none()) {
        return Err(
            "sessionMode \"persistent\" needs a sessionKey and hooks.allowedSessionKeyPrefixes".to_owned()
        );
    }
    let key = key_of(hooks, named)?;
    let to = body.to.map(|to| to.as_str().map_or_else(|| to.to_string(), str::to_owned));
    let deliver = body.deliver != Some(false);
    let (channel, to) = if deliver { (body.channel, to) } else { (None, None) };
    if channel.is_some() != to.is_some() || (body.account_id.is_some() && deliver && to.is_none()) {
        return Err("channel and to go together; send both, or neither".to_owned());
    }
    if channel.as_deref() == Some("last") {
        return Err("channel: found \"last\", expected a channel such as telegram".to_owned());
    }
    Ok(Action::Agent(Box::new(Ask {
        name: body.name.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| "Hook".to_owned()),
        message: needed("message", &body.message)?,
        agent_id: agent,
        key,
        persistent,
        wake_mode: body.wake_mode.unwrap_or(WakeMode::Now),
        deliver,
        channel,
        to,
        account: body.account_id,
        model: body.model,
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
        timeout_seconds: body
            .timeout_seconds
            .filter(|seconds| (1.0..=604_800.0).contains(seconds))
            .map(|seconds| seconds as u64),
        wait: body.wait_for_completion,
        idempotency_key: body.idempotency_key,
    })))
}

/// What a mapping makes of a request.
#[derive(Debug, PartialEq)]
pub(super) struct Mapped {
    /// What is to be done, in order.
    pub(super) actions: Vec<Action>,
    /// Entries of a list that are left out because there are too many.
    pub(super) left_out: usize,
}

/// The first mapping that fits, and what it makes of the request; `None`: none fits.
pub(super) fn mapped(settings: &Settings, facts: &Facts<'_>) -> Option<Result<Mapped, String>> {
    let source = facts.payload.get("source").and_then(Value::as_str);
    let fits = |mapping: &&HookMapping| {
        let path = mapping.matches.path.as_deref().map(|path| path.trim().trim_matches('/'));
        path.is_none_or(|path| path == facts.path)
            && mapping.matches.source.as_deref().is_none_or(|wanted| source == Some(wanted))
    };
    let mapping = settings.config.hooks.mappings.iter().find(fits)?;
    Some(match mapping.for_each.as_deref().map(str::trim) {
        Some(list) => for_each(settings, mapping, facts, list),
        None => {
            of_mapping(settings, mapping, facts).map(|action| Mapped { actions: vec![action], left_out: 0 })
        }
    })
}

/// One action for each entry of a list; templates see the list with that entry alone. What is no list has no entries.
fn for_each(
    settings: &Settings,
    mapping: &HookMapping,
    facts: &Facts<'_>,
    list: &str,
) -> Result<Mapped, String> {
    let entries = facts.payload.get(list).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut payload = facts.payload.clone();
    let mut actions = Vec::new();
    for entry in entries.iter().take(MOST_ENTRIES) {
        payload[list] = Value::Array(vec![entry.clone()]);
        let one = Facts { payload: &payload, ..*facts };
        let mut action = of_mapping(settings, mapping, &one)?;
        if let Action::Agent(ask) = &mut action {
            // The same list sent again asks nothing twice.
            ask.idempotency_key = Some("entry".to_owned());
        }
        actions.push(action);
    }
    Ok(Mapped { left_out: entries.len() - actions.len(), actions })
}

fn of_mapping(settings: &Settings, mapping: &HookMapping, facts: &Facts<'_>) -> Result<Action, String> {
    let hooks = &settings.config.hooks;
    let filled = |text: &Option<String>| text.as_deref().map(|text| render(text, facts));
    let agent = agent(settings, mapping.agent_id.as_deref(), false)?;
    let mode = match mapping.wake_mode.as_deref() {
        Some("next-heartbeat") => WakeMode::NextHeartbeat,
        _ => WakeMode::Now,
    };
    let named = match mapping.session_key.as_deref() {
        None => None,
        Some(template) if is_template(template) => {
            may_name(hooks)?;
            if prefixes(hooks).next().is_none() {
                return Err("a templated sessionKey needs hooks.allowedSessionKeyPrefixes".to_owned());
            }
            let key = render(template, facts);
            if key.trim().is_empty() {
                return Err("the template of sessionKey came out empty".to_owned());
            }
            Some(key)
        }
        Some(fixed) => Some(fixed.to_owned()),
    };
    if mapping.action.as_deref() == Some("wake") {
        let session_key = match named {
            Some(key) => full_key(&agent, &checked(hooks, &key)?),
            None => format!("agent:{agent}:main"),
        };
        let text = needed("textTemplate", &filled(&mapping.text_template).unwrap_or_default())?;
        return Ok(Action::Wake { session_key, text, mode });
    }
    let persistent = mapping.session_mode.as_deref() == Some("persistent");
    if persistent && named.is_none() && hooks.default_session_key.is_none() {
        return Err("sessionMode \"persistent\" needs a sessionKey".to_owned());
    }
    Ok(Action::Agent(Box::new(Ask {
        name: filled(&mapping.name)
            .filter(|name| !name.trim().is_empty())
            .unwrap_or_else(|| "Hook".to_owned()),
        message: needed("messageTemplate", &filled(&mapping.message_template).unwrap_or_default())?,
        agent_id: agent,
        key: key_of(hooks, named.as_deref())?,
        persistent,
        wake_mode: mode,
        deliver: mapping.deliver != Some(false),
        channel: mapping.channel.clone(),
        to: filled(&mapping.to).filter(|to| !to.trim().is_empty()),
        account: None,
        model: filled(&mapping.model).filter(|model| !model.trim().is_empty()),
        timeout_seconds: mapping.timeout_seconds,
        wait: false,
        idempotency_key: None,
    })))
}

/// The agent that is asked. One that does not exist is an error of a request, and the default one for a mapping.
fn agent(settings: &Settings, named: Option<&str>, strict: bool) -> Result<String, String> {
    let named = named.map(str::trim).filter(|id| !id.is_empty());
    let known = named.filter(|id| settings.agent(id).is_some());
    if let (Some(id), None, true) = (named, known, strict) {
        return Err(format!("agentId: found {id:?}, expected an agent of this gateway"));
    }
    let agent = known.unwrap_or_else(|| settings.default_agent());
    match &settings.config.hooks.allowed_agent_ids {
        Some(allowed) if !allowed.iter().any(|id| id == "*" || id == agent) => {
            Err(format!("agentId: {agent:?} is not in hooks.allowedAgentIds"))
        }
        _ => Ok(agent.to_owned()),
    }
}

fn may_name(hooks: &Hooks) -> Result<(), String> {
    if hooks.allow_request_session_key {
        return Ok(());
    }
    Err("sessionKey: hooks.allowRequestSessionKey is off; leave it out".to_owned())
}

fn prefixes(hooks: &Hooks) -> impl Iterator<Item = String> {
    hooks
        .allowed_session_key_prefixes
        .iter()
        .map(|one| one.trim().to_lowercase())
        .filter(|one| !one.is_empty())
}

/// The conversation that is named, else the configured one; both begin as they must.
fn key_of(hooks: &Hooks, named: Option<&str>) -> Result<Option<String>, String> {
    named.or(hooks.default_session_key.as_deref()).map(|key| checked(hooks, key)).transpose()
}

fn checked(hooks: &Hooks, key: &str) -> Result<String, String> {
    let key = key.trim();
    // Of `agent:<id>:<rest>` only the rest counts: the agent was chosen before.
    let short = agent_of(key).map_or(key, |agent| &key["agent:".len() + agent.len() + 1..]);
    if short.is_empty() || short.len() > KEY || short.chars().any(char::is_control) {
        return Err(format!("sessionKey: expected 1 to {KEY} printable bytes"));
    }
    let all: Vec<String> = prefixes(hooks).collect();
    let lower = short.to_lowercase();
    if !all.is_empty() && !all.iter().any(|prefix| lower.starts_with(prefix)) {
        return Err(format!("sessionKey: expected one that begins with {}", all.join(" or ")));
    }
    Ok(short.to_owned())
}

pub(super) fn full_key(agent: &str, short: &str) -> String {
    format!("agent:{agent}:{short}")
}

fn needed(field: &str, text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.len() > MESSAGE {
        return Err(format!("{field}: found {} bytes, expected 1 to {MESSAGE}", text.len()));
    }
    Ok(text.to_owned())
}
