//! The rows of `sessions.list`, `sessions.describe`, `chat.history` and of the session events.

use bulkhead_protocol::ErrorShape;
use bulkhead_store::{Run, RunStatus, Session};
use serde_json::{Map, Value, json};

use crate::clock;
use crate::gateway::Gateway;
use crate::methods::store_failed;
use crate::settings::{ModelRef, Settings};
use crate::thinking;
use crate::transcript;

/// What costs a query more and is asked for only by some.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Extras {
    /// `lastMessagePreview`.
    pub(crate) last_message: bool,
    /// `derivedTitle`.
    pub(crate) title: bool,
    /// `activeLeafEntryId`.
    pub(crate) leaf: bool,
}

impl Extras {
    /// What those are told who keep a list.
    pub(crate) const LISTED: Self = Self { last_message: true, title: true, leaf: false };
}

impl Gateway {
    /// One session as the protocol shows it.
    pub(crate) async fn session_row(&self, session: &Session, extras: Extras) -> Result<Value, ErrorShape> {
        let settings = self.settings.now();
        let sessions = self.store.sessions();
        let last = self.store.runs().of_session(&session.key, 1).await.map_err(store_failed)?;
        let active = self.runs.active_in(&session.key);
        let mut row = row(session, last.first(), &active, &settings);
        if extras.last_message || extras.leaf {
            let message = sessions.last_message(&session.key).await.map_err(store_failed)?;
            if extras.leaf {
                row.insert("activeLeafEntryId".into(), message.as_ref().map(|last| last.id.clone()).into());
            }
            if let Some(message) = message.filter(|_| extras.last_message) {
                row.insert("lastMessagePreview".into(), transcript::preview(&message.content).into());
            }
        }
        if extras.title
            && let Some(title) = self.title(session).await?
        {
            row.insert("derivedTitle".into(), title.into());
        }
        Ok(Value::Object(row))
    }

    /// The row of a session that nobody spoke in yet.
    pub(crate) fn unborn_row(&self, key: &str, agent_id: &str) -> Value {
        let settings = self.settings.now();
        let model = settings.agent(agent_id).and_then(|agent| agent.models.into_iter().next());
        let mut row = json!({
            "key": key,
            "kind": "direct",
            "classification": if key == settings.main_session_key() { "main" } else { "custom" },
            "agentId": agent_id,
            "isMain": key == settings.main_session_key(),
            "isBackground": false,
            "permissionModePending": false,
            "updatedAt": null,
            "archived": false,
            "pinned": false,
            "unread": false,
            "totalTokensFresh": false,
            "effectiveResponseUsage": "off",
            "effectiveQueueMode": QUEUE_MODE,
            "modelOverrideSource": null,
            "runtimeSelectionLocked": true,
            "agentRuntime": runtime(),
            "snapshotAt": clock::now_ms(),
            "hasActiveRun": false,
            "activeRunIds": [],
            "activeLeafEntryId": null,
        });
        if let Value::Object(row) = &mut row {
            row.extend(thinking::shown(&settings, agent_id, model.as_ref()));
        }
        if let Some(model) = model {
            row["contextTokens"] = settings.context_window(&model).into();
            row["modelProvider"] = model.provider.into();
            row["model"] = model.model.into();
        }
        row
    }

    /// What a list calls a session: its label or name, else how it began.
    async fn title(&self, session: &Session) -> Result<Option<String>, ErrorShape> {
        if let Some(name) = given_name(session) {
            return Ok(Some(name));
        }
        let first = self.store.sessions().first_message(&session.key, "user").await.map_err(store_failed)?;
        let title = first.map(|first| transcript::title(&first.content)).filter(|title| !title.is_empty());
        Ok(title.or_else(|| display_name(session)))
    }
}

/// `defaults`: what a session has that chose nothing itself.
pub(crate) fn defaults(settings: &Settings, agent_id: &str) -> Value {
    let model = settings.agent(agent_id).and_then(|agent| agent.models.into_iter().next());
    let mut defaults = json!({
        "modelProvider": null,
        "model": null,
        "contextTokens": null,
        "agentRuntime": runtime(),
        "modelSelectionTarget": "session",
    });
    if let Value::Object(map) = &mut defaults {
        map.extend(thinking::shown(settings, agent_id, model.as_ref()));
    }
    if let (Some(model), Value::Object(map)) = (model, &mut defaults) {
        map.insert("contextTokens".into(), settings.context_window(&model).into());
        map.insert("modelProvider".into(), model.provider.into());
        map.insert("model".into(), model.model.into());
    }
    defaults
}

/// The model that answers in a session: the one chosen for it, else the agent's.
pub(crate) fn model_of(session: Option<&Session>, agent_id: &str, settings: &Settings) -> Option<ModelRef> {
    chosen_model(session, settings)
        .or_else(|| settings.agent(agent_id).and_then(|agent| agent.models.into_iter().next()))
}

/// The model that somebody chose for a session, if it is still configured.
pub(crate) fn chosen_model(session: Option<&Session>, settings: &Settings) -> Option<ModelRef> {
    settings.named_model(session?.choice("model")?).ok()
}

/// The person whose gateway this is, as protocol clients know them.
const OWNER: &str = "gateway-owner";

/// A message that comes while another one is answered waits for its turn.
const QUEUE_MODE: &str = "followup";

fn runtime() -> Value {
    json!({
        "id": "auto",
        "cloudPlacementSupported": false,
        "devicePlacementSupported": false,
        "source": "implicit",
    })
}

fn row(session: &Session, last: Option<&Run>, active: &[String], settings: &Settings) -> Map<String, Value> {
    let running = !active.is_empty();
    let main = settings.main_session_key();
    let chosen = chosen_model(Some(session), settings);
    let usual = model_of(Some(session), &session.agent_id, settings);
    let answered = session.model_provider.clone().zip(session.model.clone());
    let model = match (&chosen, answered) {
        (None, Some((provider, model))) => Some(ModelRef { provider, model }),
        _ => usual.clone(),
    };
    let window =
        model.as_ref().map_or(crate::settings::CONTEXT_WINDOW, |model| settings.context_window(model));
    let aborted = last.is_some_and(|run| matches!(run.status, RunStatus::Aborted | RunStatus::Interrupted));
    let value = json!({
        "key": session.key,
        "sessionId": session.session_id,
        "kind": session.kind,
        "classification": classification(session, &main),
        "agentId": session.agent_id,
        "isMain": session.key == main,
        "isBackground": false,
        "chatType": if session.kind == "group" { "group" } else { "direct" },
        "visibility": "shared",
        "sharingRole": "admin",
        "permissionModePending": false,
        "hiddenFromInvolvingMe": false,
        "createdVia": created_via(session),
        // A gateway has one owner, whoever took part.
        "owner": {"actor": owner()},
        "createdAt": session.created_at,
        "updatedAt": session.updated_at,
        "archived": session.archived_at.is_some(),
        "pinned": session.pinned_at.is_some(),
        "unread": unread(session, last),
        "systemSent": true,
        "abortedLastRun": aborted,
        "inputTokens": session.input_tokens,
        "outputTokens": session.output_tokens,
        "totalTokens": session.context_tokens,
        "totalTokensFresh": true,
        "contextTokens": window,
        "effectiveResponseUsage": session.choice("responseUsage").unwrap_or("off"),
        "effectiveQueueMode": QUEUE_MODE,
        "modelOverrideSource": chosen.as_ref().map(|_| "user"),
        "runtimeSelectionLocked": true,
        "agentRuntime": runtime(),
        "hasActiveRun": running,
        "activeRunIds": active,
        "snapshotAt": clock::now_ms(),
    });
    let Value::Object(mut row) = value else { return Map::new() };
    row.extend(thinking::shown(settings, &session.agent_id, usual.as_ref()));
    for (name, value) in
        session.choices.as_object().into_iter().flatten().filter(|(name, _)| *name != "model")
    {
        row.insert(name.clone(), value.clone());
    }
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            row.insert(name.to_owned(), value);
        }
    };
    put("createdActor", (created_via(session) == "operator").then(owner));
    put("modelProvider", model.as_ref().map(|model| model.provider.clone().into()));
    put("model", model.map(|model| model.model.into()));
    put("label", session.label.clone().map(Value::from));
    put("displayName", display_name(session).map(Value::from));
    put("category", session.category.clone().map(Value::from));
    put("parentSessionKey", session.parent.clone().map(Value::from));
    put("channel", session.channel.clone().map(Value::from));
    put("accountId", session.account.clone().map(Value::from));
    put("peerKind", session.peer.as_ref().map(|_| session.kind.clone().into()));
    put("archivedAt", session.archived_at.map(Value::from));
    put("pinnedAt", session.pinned_at.map(Value::from));
    put("lastReadAt", session.read_at.map(Value::from));
    put("markedUnreadAt", session.marked_unread_at.map(Value::from));
    put("lastInteractionAt", session.spoken_at.map(Value::from));
    if let Some(run) = last {
        put("status", Some(status(run.status, running).into()));
        put("lastRunId", Some(run.id.clone().into()));
        put("lastRunError", run.error.clone().map(Value::from));
        put("startedAt", Some(run.started_at.into()));
        put("endedAt", run.ended_at.map(Value::from));
        put("lastActivityAt", run.ended_at.map(Value::from));
        put("runtimeMs", run.ended_at.map(|end| (end - run.started_at).max(0).into()));
    }
    row
}

/// The person whose gateway this is.
fn owner() -> Value {
    json!({"type": "human", "id": OWNER, "identity": {"type": "profile", "id": OWNER}})
}

/// Something was answered since somebody last looked.
fn unread(session: &Session, last: Option<&Run>) -> bool {
    session.marked_unread_at.is_some()
        || last.and_then(|run| run.ended_at).is_some_and(|end| end > session.read_at.unwrap_or_default())
}

fn status(last: RunStatus, running: bool) -> &'static str {
    match last {
        _ if running => "running",
        RunStatus::Running | RunStatus::Ok => "done",
        RunStatus::Error => "failed",
        RunStatus::Aborted | RunStatus::Interrupted => "killed",
    }
}

/// The part of the key that names the session itself.
fn own_part(session: &Session) -> Option<&str> {
    session.key.strip_prefix("agent:").and_then(|rest| rest.split_once(':')).map(|(_, own)| own)
}

fn classification<'a>(session: &'a Session, main: &str) -> &'a str {
    if session.key == main {
        return "main";
    }
    match own_part(session).and_then(|own| own.split_once(':')).map(|(kind, _)| kind) {
        Some(kind @ ("explicit" | "dashboard" | "cron" | "hook")) => kind,
        _ => "direct",
    }
}

fn created_via(session: &Session) -> &'static str {
    match own_part(session).and_then(|own| own.split_once(':')).map(|(kind, _)| kind) {
        _ if session.channel.is_some() => "channel",
        Some("explicit") => "run",
        Some("cron") => "cron",
        _ => "operator",
    }
}

fn given_name(session: &Session) -> Option<String> {
    session
        .label
        .clone()
        .or_else(|| session.meta.get("displayName").and_then(Value::as_str).map(str::to_owned))
}

/// A name for people: the label, or what the channel told, or the key's own part.
fn display_name(session: &Session) -> Option<String> {
    given_name(session).or_else(|| own_part(session).map(str::to_owned))
}
