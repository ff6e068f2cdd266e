//! `config.*`: the configuration of the running gateway.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::MethodSpec;
use crate::Scope;

pub(super) const ROWS: &[MethodSpec] = &[
    MethodSpec::new(
        "config.get",
        Scope::OperatorRead,
        "The configuration with secrets blanked, and its hash.",
    ),
    MethodSpec::new("config.patch", Scope::OperatorAdmin, "Merges a change into the configuration.").once(),
    MethodSpec::new("config.schema", Scope::OperatorRead, "The JSON schema of the configuration."),
];

/// Parameters of `config.patch`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigPatchParams {
    /// The merge patch as JSON5 text.
    pub raw: String,
    /// The hash of the configuration that the patch was made for; refused when it has changed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_hash: Option<String>,
    /// The session that wants it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_key: Option<String>,
    /// Why, for the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// How long to wait before a restart that it needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_delay_ms: Option<u64>,
    /// Lists at these paths are replaced instead of merged by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replace_paths: Option<Vec<String>>,
}

/// Result of `config.schema`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigSchemaResult {
    /// The schema.
    pub schema: Value,
    /// How to show the fields.
    pub ui_hints: serde_json::Map<String, Value>,
    /// Version of the program.
    pub version: String,
    /// RFC 3339.
    pub generated_at: String,
}
