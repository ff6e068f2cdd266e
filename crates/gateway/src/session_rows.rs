//! The rows of `sessions.list`, `sessions.describe`, `chat.history` and of the session events.

use bulkhead_protocol::ErrorShape;
use bulkhead_store::{Run, RunStatus, Session};
use serde_json::{Map, Value, json};

use crate::clock;
use crate::gateway::Gateway;
use crate::methods::store_failed;
use crate::settings::{ModelRef, Settings};
use crate::transcript;

/// What costs a query more and is asked for only by some.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Extras {
    /// `lastMessagePreview`.
    pub(crate) last_message: bool,
    /// `derivedTitle`.
    pub(crate) title: bool,
}

impl Gateway {
    /// One session as the protocol shows it.
    pub(crate) async fn session_row(&self, session: &Session, extras: Extras) -> Result<Value, ErrorShape> {
        let settings = self.settings.now();
        let last = self.store.runs().of_session(&session.key, 1).await.map_err(store_failed)?;
        let active = self.runs.active_in(&session.key);
        let mut row = row(session, last.first(), &active, &settings);
        if extras.last_message
            && let Some(message) =
                self.store.sessions().last_message(&session.key).await.map_err(store_failed)?
        {
            row.insert("lastMessagePreview".into(), transcript::preview(&message.content).into());
        }
        if extras.title
            && let Some(first) =
                self.store.sessions().first_message(&session.key, "user").await.map_err(store_failed)?
        {
            row.insert("derivedTitle".into(), transcript::title(&first.content).into());
        }
        Ok(Value::Object(row))
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
        "thinkingLevels": [{"id": "off", "label": "off"}],
        "thinkingOptions": ["off"],
        "thinkingDefault": "off",
        "modelSelectionTarget": "session",
    });
    if let (Some(model), Value::Object(map)) = (model, &mut defaults) {
        map.insert("contextTokens".into(), settings.context_window(&model).into());
        map.insert("modelProvider".into(), model.provider.into());
        map.insert("model".into(), model.model.into());
    }
    defaults
}

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
    let chosen = settings.agent(&session.agent_id).and_then(|agent| agent.models.into_iter().next());
    let provider = session.model_provider.clone().or_else(|| chosen.as_ref().map(|one| one.provider.clone()));
    let model = session.model.clone().or_else(|| chosen.as_ref().map(|one| one.model.clone()));
    let window = match (&provider, &model) {
        (Some(provider), Some(model)) => {
            settings.context_window(&ModelRef { provider: provider.clone(), model: model.clone() })
        }
        _ => crate::settings::CONTEXT_WINDOW,
    };
    let aborted = last.is_some_and(|run| matches!(run.status, RunStatus::Aborted | RunStatus::Interrupted));
    let value = json!({
        "key": session.key,
        "sessionId": session.session_id,
        "kind": session.kind,
        "classification": classification(session, &main),
        "agentId": session.agent_id,
        "isMain": session.key == main,
        "isBackground": false,
        "chatType": "direct",
        "visibility": "shared",
        "sharingRole": "admin",
        "createdVia": if session.channel.is_some() { "channel" } else { "operator" },
        "createdAt": session.created_at,
        "updatedAt": session.updated_at,
        "lastInteractionAt": session.updated_at,
        "archived": false,
        "pinned": false,
        "unread": false,
        "systemSent": true,
        "abortedLastRun": aborted,
        "thinkingLevels": [{"id": "off", "label": "off"}],
        "thinkingOptions": ["off"],
        "thinkingDefault": "off",
        "inputTokens": session.input_tokens,
        "outputTokens": session.output_tokens,
        "totalTokens": session.context_tokens,
        "totalTokensFresh": true,
        "contextTokens": window,
        "modelOverrideSource": null,
        "agentRuntime": runtime(),
        "hasActiveRun": running,
        "activeRunIds": active,
        "snapshotAt": clock::now_ms(),
    });
    let Value::Object(mut row) = value else { return Map::new() };
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            row.insert(name.to_owned(), value);
        }
    };
    put("modelProvider", provider.map(Value::from));
    put("model", model.map(Value::from));
    put("label", session.label.clone().map(Value::from));
    put("displayName", display_name(session).map(Value::from));
    put("channel", session.channel.clone().map(Value::from));
    put("accountId", session.account.clone().map(Value::from));
    put("peerKind", session.peer.as_ref().map(|_| "direct".into()));
    if let Some(run) = last {
        put("status", Some(status(run.status, running).into()));
        put("lastRunId", Some(run.id.clone().into()));
        put("lastRunError", run.error.clone().map(Value::from));
        put("startedAt", Some(run.started_at.into()));
        put("endedAt", run.ended_at.map(Value::from));
        put("runtimeMs", run.ended_at.map(|end| (end - run.started_at).max(0).into()));
    }
    row
}

fn status(last: RunStatus, running: bool) -> &'static str {
    match last {
        _ if running => "running",
        RunStatus::Running | RunStatus::Ok => "done",
        RunStatus::Error => "failed",
        RunStatus::Aborted | RunStatus::Interrupted => "killed",
    }
}

fn classification(session: &Session, main: &str) -> &'static str {
    if session.key == main {
        "main"
    } else if session.channel.is_some() {
        "direct"
    } else {
        "explicit"
    }
}

/// A name for people: the label, or what the channel told, or the key's own part.
fn display_name(session: &Session) -> Option<String> {
    if let Some(label) = &session.label {
        return Some(label.clone());
    }
    if let Some(name) = session.meta.get("displayName").and_then(Value::as_str) {
        return Some(name.to_owned());
    }
    session.key.strip_prefix("agent:").and_then(|rest| rest.split_once(':')).map(|(_, own)| own.to_owned())
}
