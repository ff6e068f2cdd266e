//! `node.*`: devices that lend themselves to the gateway.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::MethodSpec;
use crate::Scope;

pub(super) const ROWS: &[MethodSpec] = &[
    MethodSpec::new("node.list", Scope::OperatorRead, "The paired nodes and what they may do."),
    MethodSpec::new("node.describe", Scope::OperatorRead, "One node."),
    MethodSpec::new("node.rename", Scope::OperatorPairing, "Gives a node a name."),
    MethodSpec::new("node.pair.list", Scope::OperatorPairing, "Nodes, and what they ask to be allowed."),
    MethodSpec::new("node.pair.approve", Scope::OperatorPairing, "Allows a node what it asks for.").once(),
    MethodSpec::new("node.pair.reject", Scope::OperatorPairing, "Refuses a node what it asks for.").once(),
    MethodSpec::new("node.pair.remove", Scope::OperatorPairing, "Takes the role of a node from a device."),
    MethodSpec::new("node.invoke", Scope::OperatorWrite, "Asks a node to do something.").dynamic(),
    MethodSpec::new("node.invoke.result", Scope::Node, "A node answers."),
    MethodSpec::new("node.invoke.progress", Scope::Node, "A node tells how far it is."),
    MethodSpec::new("node.event", Scope::Node, "A node tells something by itself.").once(),
    MethodSpec::new("node.pending.enqueue", Scope::OperatorWrite, "Queues work for a node that is away."),
    MethodSpec::new("node.pending.drain", Scope::Node, "A node takes its queued work.").once(),
    MethodSpec::new("node.pending.pull", Scope::Node, "A node looks at what was asked while it slept."),
    MethodSpec::new("node.pending.ack", Scope::Node, "A node did what was asked while it slept."),
    MethodSpec::new(
        "node.pluginSurface.refresh",
        Scope::Node,
        "A node asks for a new address of its canvas.",
    ),
    MethodSpec::new("node.pluginTools.update", Scope::Node, "A node publishes its tools."),
    MethodSpec::new("node.skills.update", Scope::Node, "A node publishes its skills."),
    MethodSpec::new(
        "node.runnerInventory.update",
        Scope::Node,
        "A node says whether it would host sessions.",
    )
    .since("2026.8")
    .unadvertised(),
];

/// Parameters of `node.describe` and `node.pair.remove`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeParams {
    /// The node.
    pub node_id: String,
}

/// Parameters of `node.pair.approve` and `node.pair.reject`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeRequestParams {
    /// The request.
    pub request_id: String,
}

/// Parameters of `node.rename`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeRenameParams {
    /// The node.
    pub node_id: String,
    /// Its name.
    pub display_name: String,
}

/// Parameters of `node.invoke`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeInvokeParams {
    /// The node.
    pub node_id: String,
    /// What it is to do, such as `system.notify`.
    pub command: String,
    /// With what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Value>,
    /// Milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// The same key again gets the same answer.
    pub idempotency_key: String,
}

/// Parameters of `node.invoke.result`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeInvokeResultParams {
    /// The request.
    pub id: String,
    /// The node that answers.
    pub node_id: String,
    /// Whether it was done.
    pub ok: bool,
    /// The result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Value>,
    /// The result as JSON text.
    #[serde(default, rename = "payloadJSON", skip_serializing_if = "Option::is_none")]
    pub payload_json: Option<Value>,
    /// `{ code, message }`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
}

/// Parameters of `node.invoke.progress`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeInvokeProgressParams {
    /// The request.
    pub invoke_id: String,
    /// The node.
    pub node_id: String,
    /// Counts from 0.
    pub seq: u64,
    /// At most 16 KiB.
    pub chunk: String,
}

/// Parameters of `node.event`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeEventParams {
    /// What happened.
    pub event: String,
    /// More about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Value>,
    /// The same as JSON text.
    #[serde(default, rename = "payloadJSON", skip_serializing_if = "Option::is_none")]
    pub payload_json: Option<String>,
}

/// Parameters of `node.pending.enqueue`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodePendingEnqueueParams {
    /// The node.
    pub node_id: String,
    /// `status.request` or `location.request`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `normal` or `high`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
    /// 1000 to 86400000; a day when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_ms: Option<u64>,
    /// Whether the node is to be woken, where that can be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wake: Option<bool>,
}

/// Parameters of `node.pending.drain`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodePendingDrainParams {
    /// 1 to 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_items: Option<u64>,
}

/// Parameters of `node.pending.ack`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodePendingAckParams {
    /// What was done.
    pub ids: Vec<String>,
}

/// Parameters of `node.pluginTools.update`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodePluginToolsUpdateParams {
    /// All of them; they replace those published before.
    pub tools: Vec<Value>,
}

/// Parameters of `node.skills.update`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeSkillsUpdateParams {
    /// All of them; they replace those published before.
    pub skills: Vec<Value>,
}

/// Parameters of `node.runnerInventory.update`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeRunnerInventoryUpdateParams {
    /// The way in which it would host; none or one.
    pub protocol_features: Vec<String>,
    /// Whether it would, and how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker_host: Option<NodeWorkerHost>,
}

/// Whether a node would host sessions; what else it says of that is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeWorkerHost {
    /// Its owner allowed it.
    pub enabled: bool,
    /// How many; required when enabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<NodeWorkerCapacity>,
}

/// How many sessions a node would host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeWorkerCapacity {
    /// 1 to 1024.
    pub total: u64,
    /// Those that are free.
    pub available: u64,
}
