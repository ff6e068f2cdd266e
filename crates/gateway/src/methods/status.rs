//! `status`: what goes on here, for people's overviews.

use std::sync::Arc;

use bulkhead_protocol::methods::health::StatusParams;
use bulkhead_protocol::{ErrorShape, Scope};
use bulkhead_server::Reply;
use bulkhead_store::SessionFilter;
use serde_json::{Value, json};

use super::{Call, store_failed};
use crate::clock;
use crate::gateway::{Gateway, VERSION};
use crate::settings::{ModelRef, Settings};

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "status" => status,
};

/// Sessions shown.
const RECENT: usize = 10;

/// Version, sessions, channels, what is wrong.
pub(super) async fn status(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: StatusParams = call.params()?;
    let settings = gateway.settings.now();
    let sessions = gateway.store.sessions();
    let recent = sessions
        .list(SessionFilter { limit: Some(RECENT), ..SessionFilter::default() })
        .await
        .map_err(store_failed)?;
    let count = sessions.count(SessionFilter::default()).await.map_err(store_failed)?;
    let now = clock::now_ms();
    let rows: Vec<Value> = recent
        .iter()
        .map(|session| {
            let at = u64::try_from(session.updated_at).unwrap_or(0);
            let window = match (&session.model_provider, &session.model) {
                (Some(provider), Some(model)) => {
                    settings.context_window(&ModelRef { provider: provider.clone(), model: model.clone() })
                }
                _ => crate::settings::CONTEXT_WINDOW,
            };
            let used = session.context_tokens;
            json!({
                "agentId": session.agent_id,
                "key": session.key,
                "kind": session.kind,
                "sessionId": session.session_id,
                "updatedAt": at,
                "age": now.saturating_sub(at),
                "inputTokens": session.input_tokens,
                "outputTokens": session.output_tokens,
                "totalTokens": used,
                "totalTokensFresh": true,
                "contextTokens": window,
                "remainingTokens": window.saturating_sub(used),
                "percentUsed": used.saturating_mul(100) / window.max(1),
                "model": session.model,
            })
        })
        .collect();
    let agent = settings.agent(settings.default_agent());
    let model = agent.as_ref().and_then(|agent| agent.models.first());
    let summary: Vec<String> =
        gateway.channels.views().iter().map(crate::channels::ChannelView::in_words).collect();
    let mut result = json!({
        "runtimeVersion": VERSION,
        "heartbeat": {"defaultAgentId": settings.default_agent(), "agents": []},
        "channelSummary": summary,
        "queuedSystemEvents": [],
        "degradedSecretOwners": [],
        "degradedPlugins": [],
        "tasks": tasks(gateway.runs.count()),
        "sessions": {
            "paths": [gateway.place.database_path().display().to_string()],
            "count": count,
            "defaults": {
                "model": model.map(|one| one.model.clone()),
                "contextTokens": model.map(|one| settings.context_window(one)),
            },
            "recent": rows,
            "byAgent": by_agent(gateway, &settings, &rows).await?,
        },
        "modelRuntime": {"degraded": false, "pendingAgents": []},
        "pid": std::process::id(),
        "profile": gateway.place.name().as_str(),
        "port": gateway.port,
        "uptimeMs": gateway.lifecycle.uptime_ms(),
        "failing": gateway.lifecycle.failing(),
        "browser": gateway.seat.view(),
        "waitingForPerson": {"approvals": gateway.approvals.count(), "questions": gateway.questions.count()},
    });
    let pid = std::process::id();
    if let Ok(Some(bytes)) = tokio::task::spawn_blocking(move || bulkhead_process::memory::of(pid)).await {
        result["processMemory"] = json!({"rssBytes": bytes});
    }
    if params.include_cli_projection == Some(true) {
        let rows: Vec<Value> =
            settings.agents().into_iter().map(|agent| json!({"id": agent.id, "name": agent.name})).collect();
        result["cliProjection"] = json!({
            "agents": {
                "defaultId": settings.default_agent(), "ownership": "sole", "selectionRequired": false, "rows": rows,
            },
            "updateChannel": null,
        });
    }
    if let Some(why) = gateway.credentials.waiting_for() {
        result["waitingFor"] = why.into();
    }
    if call.ctx.conn.allows(Scope::OperatorAdmin) {
        result["stateDir"] = gateway.place.state_dir().display().to_string().into();
        result["configPath"] = gateway.place.config_path().display().to_string().into();
        if let Some(problem) = &settings.problem {
            result["configProblem"] = problem.message.clone().into();
        }
        let restart =
            gateway.restart_needed.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        result["restartNeeded"] = restart.into();
    }
    Reply::json(&result)
}

/// Answers that are being written count as tasks of this program.
fn tasks(running: usize) -> Value {
    json!({
        "total": running, "active": running, "terminal": 0, "failures": 0,
        "byStatus": {
            "queued": 0, "running": running, "succeeded": 0, "failed": 0, "timed_out": 0, "cancelled": 0, "lost": 0,
        },
        "byRuntime": {"subagent": 0, "acp": 0, "cli": running, "cron": 0},
    })
}

/// The shown sessions once more, by agent.
async fn by_agent(gateway: &Gateway, settings: &Settings, rows: &[Value]) -> Result<Vec<Value>, ErrorShape> {
    let path = gateway.place.database_path().display().to_string();
    let mut all = Vec::new();
    for agent in settings.agents() {
        let filter = SessionFilter { agent_id: Some(agent.id.clone()), ..SessionFilter::default() };
        let count = gateway.store.sessions().count(filter).await.map_err(store_failed)?;
        let own: Vec<&Value> = rows.iter().filter(|row| row["agentId"] == agent.id.as_str()).collect();
        all.push(json!({"agentId": agent.id, "path": path, "count": count, "recent": own}));
    }
    Ok(all)
}
