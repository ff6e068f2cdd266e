//! `sessions.patch`: what people set about a session. Which change a request means is pure.

use std::sync::Arc;

use bulkhead_protocol::{ErrorShape, Scope};
use bulkhead_server::Reply;
use bulkhead_store::{NewSession, Session, SessionPatch};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{find, life};
use crate::gateway::Gateway;
use crate::methods::{Call, store_failed};
use crate::session_rows::{Extras, model_of};
use crate::sessions::resolve;
use crate::settings::{ModelRef, Settings};
use crate::thinking::is_inherit;

/// Longest label and group name, in characters.
const LONGEST: usize = 512;
/// Sessions that one `sessions.patchMany` may change.
const MOST_TARGETS: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    key: String,
    agent_id: Option<String>,
    expected_session_id: Option<String>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// Changes one session; one that nobody spoke in yet is made.
pub(super) async fn patch(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let target: Target = call.params()?;
    let changes = target.rest.clone();
    let session = change(gateway, &call, &target, &changes).await?;
    let settings = gateway.settings.now();
    let row = gateway.session_row(&session, Extras::default()).await?;
    Reply::json(&json!({
        "ok": true,
        "path": gateway.place.database_path().display().to_string(),
        "key": session.key,
        "entry": row,
        "resolved": resolved(&session, &settings),
    }))
}

/// The model that answers in a session, as results name it.
pub(super) fn resolved(session: &Session, settings: &Settings) -> Value {
    let model = model_of(Some(session), &session.agent_id, settings);
    json!({
        "modelProvider": model.as_ref().map(|model| model.provider.clone()),
        "model": model.map(|model| model.model),
        "agentRuntime": {"id": "auto", "source": "implicit"},
        "runtimeSelectionLocked": true,
    })
}

#[derive(Deserialize)]
struct ManyParams {
    targets: Vec<Target>,
    patch: Map<String, Value>,
}

/// The same change of several sessions; each succeeds or fails for itself.
pub(super) async fn patch_many(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: ManyParams = call.params()?;
    if params.targets.is_empty() || params.targets.len() > MOST_TARGETS {
        let problem = format!("found {}, expected 1 to {MOST_TARGETS}", params.targets.len());
        return Err(ErrorShape::invalid_params("sessions.patchMany", "targets", problem));
    }
    let mut outcomes = Vec::with_capacity(params.targets.len());
    for target in &params.targets {
        let mut outcome = json!({"ok": true, "key": target.key});
        if let Some(agent) = &target.agent_id {
            outcome["agentId"] = agent.clone().into();
        }
        if let Err(error) = change(gateway, &call, target, &params.patch).await {
            outcome["ok"] = false.into();
            outcome["error"] = serde_json::to_value(error).unwrap_or_default();
        }
        outcomes.push(outcome);
    }
    Reply::json(&json!({"outcomes": outcomes}))
}

async fn change(
    gateway: &Gateway,
    call: &Call<'_>,
    target: &Target,
    changes: &Map<String, Value>,
) -> Result<Session, ErrorShape> {
    let settings = gateway.settings.now();
    let found = find(gateway, &target.key, target.agent_id.as_deref()).await?;
    let (key, agent) = match &found {
        Some(session) => (session.key.clone(), session.agent_id.clone()),
        None => resolve(&settings, Some(&target.key), target.agent_id.as_deref())?,
    };
    let model = model_of(found.as_ref(), &agent, &settings);
    let Wanted { patch, admin } = wanted(changes, &settings, model.as_ref())?;
    call.require(if admin { Scope::OperatorAdmin } else { Scope::OperatorWrite })?;
    if let Some(session) = &found
        && let Some(expected) = target.expected_session_id.as_ref().filter(|id| **id != session.session_id)
    {
        return Err(life::changed(session, expected));
    }
    let sessions = gateway.store.sessions();
    if let Some(archived) = patch.archived {
        if found.is_none() || target.expected_session_id.is_none() {
            return Err(ErrorShape::invalid_request(format!(
                "expectedSessionId required for session lifecycle patch: {key}"
            )));
        }
        if archived {
            life::is_main(gateway, &key, "archive")?;
            gateway.runs.abort(&key, None);
        }
    }
    if let Some(Some(label)) = &patch.label
        && let Some(other) = sessions.by_label(label).await.map_err(store_failed)?
        && other.key != key
    {
        return Err(label_taken(label, &other));
    }
    if found.is_none() {
        sessions.get_or_create(NewSession::new(&key, &agent)).await.map_err(store_failed)?;
    }
    let session = sessions.patch(&key, patch).await.map_err(store_failed)?;
    gateway.tell_session(&session, "patch").await;
    Ok(session)
}

/// Sets something about a session on behalf of who speaks in it; one that nobody spoke in yet is made.
pub(crate) async fn set_on_session(
    gateway: &Gateway,
    key: &str,
    agent: &str,
    changes: &Map<String, Value>,
) -> Result<Session, ErrorShape> {
    let settings = gateway.settings.now();
    let sessions = gateway.store.sessions();
    let session = sessions.get_or_create(NewSession::new(key, agent)).await.map_err(store_failed)?;
    let model = model_of(Some(&session), agent, &settings);
    let patch = wanted(changes, &settings, model.as_ref())?.patch;
    if let Some(Some(label)) = &patch.label
        && let Some(other) = sessions.by_label(label).await.map_err(store_failed)?
        && other.key != key
    {
        return Err(label_taken(label, &other));
    }
    let session = sessions.patch(key, patch).await.map_err(store_failed)?;
    gateway.tell_session(&session, "patch").await;
    Ok(session)
}

/// Labels name one session each.
pub(super) fn label_taken(label: &str, other: &Session) -> ErrorShape {
    ErrorShape::invalid_request(format!(
        "label already in use: {label:?} names {}; choose another",
        other.key
    ))
}

/// A change, and whether it asks for more than writing.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) patch: SessionPatch,
    admin: bool,
}

/// What the fields of a request mean. `model` is the one that answers now.
pub(super) fn wanted(
    changes: &Map<String, Value>,
    settings: &Settings,
    model: Option<&ModelRef>,
) -> Result<Wanted, ErrorShape> {
    let mut wanted = Wanted::default();
    // One that is chosen with the same request is the one that a level must fit.
    let chosen =
        changes.get("model").and_then(Value::as_str).and_then(|name| settings.named_model(name).ok());
    let model = chosen.as_ref().or(model);
    for (name, value) in changes {
        wanted
            .take(name, value, settings, model)
            .map_err(|problem| ErrorShape::invalid_params("sessions.patch", name, problem))?;
    }
    Ok(wanted)
}

impl Wanted {
    fn take(
        &mut self,
        name: &str,
        value: &Value,
        settings: &Settings,
        model: Option<&ModelRef>,
    ) -> Result<(), String> {
        match name {
            "label" => self.patch.label = Some(text(value, LONGEST)?),
            "category" => self.patch.category = Some(text(value, LONGEST)?),
            "archived" => self.patch.archived = Some(flag(value)?),
            "pinned" => self.patch.pinned = Some(flag(value)?),
            "unread" => self.patch.unread = Some(flag(value)?),
            "icon" | "color" => self.choose(name, text(value, 64)?),
            "model" => {
                let chosen = text(value, LONGEST)?.map(|name| settings.named_model(&name)).transpose()?;
                self.choose(name, chosen.map(|model| model.full()));
            }
            "thinkingLevel" => match value.as_str() {
                _ if value.is_null() => self.choose(name, None),
                Some(word) if is_inherit(word) => self.choose(name, None),
                Some(word) => {
                    let level = settings.named_thinking(word, model)?;
                    self.choose(name, Some(level.as_str().to_owned()));
                }
                None => return Err(format!("found {value}, expected a level or null")),
            },
            "verboseLevel" => self.one_of(name, value, &["on", "off", "full"])?,
            "reasoningLevel" => self.one_of(name, value, &["on", "off", "stream"])?,
            "responseUsage" => self.one_of(name, value, &["off", "tokens", "full", "on"])?,
            "sendPolicy" => self.one_of(name, value, &["allow", "deny"])?,
            // What the caller saw; the session's own id is the one that counts.
            _ if name.starts_with("expected") => {}
            // Nothing of the kind is set, so nothing is taken away.
            _ if value.is_null() || *value == Value::Bool(false) => {}
            _ => return Err("this gateway has nothing of the kind; leave it out".to_owned()),
        }
        Ok(())
    }

    fn choose(&mut self, name: &str, value: Option<String>) {
        self.patch.choices.insert(name.to_owned(), value.into());
    }

    fn one_of(&mut self, name: &str, value: &Value, words: &[&str]) -> Result<(), String> {
        self.admin = true;
        match value.as_str() {
            None if value.is_null() => self.choose(name, None),
            Some(word) if words.contains(&word) => self.choose(name, Some(word.to_owned())),
            _ => return Err(format!("found {value}, expected one of {}", words.join(", "))),
        }
        Ok(())
    }
}

fn text(value: &Value, longest: usize) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => {
            let text = text.trim();
            let chars = text.chars().count();
            if chars == 0 || chars > longest || text.chars().any(char::is_control) {
                return Err(format!("found {chars} characters, expected 1 to {longest} printable ones"));
            }
            Ok(Some(text.to_owned()))
        }
        other => Err(format!("found {other}, expected a text or null")),
    }
}

fn flag(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| format!("found {value}, expected true or false"))
}
