//! A node connects: what it offers is compared with what it may do.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_server::{AuthMethod, ConnInfo};
use bulkhead_store::{Asked, NodeRequest, NodeSurface};
use serde_json::{Value, json};

use super::policy::Lists;
use crate::gateway::Gateway;
use crate::methods::store_failed;

impl Gateway {
    /// Takes a node in: remembers it, and files what it offers beyond what it may do.
    pub(crate) fn node_arrived(self: &Arc<Self>, conn: &Arc<ConnInfo>) {
        self.nodes.arrive(conn);
        let (gateway, conn) = (Arc::clone(self), Arc::clone(conn));
        self.tasks.spawn(async move {
            if let Err(error) = gateway.compare_surface(&conn).await {
                tracing::warn!(error = %error.message, "what a node offers could not be compared with what it may do");
            }
        });
    }

    async fn compare_surface(self: &Arc<Self>, conn: &ConnInfo) -> Result<(), ErrorShape> {
        let Some(live) = conn.device_id.as_deref().and_then(|id| self.nodes.get(id)) else { return Ok(()) };
        let _one = self.nodes.changes.lock().await;
        let nodes = self.store.nodes();
        let id = live.id();
        nodes.connected(id, &conn.client.version).await.map_err(store_failed)?;
        let settings = self.settings.now();
        let offered = live.approvable(Lists(&settings.config.gateway.nodes));
        let known = nodes.get(id).await.map_err(store_failed)?;
        let approved = known.as_ref().and_then(|node| node.surface.as_ref());
        let covered = approved.is_some_and(|approved| approved.holds(&offered));
        if covered {
            if let Some(old) = nodes.drop_request(id).await.map_err(store_failed)? {
                self.events.node_resolved(&old.id, id, "superseded", Some(&conn.id));
            }
            return Ok(());
        }
        // Whoever made the setup code for this machine has said yes to what it offers first.
        if approved.is_none()
            && conn.auth_method == AuthMethod::BootstrapToken
            && self.access.is_node_setup(id)
        {
            nodes.approve(id, &offered).await.map_err(store_failed)?;
            tracing::info!(node = id, "a node's first commands were approved with its setup code");
            return Ok(());
        }
        let request_id = uuid::Uuid::new_v4().to_string();
        let about = about(conn);
        let (request, asked) = nodes.ask(&request_id, id, &offered, &about).await.map_err(store_failed)?;
        if let Asked::Replaces(old) = &asked {
            self.events.node_resolved(old, id, "superseded", None);
        }
        if asked != Asked::Before {
            self.events.node_requested(&request_row(&request));
        }
        Ok(())
    }

    /// What of a node's offer it may do now.
    pub(crate) fn node_may(&self, live: &super::Live, approved: Option<&NodeSurface>) -> NodeSurface {
        let settings = self.settings.now();
        super::policy::effective(&live.approvable(Lists(&settings.config.gateway.nodes)), approved)
    }
}

/// Who a node is, as people are shown.
fn about(conn: &ConnInfo) -> Value {
    let client = &conn.client;
    let mut about = json!({
        "clientId": client.id,
        "clientMode": client.mode,
        "platform": client.platform,
        "version": client.version,
    });
    for (name, text) in [
        ("displayName", &client.display_name),
        ("deviceFamily", &client.device_family),
        ("modelIdentifier", &client.model_identifier),
    ] {
        if let Some(text) = text {
            about[name] = text.as_str().into();
        }
    }
    if conn.loopback {
        about["silent"] = true.into();
    } else {
        about["remoteIp"] = conn.remote.to_string().into();
    }
    about
}

/// A waiting request as `node.pair.list` and `node.pair.requested` show it.
pub(crate) fn request_row(request: &NodeRequest) -> Value {
    let mut row = request.about.clone();
    row["requestId"] = request.id.as_str().into();
    row["nodeId"] = request.node_id.as_str().into();
    row["caps"] = json!(request.surface.caps);
    row["commands"] = json!(request.surface.commands);
    if !request.surface.permissions.is_empty() {
        row["permissions"] = json!(request.surface.permissions);
    }
    row["requiredApproveScopes"] = json!(super::policy::scopes_to_approve(&request.surface));
    row["ts"] = request.created_at.into();
    row
}
