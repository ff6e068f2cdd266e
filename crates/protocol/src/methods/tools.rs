//! `tools.*`: what agents may do, and doing it by hand.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::MethodSpec;
use crate::Scope;

pub(super) const ROWS: &[MethodSpec] = &[
    MethodSpec::new("tools.catalog", Scope::OperatorRead, "Every tool that this gateway has."),
    MethodSpec::new("tools.effective", Scope::OperatorRead, "The tools that the agent of a session may use."),
    MethodSpec::new("tools.invoke", Scope::OperatorWrite, "Calls a tool, without a model.").once(),
];

/// Parameters of `tools.catalog`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ToolsCatalogParams {
    /// For this agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// Whether plugins' tools are listed too; there are none here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_plugins: Option<bool>,
}

/// Parameters of `tools.effective`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolsEffectiveParams {
    /// The session.
    pub session_key: String,
    /// Its agent, if the key does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
}

/// Parameters of `tools.invoke`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolsInvokeParams {
    /// The tool.
    pub name: String,
    /// Its arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args: Option<Map<String, Value>>,
    /// In this session; the main one when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_key: Option<String>,
    /// By this agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// The same key calls the tool once only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}
