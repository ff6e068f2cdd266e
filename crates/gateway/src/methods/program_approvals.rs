//! `plugin.approval.*`: a program that is connected asks a person, by the same way as commands do. What a yes means is the
//! program's matter: the gateway only files the question, shows it and hands the answer on.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::approvals::{ApprovalDecision, PluginApprovalRequestParams};
use bulkhead_server::Reply;
use serde_json::json;

use super::{Call, approvals};
use crate::approvals::{Ask, wire};
use crate::gateway::Gateway;
use crate::sessions::resolve as session_of;

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "plugin.approval.list" => list,
    "plugin.approval.request" => request,
    "plugin.approval.waitDecision" => approvals::wait_decision,
    "plugin.approval.resolve" => resolve,
};

const KIND: &str = "plugin";
/// Characters of title, description and detail.
const TITLE: usize = 80;
const DESCRIPTION: usize = 512;
const DETAIL: usize = 16 * 1024;
/// How long a person is waited for when nothing is said, and at most.
const PATIENCE: Duration = Duration::from_mins(2);
const LONGEST: Duration = Duration::from_mins(10);

/// Those that wait, oldest first.
pub(super) async fn list(gateway: &Arc<Gateway>, _call: Call<'_>) -> Result<Reply, ErrorShape> {
    Reply::json(&approvals::waiting(gateway, KIND).await?)
}

/// Asks; answers with the decision, or at once with `accepted` first when the caller wants two answers.
pub(super) async fn request(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: PluginApprovalRequestParams = call.params()?;
    let title = words("title", &params.title, TITLE)?;
    let description = words("description", &params.description, DESCRIPTION)?;
    let detail = params.detail.as_deref().map(|text| words("detail", text, DETAIL)).transpose()?;
    let decisions = match params.allowed_decisions {
        Some(list) if list.is_empty() => {
            let problem = "found none, expected one to three answers";
            return Err(ErrorShape::invalid_params(call.spec.name, "allowedDecisions", problem));
        }
        Some(list) => list,
        None => vec![ApprovalDecision::AllowOnce, ApprovalDecision::AllowAlways, ApprovalDecision::Deny],
    };
    let (session_key, agent_id) = match params.session_key.as_deref() {
        Some(key) => {
            let (key, agent) = session_of(&gateway.settings.now(), Some(key), params.agent_id.as_deref())?;
            (Some(key), Some(agent))
        }
        None => (None, params.agent_id),
    };
    let asked = json!({
        "pluginId": params.plugin_id.as_deref().map(wire::shown),
        "title": title,
        "description": description,
        "detail": detail,
        "severity": params.severity,
        "toolName": params.tool_name.as_deref().map(wire::shown),
        "toolCallId": params.tool_call_id,
        "allowedDecisions": decisions,
        "agentId": agent_id,
        "sessionKey": session_key,
        "turnSourceChannel": params.turn_source_channel,
        "turnSourceTo": params.turn_source_to,
        "turnSourceAccountId": params.turn_source_account_id,
    });
    let ask = Ask {
        kind: KIND,
        id: Some(format!("plugin:{}", uuid::Uuid::new_v4())),
        request: asked,
        agent_id,
        session_key,
        run_id: None,
        patience: params.timeout_ms.map_or(PATIENCE, Duration::from_millis).min(LONGEST),
    };
    approvals::answered(gateway, &call, ask, params.two_phase).await
}

/// Answers one that waits. The first answer counts; the same one again is fine.
pub(super) async fn resolve(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    approvals::resolve_kind(gateway, call, KIND).await
}

/// A text as people are shown it, if it is neither empty nor too long.
fn words(field: &str, text: &str, most: usize) -> Result<String, ErrorShape> {
    let shown = wire::shown(text.trim());
    let found = shown.chars().count();
    if found == 0 || found > most {
        let problem = format!("found {found} characters, expected 1 to {most}");
        return Err(ErrorShape::invalid_params("plugin.approval.request", field, problem));
    }
    Ok(shown)
}
