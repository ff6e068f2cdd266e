//! `agent` and `agent.wait`: one turn for a caller that waits for it.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_protocol::{ErrorShape, Scope};
use bulkhead_server::Reply;
use serde::Deserialize;
use serde_json::{Value, json};

use super::chat::{check_message, check_run_id};
use super::{Call, set_on_session, store_failed};
use crate::attachments;
use crate::clock;
use crate::gateway::Gateway;
use crate::runs::registry::{EndStatus, RunEnd};
use crate::runs::{Accepted, Source, TurnRequest, end_of};
use crate::session_rows::model_of;
use crate::sessions::{agent_of, resolve};
use crate::settings::{ModelRef, Settings};

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "agent" => agent,
    "agent.wait" => wait,
};

/// How long `agent.wait` waits when nothing is said.
const WAIT: Duration = Duration::from_secs(30);
/// The longest that it waits.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AgentParams {
    message: String,
    agent_id: Option<String>,
    session_id: Option<String>,
    session_key: Option<String>,
    expected_existing_session_id: Option<String>,
    provider: Option<String>,
    model: Option<String>,
    label: Option<String>,
    extra_system_prompt: Option<String>,
    /// Seconds.
    timeout: Option<u64>,
    #[serde(default)]
    attachments: Vec<Value>,
    idempotency_key: String,
}

/// Answers twice under one id: `accepted` at once, and how it ended.
pub(super) async fn agent(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: AgentParams = call.params()?;
    let text = params.message.trim();
    check_message(text, !params.attachments.is_empty())?;
    check_run_id(&params.idempotency_key)?;
    if params.provider.is_some() || params.model.is_some() || params.extra_system_prompt.is_some() {
        call.require(Scope::OperatorAdmin)?;
    }
    let run_id = params.idempotency_key.clone();
    let (session_key, agent_id) = session_for(gateway, &params).await?;
    let settings = gateway.settings.now();
    let session = gateway.store.sessions().get(&session_key).await.map_err(store_failed)?;
    if let Some(expected) = &params.expected_existing_session_id
        && session.as_ref().map(|session| &session.session_id) != Some(expected)
    {
        return Err(ErrorShape::invalid_request(format!(
            "expectedExistingSessionId: {session_key} has another transcript than {expected:?}; look at it again first"
        )));
    }
    let model = asked_model(&params, &settings)?;
    let pictures = if params.attachments.is_empty() {
        Vec::new()
    } else {
        let which = model.clone().or_else(|| model_of(session.as_ref(), &agent_id, &settings));
        attachments::pictures(&params.attachments, which.as_ref(), &settings)?
    };
    let request = TurnRequest {
        model,
        pictures,
        session_id: params.session_id,
        extra_system: params.extra_system_prompt,
        timeout: params.timeout.filter(|seconds| *seconds > 0).map(Duration::from_secs),
        ..TurnRequest::new(run_id.clone(), session_key.clone(), agent_id.clone(), text, Source::Cli)
    };
    let accepted = gateway.accept(request, None).await?;
    if let Accepted::Ended(end) = accepted {
        return Reply::json(&finished(gateway, &run_id, &session_key, &end));
    }
    let status = if matches!(accepted, Accepted::InFlight) { "in_flight" } else { "accepted" };
    call.ctx.respond.early(&Reply::json(&json!({
        "runId": run_id,
        "sessionKey": session_key,
        "agentId": agent_id,
        "status": status,
        "acceptedAt": clock::now_ms(),
    }))?);
    let Some(end) = gateway.runs.wait(&run_id).await else {
        return Err(ErrorShape::unavailable("the run ended without a trace; see the gateway's log"));
    };
    if let Some(label) = params.label.as_deref().filter(|_| session.is_none()) {
        let changes = serde_json::Map::from_iter([("label".to_owned(), label.into())]);
        // A name that is taken is no reason to hold back the answer.
        let _ = set_on_session(gateway, &session_key, &agent_id, &changes).await;
    }
    Reply::json(&finished(gateway, &run_id, &session_key, &end))
}

/// The model that the caller asks for instead of the session's.
fn asked_model(params: &AgentParams, settings: &Settings) -> Result<Option<ModelRef>, ErrorShape> {
    let name = match (&params.provider, &params.model) {
        (_, None) => return Ok(None),
        (Some(provider), Some(model)) if !model.starts_with(&format!("{provider}/")) => {
            format!("{provider}/{model}")
        }
        (_, Some(model)) => model.clone(),
    };
    let model = settings.named_model(&name);
    model.map(Some).map_err(|problem| ErrorShape::invalid_params("agent", "model", problem))
}

/// A session by key, by id (an existing one, or a new one of that name), or the main one.
async fn session_for(gateway: &Gateway, params: &AgentParams) -> Result<(String, String), ErrorShape> {
    let settings = gateway.settings.now();
    if params.session_key.is_none()
        && let Some(id) = params.session_id.as_deref()
    {
        if let Some(session) = gateway.store.sessions().by_session_id(id).await.map_err(store_failed)? {
            return Ok((session.key, session.agent_id));
        }
        let agent = params.agent_id.as_deref().unwrap_or(settings.default_agent());
        let key = format!("agent:{agent}:explicit:{id}");
        return resolve(&settings, Some(&key), None);
    }
    let agent =
        params.agent_id.as_deref().filter(|_| params.session_key.as_deref().and_then(agent_of).is_none());
    resolve(&settings, params.session_key.as_deref(), agent.or(params.agent_id.as_deref()))
}

fn finished(gateway: &Gateway, run_id: &str, session_key: &str, end: &RunEnd) -> Value {
    let (status, summary) = match end.status {
        EndStatus::Ok => ("ok", "completed".to_owned()),
        EndStatus::Aborted => ("aborted", "aborted".to_owned()),
        EndStatus::Error => ("error", end.error.clone().unwrap_or_else(|| "the run failed".to_owned())),
    };
    let payloads =
        if end.text.is_empty() { json!([]) } else { json!([{"text": end.text, "mediaUrl": null}]) };
    let usage = json!({
        "input": end.input_tokens,
        "output": end.output_tokens,
        "cacheRead": 0,
        "cacheWrite": 0,
        "total": end.input_tokens + end.output_tokens,
    });
    let settings = gateway.settings.now();
    let window = end.provider.as_ref().zip(end.model.as_ref()).map(|(provider, model)| {
        settings.context_window(&ModelRef { provider: provider.clone(), model: model.clone() })
    });
    let mut result = json!({
        "runId": run_id,
        "status": status,
        "summary": summary,
        "result": {
            "payloads": payloads,
            "meta": {
                "durationMs": end.ended_at.saturating_sub(end.started_at),
                "aborted": end.status == EndStatus::Aborted,
                "agentMeta": {
                    "sessionKey": session_key,
                    "provider": end.provider,
                    "model": end.model,
                    "contextTokens": window,
                    "usage": usage,
                    "promptTokens": end.input_tokens,
                },
            },
        },
    });
    if let Some(error) = &end.error {
        result["error"] = error.clone().into();
    }
    result
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WaitParams {
    run_id: String,
    timeout_ms: Option<u64>,
}

/// Waits for a run, or says `timeout`.
pub(super) async fn wait(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: WaitParams = call.params()?;
    let patience = params.timeout_ms.map_or(WAIT, Duration::from_millis).min(LONGEST_WAIT);
    let end = match tokio::time::timeout(patience, gateway.runs.wait(&params.run_id)).await {
        Err(_) => return Reply::json(&json!({"runId": params.run_id, "status": "timeout"})),
        Ok(Some(end)) => end,
        Ok(None) => {
            // Not of this process: perhaps of the one before.
            let known = gateway.store.runs().by_key(&params.run_id).await.map_err(store_failed)?;
            match known.as_ref().and_then(end_of) {
                Some(end) => Arc::new(end),
                None => return Reply::json(&json!({"runId": params.run_id, "status": "timeout"})),
            }
        }
    };
    let mut reply = json!({
        "runId": params.run_id,
        "status": end.status.as_str(),
        "startedAt": end.started_at,
        "endedAt": end.ended_at,
    });
    if let Some(error) = &end.error {
        reply["error"] = error.clone().into();
    }
    Reply::json(&reply)
}
