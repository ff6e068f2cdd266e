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
    MethodSpec::new("config.set", Scope::OperatorAdmin, "Replaces the configuration.").once(),
    MethodSpec::new("config.apply", Scope::OperatorAdmin, "Replaces the configuration and puts it in force.")
        .once(),
    MethodSpec::new("config.schema", Scope::OperatorRead, "The JSON schema of the configuration."),
    MethodSpec::new(
        "config.schema.lookup",
        Scope::OperatorRead,
        "One place of the schema and what is below it.",
    ),
];

/// Parameters of `config.set`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigSetParams {
    /// The whole configuration as JSON5 text; placeholders of a redacted copy keep what is stored.
    pub raw: String,
    /// The hash of the configuration that it replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_hash: Option<String>,
}

/// Parameters of `config.apply`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigApplyParams {
    /// The whole configuration as JSON5 text; placeholders of a redacted copy keep what is stored.
    pub raw: String,
    /// The hash of the configuration that it replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_hash: Option<String>,
    /// Why, for the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Parameters of `config.schema.lookup`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigSchemaLookupParams {
    /// Keys joined by dots; `*` stands for any key, `[]` for any entry, `.` for the whole.
    pub path: String,
}

/// Result of `config.schema.lookup`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigSchemaLookupResult {
    /// The path.
    pub path: String,
    /// Its own schema, without what is below it.
    pub schema: Value,
    /// `restart`, `hot` or `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reload_kind: Option<String>,
    /// How to show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<Value>,
    /// Where that hint stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint_path: Option<String>,
    /// What may stand directly below it.
    pub children: Vec<SchemaChild>,
}

/// What may stand below a place of the schema.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SchemaChild {
    /// Its key.
    pub key: String,
    /// Its path.
    pub path: String,
    /// JSON type or types.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Value>,
    /// Whether it must be there.
    pub required: bool,
    /// Whether something may stand below it.
    pub has_children: bool,
    /// `restart`, `hot` or `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reload_kind: Option<String>,
    /// How to show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<Value>,
    /// Where that hint stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint_path: Option<String>,
}

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
