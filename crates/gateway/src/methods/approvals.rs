//! `exec.approval.*` and `approval.*`: commands that wait for a person's yes. `openclaw.approval.list` is here because
//! clients ask all three lists together; nothing files that kind.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bulkhead_protocol::methods::approvals::{
    ApprovalHistoryParams, ApprovalIdParams, ApprovalResolveParams, ExecApprovalRequestParams,
    ExecApprovalResolveParams,
};
use bulkhead_protocol::{ErrorCode, ErrorShape};
use bulkhead_server::{CallContext, Reply};
use bulkhead_store::{Approval, ApprovalStatus};
use serde_json::{Value, json};

use super::{Call, store_failed};
use crate::approvals::{self, Ask, LONGEST_SHOWN, PATIENCE, Resolver, wire};
use crate::gateway::Gateway;

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "exec.approval.get" => get,
    "exec.approval.list" => list,
    "exec.approval.request" => request,
    "exec.approval.waitDecision" => wait_decision,
    "exec.approval.resolve" => resolve,
    "approval.get" => get_any,
    "approval.resolve" => resolve_any,
    "approval.history" => history,
    "openclaw.approval.list" => none,
};

/// Rows of a history when nobody says how many.
const USUAL: usize = 50;

/// Those that wait, oldest first.
pub(super) async fn list(gateway: &Arc<Gateway>, _call: Call<'_>) -> Result<Reply, ErrorShape> {
    Reply::json(&waiting(gateway, "exec").await?)
}

/// Those of one kind that wait, as lists tell them.
pub(super) async fn waiting(gateway: &Gateway, kind: &str) -> Result<Vec<Value>, ErrorShape> {
    let pending = gateway.store.approvals().pending().await.map_err(store_failed)?;
    Ok(pending.iter().filter(|one| one.kind == kind).map(wire::requested).collect())
}

/// Nothing of that kind is ever asked here.
pub(super) async fn none(_gateway: &Arc<Gateway>, _call: Call<'_>) -> Result<Reply, ErrorShape> {
    Reply::json::<[Value]>(&[])
}

/// One that waits.
pub(super) async fn get(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: ApprovalIdParams = call.params()?;
    let approval = pending(gateway, &params.id, "exec").await?;
    let text = |name: &str| approval.request.get(name).cloned().unwrap_or(Value::Null);
    Reply::json(&json!({
        "id": approval.id,
        "commandText": wire::command(&approval),
        "commandPreview": text("commandPreview"),
        "allowedDecisions": wire::allowed_decisions(&approval),
        "host": text("host"),
        "nodeId": text("nodeId"),
        "agentId": approval.agent_id,
        "expiresAtMs": approval.expires_at,
    }))
}

/// One that waits, by its id or the beginning of it.
async fn pending(gateway: &Gateway, id: &str, kind: &str) -> Result<Approval, ErrorShape> {
    let mut waiting = gateway.store.approvals().pending().await.map_err(store_failed)?;
    waiting.retain(|one| one.kind == kind);
    if let Some(exact) = waiting.iter().find(|one| one.id == id) {
        return Ok(exact.clone());
    }
    let mut begins = waiting.into_iter().filter(|one| !id.is_empty() && one.id.starts_with(id));
    match (begins.next(), begins.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => {
            Err(ErrorShape::invalid_request("ambiguous approval id prefix; use the full id"))
        }
        _ => Err(approvals::unknown()),
    }
}

/// Asks; answers with the decision, or at once with `accepted` first when the caller wants two answers.
pub(super) async fn request(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: ExecApprovalRequestParams = call.params()?;
    let command = match (params.command, &params.command_argv) {
        (Some(command), _) => command,
        (None, Some(argv)) => argv.join(" "),
        (None, None) => String::new(),
    };
    if command.trim().is_empty() {
        return Err(ErrorShape::invalid_request("command is required"));
    }
    if command.len() > LONGEST_SHOWN {
        return Err(ErrorShape::invalid_request("command exceeds exec approval display limit")
            .with_details(json!({"reason": "EXEC_APPROVAL_COMMAND_DISPLAY_LIMIT"})));
    }
    let once = params.ask.as_deref() == Some("always")
        || params.unavailable_decisions.iter().any(|one| one == "allow-always");
    let decisions =
        if once { vec!["allow-once", "deny"] } else { vec!["allow-once", "allow-always", "deny"] };
    let asked = json!({
        "command": wire::shown(&command),
        "commandArgv": params.command_argv,
        "cwd": params.cwd,
        "host": params.host,
        "nodeId": params.node_id,
        "security": params.security,
        "ask": params.ask,
        "warningText": params.warning_text.as_deref().map(wire::shown),
        "allowedDecisions": decisions,
        "agentId": params.agent_id,
        "resolvedPath": params.resolved_path,
        "sessionKey": params.session_key,
        "sessionId": params.session_id,
        "runId": params.run_id,
        "toolCallId": params.tool_call_id,
        "turnSourceChannel": params.turn_source_channel,
        "turnSourceTo": params.turn_source_to,
        "turnSourceAccountId": params.turn_source_account_id,
    });
    let ask = Ask {
        kind: "exec",
        id: params.id,
        request: asked,
        agent_id: params.agent_id,
        session_key: params.session_key,
        run_id: params.run_id,
        patience: params.timeout_ms.map_or(PATIENCE, Duration::from_millis),
    };
    answered(gateway, &call, ask, params.two_phase).await
}

/// Files a question and waits for its end; tells first that it was filed, if the caller wants two answers.
pub(super) async fn answered(
    gateway: &Arc<Gateway>,
    call: &Call<'_>,
    ask: Ask,
    two_phase: bool,
) -> Result<Reply, ErrorShape> {
    let (filed, mut waiting) = gateway.ask_approval(ask).await?;
    if two_phase {
        call.ctx.respond.early(&Reply::json(&json!({
            "status": "accepted",
            "id": filed.id,
            "deliveryRoute": "approval-client",
            "createdAtMs": filed.created_at,
            "expiresAtMs": filed.expires_at,
        }))?);
    }
    let over = waiting.wait_for(Option::is_some).await.ok().and_then(|over| over.clone());
    Reply::json(&wire::decision(&over.unwrap_or(filed)))
}

/// Waits for the answer to one that was asked before.
pub(super) async fn wait_decision(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: ApprovalIdParams = call.params()?;
    let missing = || ErrorShape::invalid_request("approval expired or not found");
    if let Some(mut waiting) = gateway.approvals.follow(&params.id)
        && let Ok(over) = waiting.wait_for(Option::is_some).await.map(|over| over.clone())
        && let Some(over) = over
    {
        return Reply::json(&wire::decision(&over));
    }
    let found = gateway.store.approvals().get(&params.id).await.map_err(store_failed)?;
    let over = found.filter(|one| one.status != ApprovalStatus::Pending).ok_or_else(missing)?;
    Reply::json(&wire::decision(&over))
}

/// Who calls, as the one who answers.
fn resolver(ctx: &CallContext) -> Resolver {
    let client = &ctx.conn.client;
    let name = client.display_name.clone().filter(|name| !name.trim().is_empty());
    let (kind, id) = match &ctx.conn.device_id {
        Some(device) => ("device", Some(device.clone())),
        None => ("runtime", Some(client.id.clone())),
    };
    Resolver { kind, id, label: name.or_else(|| Some(client.id.clone())) }
}

/// Answers one that waits. The first answer counts; the same one again is fine.
pub(super) async fn resolve(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    resolve_kind(gateway, call, "exec").await
}

/// Answers one of a kind.
pub(super) async fn resolve_kind(
    gateway: &Arc<Gateway>,
    call: Call<'_>,
    kind: &str,
) -> Result<Reply, ErrorShape> {
    let params: ExecApprovalResolveParams = call.params()?;
    let id = match pending(gateway, &params.id, kind).await {
        Ok(one) => one.id,
        Err(error) if error.message.starts_with("ambiguous") => return Err(error),
        // It may be over: then it is told how.
        Err(_) => params.id.clone(),
    };
    let (over, applied) = gateway.resolve_approval(&id, &params.decision, &resolver(&call.ctx)).await?;
    if !applied && over.decision.as_deref() != Some(params.decision.as_str()) {
        return Err(if over.decision.is_some() { approvals::already(&over) } else { approvals::unknown() });
    }
    Reply::json(&json!({"ok": true}))
}

fn not_found() -> ErrorShape {
    ErrorShape::invalid_request("approval not found")
        .with_details(json!({"reason": ErrorCode::ApprovalNotFound.as_str()}))
}

/// One, waiting or over.
pub(super) async fn get_any(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: ApprovalIdParams = call.params()?;
    let found =
        gateway.store.approvals().get(&params.id).await.map_err(store_failed)?.ok_or_else(not_found)?;
    Reply::json(&json!({"approval": wire::snapshot(&found)}))
}

/// Answers one, and tells what counts: this answer, or an earlier one.
pub(super) async fn resolve_any(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: ApprovalResolveParams = call.params()?;
    let found = gateway.store.approvals().get(&params.id).await.map_err(store_failed)?;
    if found.is_none_or(|found| found.kind != params.kind) {
        return Err(not_found());
    }
    let by = resolver(&call.ctx);
    let (over, applied) = match gateway.resolve_approval(&params.id, &params.decision, &by).await {
        Ok(resolved) => resolved,
        Err(error) => {
            // Too late: the answer is told as what it ended as.
            let found = gateway.store.approvals().get(&params.id).await.map_err(store_failed)?;
            match found.filter(|one| one.status != ApprovalStatus::Pending) {
                Some(over) => (over, false),
                None if error.message.starts_with("unknown") => return Err(not_found()),
                None => return Err(error),
            }
        }
    };
    Reply::json(&json!({"applied": applied, "approval": wire::snapshot(&over)}))
}

/// Those that are over, the newest first.
pub(super) async fn history(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: ApprovalHistoryParams = call.params()?;
    if params.kind.as_deref().is_some_and(|kind| !["exec", "plugin"].contains(&kind)) {
        return Reply::json(&json!({"items": []}));
    }
    let after = params.cursor.as_deref().map(read_cursor).transpose()?;
    let limit = params.limit.map_or(USUAL, |limit| usize::from(limit).clamp(1, 100));
    let mut found =
        gateway.store.approvals().history(limit + 1, after, params.kind).await.map_err(store_failed)?;
    let more = found.len() > limit;
    found.truncate(limit);
    let mut result = json!({"items": found.iter().map(wire::snapshot).collect::<Vec<_>>()});
    if more && let Some(last) = found.last() {
        let at = json!([last.resolved_at, last.id]).to_string();
        result["nextCursor"] = URL_SAFE_NO_PAD.encode(at).into();
    }
    Reply::json(&result)
}

fn read_cursor(cursor: &str) -> Result<(i64, String), ErrorShape> {
    URL_SAFE_NO_PAD
        .decode(cursor)
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok())
        .ok_or_else(|| ErrorShape::invalid_request("invalid approval.history cursor"))
}
