//! `node.pending.*`: work that waits until a node is there again. It survives a restart, is bounded and runs out.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::nodes::{
    NodePendingAckParams, NodePendingDrainParams, NodePendingEnqueueParams,
};
use bulkhead_server::Reply;
use bulkhead_store::{NodeWork, WorkPriority};
use serde_json::{Value, json};

use super::nodes::unknown;
use super::{Call, store_failed};
use crate::gateway::Gateway;

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "node.pending.enqueue" => enqueue,
    "node.pending.drain" => drain,
    "node.pending.pull" => pull,
    "node.pending.ack" => ack,
};

/// What may be asked of a node that is away.
const KINDS: [&str; 2] = ["status.request", "location.request"];
/// How long work waits when nothing is said, in milliseconds.
const LIFETIME: u64 = 24 * 60 * 60 * 1000;

/// Queues work for a node. The same work that waits already is not queued twice.
pub(super) async fn enqueue(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: NodePendingEnqueueParams = call.params()?;
    let wrong = |field, expected: String| Err(ErrorShape::invalid_params(call.spec.name, field, expected));
    if !KINDS.contains(&params.kind.as_str()) {
        return wrong("type", format!("found {:?}, expected one of {KINDS:?}", params.kind));
    }
    let Some(priority) = WorkPriority::parse(params.priority.as_deref().unwrap_or("normal")) else {
        return wrong("priority", "expected normal or high".into());
    };
    let lifetime = params.expires_in_ms.unwrap_or(LIFETIME);
    if !(1000..=LIFETIME).contains(&lifetime) {
        return wrong("expiresInMs", format!("found {lifetime}, expected 1000 to {LIFETIME}"));
    }
    let device = gateway.store.devices().get(&params.node_id).await.map_err(store_failed)?;
    if !device.is_some_and(|device| device.roles.iter().any(|role| role == "node")) {
        return Err(unknown(&params.node_id));
    }
    let now = gateway.store.now();
    let work = NodeWork {
        id: uuid::Uuid::new_v4().to_string(),
        kind: params.kind,
        priority,
        payload: None,
        created_at: now,
        expires_at: Some(now.saturating_add_unsigned(lifetime)),
    };
    let queued = gateway.store.nodes().add_work(&params.node_id, work).await.map_err(store_failed)?;
    let queued = queued.ok_or_else(|| {
        ErrorShape::unavailable("too much waits for this node already; it has to come and take it first")
    })?;
    Reply::json(&json!({
        "nodeId": params.node_id,
        "revision": queued.revision,
        "queued": row(&queued.work),
        // Nobody is woken: that takes a push service, which this gateway has none of.
        "wakeTriggered": false,
    }))
}

/// A node takes what waits for it.
pub(super) async fn drain(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: NodePendingDrainParams = call.params()?;
    let most = params.max_items.unwrap_or(4);
    if !(1..=10).contains(&most) {
        return Err(ErrorShape::invalid_params(
            call.spec.name,
            "maxItems",
            format!("found {most}, expected 1 to 10"),
        ));
    }
    let id = itself(&call)?;
    let most = i64::try_from(most).unwrap_or(10);
    let (work, revision, more) = gateway.store.nodes().take_work(&id, most).await.map_err(store_failed)?;
    let items: Vec<Value> = work.iter().map(row).collect();
    Reply::json(&json!({"nodeId": id, "revision": revision, "items": items, "hasMore": more}))
}

/// A node looks at what waits for it, and leaves it there until it says that it is done.
pub(super) async fn pull(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let id = itself(&call)?;
    let (work, _) = gateway.store.nodes().work(&id).await.map_err(store_failed)?;
    let actions: Vec<Value> = work
        .iter()
        .map(|work| {
            json!({
                "id": work.id,
                "command": work.kind,
                "paramsJSON": work.payload.as_ref().map(Value::to_string),
                "enqueuedAtMs": work.created_at,
            })
        })
        .collect();
    Reply::json(&json!({"nodeId": id, "actions": actions}))
}

/// A node did what was asked.
pub(super) async fn ack(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: NodePendingAckParams = call.params()?;
    let id = itself(&call)?;
    let mut ids: Vec<String> = params.ids.iter().map(|id| id.trim().to_owned()).collect();
    ids.retain(|id| !id.is_empty());
    ids.dedup();
    let left = gateway.store.nodes().done_work(&id, &ids).await.map_err(store_failed)?;
    Reply::json(&json!({"nodeId": id, "ackedIds": ids, "remainingCount": left}))
}

fn row(work: &NodeWork) -> Value {
    let mut row = json!({
        "id": work.id,
        "type": work.kind,
        "priority": work.priority.as_str(),
        "createdAtMs": work.created_at,
    });
    if let Some(at) = work.expires_at {
        row["expiresAtMs"] = at.into();
    }
    if let Some(payload) = &work.payload {
        row["payload"] = payload.clone();
    }
    row
}

fn itself(call: &Call<'_>) -> Result<String, ErrorShape> {
    call.ctx.conn.device_id.clone().ok_or_else(|| {
        ErrorShape::invalid_request(format!("{} requires a connected device identity", call.spec.name))
    })
}
