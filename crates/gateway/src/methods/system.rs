//! `system-presence`: who is here.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_server::Reply;

use super::Call;
use crate::gateway::Gateway;

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "system-presence" => presence,
};

/// The list as the `presence` event carries it.
pub(super) async fn presence(gateway: &Arc<Gateway>, _call: Call<'_>) -> Result<Reply, ErrorShape> {
    Ok(gateway.presence.render().into())
}
