//! `node.*`: what nodes there are, what they may do, and asking them for it.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_protocol::methods::nodes::{
    NodeEventParams, NodeInvokeParams, NodeInvokeProgressParams, NodeInvokeResultParams, NodeParams,
    NodeRenameParams, NodeRequestParams,
};
use bulkhead_protocol::{ErrorShape, Scope};
use bulkhead_server::{Reply, Role};
use bulkhead_store::NodeRequest;
use serde_json::{Value, json};

use super::devices::{only_own, own_device_only};
use super::{Call, node_inventory, store_failed};
use crate::clock;
use crate::gateway::Gateway;
use crate::nodes::arrival::request_row;
use crate::nodes::invoke::{Answer, MOST_PROGRESS, Request};
use crate::nodes::policy::{scope_to_invoke, scopes_to_approve};
use crate::nodes::rows::paired_row;

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "node.list" => list,
    "node.describe" => describe,
    "node.rename" => rename,
    "node.pair.list" => pair_list,
    "node.pair.approve" => approve,
    "node.pair.reject" => reject,
    "node.pair.remove" => remove,
    "node.invoke" => invoke,
    "node.invoke.result" => invoke_result,
    "node.invoke.progress" => invoke_progress,
    "node.event" => event,
    "node.pluginSurface.refresh" => super::canvas::refresh_surface,
    "node.pluginTools.update" => node_inventory::tools,
    "node.skills.update" => node_inventory::skills,
    "node.runnerInventory.update" => node_inventory::runner,
};

/// Longest name of a node, in characters.
const LONGEST_NAME: usize = 64;

pub(super) async fn list(gateway: &Arc<Gateway>, _call: Call<'_>) -> Result<Reply, ErrorShape> {
    let roll = gateway.roll().await?;
    Reply::json(&json!({"ts": clock::now_ms(), "nodes": gateway.node_rows(&roll)}))
}

pub(super) async fn describe(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: NodeParams = call.params()?;
    let roll = gateway.roll().await?;
    let mut row = gateway.node_by_id(&roll, params.node_id.trim()).ok_or_else(|| unknown(&params.node_id))?;
    row["ts"] = clock::now_ms().into();
    Reply::json(&row)
}

/// A node's name for operators.
pub(super) async fn rename(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: NodeRenameParams = call.params()?;
    only_own(&call.ctx.conn, &params.node_id)?;
    let name = params.display_name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        let expected = format!("expected 1 to {LONGEST_NAME} characters");
        return Err(ErrorShape::invalid_params(call.spec.name, "displayName", expected));
    }
    if !gateway.store.nodes().rename(&params.node_id, name).await.map_err(store_failed)? {
        return Err(unknown(&params.node_id));
    }
    gateway.events.devices_changed(&params.node_id);
    Reply::json(&json!({"nodeId": params.node_id, "displayName": name}))
}

/// Nodes that wait for an answer and nodes that have one.
pub(super) async fn pair_list(gateway: &Arc<Gateway>, _call: Call<'_>) -> Result<Reply, ErrorShape> {
    let roll = gateway.roll().await?;
    let pending: Vec<Value> = roll.requests().iter().map(request_row).collect();
    let paired: Vec<Value> = roll.paired().filter_map(|(device, node)| paired_row(device, node)).collect();
    Reply::json(&json!({"pending": pending, "paired": paired}))
}

/// Allows a node what it asks for, as far as the caller may do that themselves.
pub(super) async fn approve(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: NodeRequestParams = call.params()?;
    let _one = gateway.nodes.changes.lock().await;
    let request = waiting(gateway, &params.request_id).await?;
    let caller = &call.ctx.conn;
    only_own(caller, &request.node_id)?;
    if let Some(missing) =
        scopes_to_approve(&request.surface).into_iter().find(|scope| !caller.allows(*scope))
    {
        return Err(ErrorShape::forbidden_missing_scope(missing));
    }
    let nodes = gateway.store.nodes();
    nodes.approve(&request.node_id, &request.surface).await.map_err(store_failed)?;
    resolved(gateway, &request, "approved");
    let roll = gateway.roll().await?;
    let row = roll.paired().find(|(device, _)| device.id == request.node_id);
    let row = row.and_then(|(device, node)| paired_row(device, node));
    Reply::json(&json!({"requestId": request.id, "node": row}))
}

/// Refuses it; what was approved before stays.
pub(super) async fn reject(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: NodeRequestParams = call.params()?;
    let _one = gateway.nodes.changes.lock().await;
    let request = waiting(gateway, &params.request_id).await?;
    only_own(&call.ctx.conn, &request.node_id)?;
    gateway.store.nodes().drop_request(&request.id).await.map_err(store_failed)?;
    resolved(gateway, &request, "rejected");
    Reply::json(&json!({"requestId": request.id, "nodeId": request.node_id}))
}

async fn waiting(gateway: &Gateway, id: &str) -> Result<NodeRequest, ErrorShape> {
    let open = gateway.store.nodes().requests().await.map_err(store_failed)?;
    open.into_iter().find(|request| request.id == id).ok_or_else(|| {
        ErrorShape::invalid_request(format!("unknown requestId {id:?}; node.pair.list shows those that wait"))
    })
}

fn resolved(gateway: &Gateway, request: &NodeRequest, decision: &str) {
    let live = gateway.nodes.get(&request.node_id);
    let conn = live.as_ref().map(|live| &live.conn.id);
    gateway.events.node_resolved(&request.id, &request.node_id, decision, conn);
}

/// Takes the role of a node from a device; its sockets as a node close. A device that is nothing else is forgotten.
pub(super) async fn remove(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: NodeParams = call.params()?;
    let caller = &call.ctx.conn;
    if own_device_only(caller) {
        let device = gateway.store.devices().get(&params.node_id).await.map_err(store_failed)?;
        let operator = device.is_some_and(|device| device.roles.iter().any(|role| role == "operator"));
        if operator {
            return Err(ErrorShape::forbidden_missing_scope(Scope::OperatorAdmin));
        }
    }
    let removed = gateway.store.devices().remove_role(&params.node_id, "node").await.map_err(store_failed)?;
    if removed.is_none() {
        return Err(unknown(&params.node_id));
    }
    gateway.events.hub().close_device(&params.node_id, Some(Role::Node));
    gateway.events.node_resolved("", &params.node_id, "removed", None);
    gateway.events.devices_changed(&params.node_id);
    Reply::json(&json!({"nodeId": params.node_id}))
}

/// Asks a node to do something and waits for it.
pub(super) async fn invoke(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: NodeInvokeParams = call.params()?;
    let command = params.command.trim().to_owned();
    if command.starts_with("system.execApprovals.") {
        return Err(ErrorShape::invalid_request(format!(
            "node.invoke: {command} is not asked for here; what a node may run is set on the node"
        ))
        .with_details(json!({"command": command})));
    }
    let needed = scope_to_invoke(&command);
    if !call.ctx.conn.allows(needed) {
        return Err(ErrorShape::forbidden_missing_scope(needed));
    }
    let request = Request {
        node_id: params.node_id.clone(),
        command: command.clone(),
        params: params.params,
        timeout: params.timeout_ms.map(Duration::from_millis),
        idempotency_key: params.idempotency_key,
    };
    let answer = gateway.invoke_node(request).await?;
    Reply::json(&answer.to_result(&params.node_id, &command)?)
}

/// A node answers.
pub(super) async fn invoke_result(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: NodeInvokeResultParams = call.params()?;
    is_itself(&call, &params.node_id)?;
    // Some write the value where its text belongs.
    let (payload_json, beside) = match params.payload_json {
        Some(Value::String(text)) => (Some(text), None),
        other => (None, other.filter(|value| !value.is_null())),
    };
    let answer = Answer {
        ok: params.ok,
        payload: params.payload.or(beside),
        payload_json,
        error: params.error.filter(|error| !error.is_null()),
    };
    let taken = gateway.nodes.invokes.answer(&call.ctx.conn.id, &params.id, answer);
    Reply::json(&if taken { json!({"ok": true}) } else { json!({"ok": true, "ignored": true}) })
}

/// A node tells how far it is.
pub(super) async fn invoke_progress(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: NodeInvokeProgressParams = call.params()?;
    is_itself(&call, &params.node_id)?;
    if params.chunk.len() > MOST_PROGRESS {
        return Err(ErrorShape::invalid_params(
            call.spec.name,
            "chunk",
            format!("found {} bytes, expected at most {MOST_PROGRESS}", params.chunk.len()),
        ));
    }
    let invokes = &gateway.nodes.invokes;
    let taken = invokes.progress(&call.ctx.conn.id, &params.invoke_id, params.seq);
    Reply::json(&json!({"ok": true, "ignored": !taken}))
}

/// A node tells something by itself.
pub(super) async fn event(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: NodeEventParams = call.params()?;
    let payload = match (params.payload, params.payload_json) {
        (Some(payload), _) => payload,
        (None, Some(text)) => serde_json::from_str(&text).unwrap_or(Value::Null),
        (None, None) => Value::Null,
    };
    let heard = gateway.node_event(&call.ctx.conn, &params.event, payload).await?;
    Reply::json(&heard.to_result(&params.event))
}

fn is_itself(call: &Call<'_>, node_id: &str) -> Result<(), ErrorShape> {
    if call.ctx.conn.device_id.as_deref() == Some(node_id) {
        return Ok(());
    }
    Err(ErrorShape::invalid_params(
        call.spec.name,
        "nodeId",
        "expected the id of the device that is connected",
    ))
}

pub(super) fn unknown(id: &str) -> ErrorShape {
    ErrorShape::invalid_request(format!("unknown nodeId {id:?}; node.list shows those that are paired"))
}
