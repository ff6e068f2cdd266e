//! `agent` and `agent.wait`: one turn for a caller that waits for it.

mod finished;
mod recipient;

use std::sync::Arc;
use std::time::Duration;

use bulkhead_protocol::methods::agent::AgentParams;
use bulkhead_protocol::{ErrorShape, Scope};
use bulkhead_server::Reply;
use serde::Deserialize;
use serde_json::json;

use super::chat::{check_message, check_run_id};
use super::{Call, set_on_session, store_failed};
use crate::attachments;
use crate::clock;
use crate::gateway::Gateway;
use crate::runs::{Accepted, Source, TurnRequest, end_of};
use crate::session_rows::model_of;
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

/// Answers twice under one id: `accepted` at once, and how it ended.
pub(super) async fn agent(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: AgentParams = call.params()?;
    let text = params.message.trim();
    check_message(text, !params.attachments.is_empty())?;
    check_run_id(&params.idempotency_key)?;
    if params.needs_admin() {
        call.require(Scope::OperatorAdmin)?;
    }
    let run_id = params.idempotency_key.clone();
    let channels = recipient::check_channels(&params)?;
    let recipient::Conversation { session_key, agent_id, peer } =
        recipient::session_for(gateway, &params, &channels).await?;
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
    let answering = model.clone().or_else(|| model_of(session.as_ref(), &agent_id, &settings));
    let named = params.thinking.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let thinking = named
        .map(|name| settings.named_thinking(name, answering.as_ref()))
        .transpose()
        .map_err(|problem| ErrorShape::invalid_params("agent", "thinking", problem))?;
    let pictures = if params.attachments.is_empty() {
        Vec::new()
    } else {
        attachments::pictures(&params.attachments, answering.as_ref(), &settings)?
    };
    let delivery =
        recipient::delivery(gateway, &params, &channels, &session_key, &agent_id, session.as_ref()).await?;
    let request = TurnRequest {
        model,
        pictures,
        peer,
        thinking,
        session_id: params.session_id.clone(),
        extra_system: params.extra_system_prompt.clone(),
        timeout: params.timeout.filter(|seconds| *seconds > 0).map(Duration::from_secs),
        deliver: delivery.route().cloned(),
        ..TurnRequest::new(run_id.clone(), session_key.clone(), agent_id.clone(), text, Source::Cli)
    };
    let accepted = gateway.accept(request, None).await?;
    if let Accepted::Ended(end) = accepted {
        return finished::reply(gateway, &run_id, &session_key, &end, &delivery).await;
    }
    let status = if matches!(accepted, Accepted::InFlight) { "in_flight" } else { "accepted" };
    call.ctx.respond.early(&Reply::json(&json!({
        "runId": run_id,
        "sessionKey": session_key,
        "agentId": agent_id,
        "status": status,
        "acceptedAt": clock::now_ms(),
    }))?);
    if let Some(level) = thinking {
        // It holds for what is said later, too.
        let changes = serde_json::Map::from_iter([("thinkingLevel".to_owned(), level.as_str().into())]);
        let _ = set_on_session(gateway, &session_key, &agent_id, &changes).await;
    }
    let Some(end) = gateway.runs.wait(&run_id).await else {
        return Err(ErrorShape::unavailable("the run ended without a trace; see the gateway's log"));
    };
    if let Some(label) = params.label.as_deref().filter(|_| session.is_none()) {
        let changes = serde_json::Map::from_iter([("label".to_owned(), label.into())]);
        // A name that is taken is no reason to hold back the answer.
        let _ = set_on_session(gateway, &session_key, &agent_id, &changes).await;
    }
    finished::reply(gateway, &run_id, &session_key, &end, &delivery).await
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
