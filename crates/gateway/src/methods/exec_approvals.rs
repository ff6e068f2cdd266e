//! `exec.approvals.get` and `.set`: the document of what may run on this machine.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::approvals::ExecApprovalsSetParams;
use bulkhead_server::Reply;
use serde_json::Value;

use super::{Call, store_failed};
use crate::approvals::document::{Document, hash, snapshot};
use crate::gateway::Gateway;

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "exec.approvals.get" => get,
    "exec.approvals.set" => set,
};

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

fn changed() -> ErrorShape {
    ErrorShape::invalid_request("exec approvals changed since last load; re-run exec.approvals.get and retry")
}
