//! `diagnostics.*`: how work is queued.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_server::Reply;
use serde_json::json;

use super::Call;
use crate::clock;
use crate::gateway::Gateway;

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "diagnostics.lanes" => lanes,
};

/// One lane per conversation here, told as one: how many work, how many wait. There is no bound over all of them, but
/// each conversation has one answer at a time.
pub(super) async fn lanes(gateway: &Arc<Gateway>, _call: Call<'_>) -> Result<Reply, ErrorShape> {
    let busy = gateway.lanes.busy();
    Reply::json(&json!({
        "ts": clock::now_ms(),
        "lanes": [{
            "lane": "main",
            "queuedCount": gateway.lanes.waiting(),
            "activeCount": busy,
            "maxConcurrent": busy.max(1),
            "draining": gateway.stop.is_cancelled(),
            "generation": 0,
            "blockedBy": null,
        }],
        "dynamic": null,
    }))
}
