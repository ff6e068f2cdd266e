//! `exec.approvals.*`: the document of what may run on this machine, and those that nodes have of their own.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::approvals::{
    ExecApprovalsNodeGetParams, ExecApprovalsNodeSetParams, ExecApprovalsSetParams,
};
use bulkhead_server::Reply;
use serde_json::{Map, Value};

use super::{Call, store_failed};
use crate::approvals::document::{Document, hash, snapshot};
use crate::gateway::Gateway;
use crate::nodes::invoke::Request;

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "exec.approvals.get" => get,
    "exec.approvals.set" => set,
    "exec.approvals.node.get" => node_get,
    "exec.approvals.node.set" => node_set,
};

/// The largest document that a node may answer with, in bytes.
const LARGEST: usize = 256 * 1024;

fn told(gateway: &Gateway, text: Option<&str>) -> Value {
    snapshot(&format!("{}#exec_document", gateway.place.database_path().display()), text)
}

/// The document with its hash.
pub(super) async fn get(gateway: &Arc<Gateway>, _call: Call<'_>) -> Result<Reply, ErrorShape> {
    let text = gateway.store.approvals().document().await.map_err(store_failed)?;
    Reply::json(&told(gateway, text.as_deref()))
}

/// Replaces it, if the writer knows what is there.
pub(super) async fn set(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: ExecApprovalsSetParams = call.params()?;
    let next = Document::read(params.file)
        .map_err(|problem| ErrorShape::invalid_params("exec.approvals.set", "file", problem))?;
    let text = gateway.store.approvals().document().await.map_err(store_failed)?;
    let retry = "re-run exec.approvals.get and retry";
    match &params.base_hash {
        None if text.is_some() => {
            return Err(ErrorShape::invalid_request(format!("exec approvals base hash required; {retry}")));
        }
        Some(base) if *base != hash(text.as_deref()) => return Err(changed()),
        _ => {}
    }
    let next = next.text();
    let replaced =
        gateway.store.approvals().replace_document(text.as_deref(), &next).await.map_err(store_failed)?;
    if !replaced {
        return Err(changed());
    }
    let actor = call.ctx.conn.device_id.clone().unwrap_or_else(|| call.ctx.conn.client.id.clone());
    let detail = serde_json::json!({"hash": hash(Some(&next))});
    if let Err(error) = gateway.store.audit().append(&actor, "exec.approvals.set", &detail).await {
        tracing::warn!(%error, "a change of exec approvals could not be audited");
    }
    Reply::json(&told(gateway, Some(&next)))
}

/// A node's own document, as it says.
pub(super) async fn node_get(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: ExecApprovalsNodeGetParams = call.params()?;
    let told =
        ask_node(gateway, &params.node_id, "system.execApprovals.get", Value::Object(Map::new())).await?;
    Reply::json(&told)
}

/// Asks a node to replace its document; it compares the hash itself.
pub(super) async fn node_set(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: ExecApprovalsNodeSetParams = call.params()?;
    let node_id = params.node_id.clone();
    let told = ask_node(gateway, &node_id, "system.execApprovals.set", params.for_node()?).await?;
    let detail = serde_json::json!({"node": node_id, "hash": told.get("hash")});
    let actor = super::actor(&call);
    if let Err(error) = gateway.store.audit().append(&actor, "exec.approvals.node.set", &detail).await {
        tracing::warn!(%error, "a change of a node's exec approvals could not be audited");
    }
    Reply::json(&told)
}

/// Asks a node for its document or about it. What it answers has to be a document's snapshot.
async fn ask_node(
    gateway: &Arc<Gateway>,
    node_id: &str,
    command: &str,
    params: Value,
) -> Result<Value, ErrorShape> {
    let request = Request {
        node_id: node_id.trim().to_owned(),
        command: command.to_owned(),
        params: Some(params),
        timeout: None,
        idempotency_key: uuid::Uuid::new_v4().to_string(),
    };
    let answer = gateway.invoke_node(request).await?;
    let told = answer.to_result(node_id, command)?;
    let payload = told.get("payload").filter(|payload| payload.is_object());
    payload.filter(|payload| payload.to_string().len() <= LARGEST).cloned().ok_or_else(|| {
        ErrorShape::invalid_request(format!(
            "node {node_id} answered {command} with no document of exec approvals, expected an object of at most {LARGEST} \
             bytes; update its program"
        ))
    })
}

fn changed() -> ErrorShape {
    ErrorShape::invalid_request("exec approvals changed since last load; re-run exec.approvals.get and retry")
}
