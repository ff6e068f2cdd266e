//! `health`: the snapshot, the same for everybody.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_server::Reply;

use super::Call;
use crate::gateway::Gateway;

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "health" => health,
};

/// Written at most once a second, however many ask.
pub(super) async fn health(gateway: &Arc<Gateway>, _call: Call<'_>) -> Result<Reply, ErrorShape> {
    Ok(gateway.health.snapshot(gateway).into())
}
