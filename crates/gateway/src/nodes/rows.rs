//! Nodes as `node.list` and `node.describe` show them.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_store::{Device, Node, NodeRequest};
use serde_json::{Value, json};

use super::Live;
use crate::gateway::Gateway;
use crate::methods::store_failed;

/// Everything about nodes at one moment.
pub(crate) struct Roll {
    devices: Vec<Device>,
    nodes: Vec<Node>,
    requests: Vec<NodeRequest>,
}

impl Gateway {
    /// Reads what is remembered of nodes.
    pub(crate) async fn roll(self: &Arc<Self>) -> Result<Roll, ErrorShape> {
        let mut devices = self.store.devices().list().await.map_err(store_failed)?;
        devices.retain(|device| device.roles.iter().any(|role| role == "node"));
        Ok(Roll {
            devices,
            nodes: self.store.nodes().list().await.map_err(store_failed)?,
            requests: self.store.nodes().requests().await.map_err(store_failed)?,
        })
    }

    /// All nodes, those that are here first, then by name.
    pub(crate) fn node_rows(&self, roll: &Roll) -> Vec<Value> {
        let mut rows: Vec<Value> = roll.devices.iter().map(|device| self.node_row(roll, device)).collect();
        let active = rows
            .iter()
            .enumerate()
            .filter_map(|(at, row)| Some((row["lastActiveAtMs"].as_u64()?, at)))
            .max()
            .map(|(_, at)| at);
        if let Some(at) = active {
            rows[at]["active"] = true.into();
        }
        rows.sort_by_cached_key(|row| {
            let name = row["displayName"].as_str().or(row["nodeId"].as_str()).unwrap_or_default();
            (row["connected"] != true, name.to_lowercase())
        });
        rows
    }

    fn node_row(&self, roll: &Roll, device: &Device) -> Value {
        let live = self.nodes.get(&device.id);
        let node = roll.nodes.iter().find(|node| node.id == device.id);
        let request = roll.requests.iter().find(|request| request.node_id == device.id);
        let approved = node.and_then(|node| node.surface.as_ref());
        let may = match &live {
            Some(live) => self.node_may(live, approved),
            None => approved.cloned().unwrap_or_default(),
        };
        let version = live.as_ref().map(|live| live.conn.client.version.clone());
        let state = match (request.is_some(), approved.is_some()) {
            (true, true) => "pending-reapproval",
            (true, false) => "pending-approval",
            (false, true) => "approved",
            (false, false) => "unapproved",
        };
        let mut row = json!({
            "nodeId": device.id,
            "clientId": device.client_id,
            "clientMode": device.client_mode,
            "caps": may.caps,
            "commands": may.commands,
            "sessionHost": live.as_ref().is_some_and(|live| live.session_host),
            "approvalState": state,
            "approvedAtMs": node.and_then(|node| node.approved_at).unwrap_or(device.approved_at),
            "paired": true,
            "connected": live.is_some(),
        });
        let own_name = node.and_then(|node| node.display_name.clone());
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                row[name] = value;
            }
        };
        put(
            "displayName",
            own_name
                .or_else(|| device.label.clone())
                .or_else(|| device.display_name.clone())
                .map(Value::from),
        );
        put("platform", device.platform.clone().map(Value::from));
        put("deviceFamily", device.device_family.clone().map(Value::from));
        put("version", version.or_else(|| node.and_then(|node| node.version.clone())).map(Value::from));
        if let Some(request) = request {
            put("pendingRequestId", Some(request.id.as_str().into()));
            put("pendingDeclaredCaps", Some(json!(request.surface.caps)));
            put("pendingDeclaredCommands", Some(json!(request.surface.commands)));
        }
        let connected_at = node.and_then(|node| node.connected_at);
        put("lastConnectedAtMs", connected_at.map(Value::from));
        let (seen, why) = match &live {
            Some(live) => (Some(live.conn.connected_at_ms.into()), Some("connect".to_owned())),
            None => (device.last_seen_at.map(Value::from), device.last_seen_why.clone()),
        };
        put("lastSeenAtMs", seen);
        put("lastSeenReason", why.map(Value::from));
        put("hostStats", node.and_then(|node| node.host_stats.clone()));
        if let Some(live) = &live {
            put_live(live, put);
        }
        row
    }

    /// One node by its id.
    pub(crate) fn node_by_id(&self, roll: &Roll, id: &str) -> Option<Value> {
        let device = roll.devices.iter().find(|device| device.id == id)?;
        Some(self.node_row(roll, device))
    }
}

fn put_live(live: &Live, mut put: impl FnMut(&str, Option<Value>)) {
    let conn = &live.conn;
    put("connectedAtMs", Some(conn.connected_at_ms.into()));
    put("lastConnectedAtMs", Some(conn.connected_at_ms.into()));
    put("remoteIp", (!conn.loopback).then(|| conn.remote.to_string().into()));
    put("pathEnv", conn.path_env.clone().map(Value::from));
    put("permissions", (!conn.permissions.is_empty()).then(|| json!(conn.permissions)));
    put("modelIdentifier", conn.client.model_identifier.clone().map(Value::from));
    put("nodePluginTools", Some(live.tools.clone().into()));
    let skills: Vec<&Value> = live.skills.iter().map(|skill| &skill["name"]).collect();
    put("skills", (!skills.is_empty()).then(|| json!(skills)));
    put("hostStats", live.host_stats.clone());
    put("lastActiveAtMs", live.last_input_at.map(Value::from));
}

/// A paired node as `node.pair.list` shows it: only those with something approved.
pub(crate) fn paired_row(device: &Device, node: &Node) -> Option<Value> {
    let surface = node.surface.as_ref()?;
    let mut row = json!({
        "nodeId": device.id,
        "clientId": device.client_id,
        "clientMode": device.client_mode,
        "caps": surface.caps,
        "commands": surface.commands,
        "createdAtMs": node.surface_created_at,
        "approvedAtMs": node.approved_at,
    });
    let name =
        node.display_name.clone().or_else(|| device.label.clone()).or_else(|| device.display_name.clone());
    for (field, value) in [
        ("displayName", name.map(Value::from)),
        ("platform", device.platform.clone().map(Value::from)),
        ("version", node.version.clone().map(Value::from)),
        ("deviceFamily", device.device_family.clone().map(Value::from)),
        ("lastConnectedAtMs", node.connected_at.map(Value::from)),
        ("lastSeenAtMs", device.last_seen_at.map(Value::from)),
        ("lastSeenReason", device.last_seen_why.clone().map(Value::from)),
        ("permissions", (!surface.permissions.is_empty()).then(|| json!(surface.permissions))),
    ] {
        if let Some(value) = value {
            row[field] = value;
        }
    }
    Some(row)
}

impl Roll {
    /// The waiting requests.
    pub(crate) fn requests(&self) -> &[NodeRequest] {
        &self.requests
    }

    /// Every node with its device.
    pub(crate) fn paired(&self) -> impl Iterator<Item = (&Device, &Node)> {
        self.devices
            .iter()
            .filter_map(|device| Some((device, self.nodes.iter().find(|node| node.id == device.id)?)))
    }

    /// What is remembered of one.
    pub(crate) fn node(&self, id: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.id == id)
    }

    /// What one asks for.
    pub(crate) fn request(&self, node_id: &str) -> Option<&NodeRequest> {
        self.requests.iter().find(|request| request.node_id == node_id)
    }
}
