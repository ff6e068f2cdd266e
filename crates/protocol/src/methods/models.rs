//! `models.*`: which models there are.

use serde::{Deserialize, Serialize};

use super::MethodSpec;
use crate::Scope;

pub(super) const ROWS: &[MethodSpec] = &[
    MethodSpec::new("models.list", Scope::OperatorRead, "The models that can be chosen."),
    MethodSpec::new(
        "models.authStatus",
        Scope::OperatorRead,
        "Which providers have a key, and whether it was taken.",
    ),
    MethodSpec::new("models.probe", Scope::OperatorAdmin, "Asks a provider for one short answer, now."),
];

/// Parameters of `models.list`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ModelsListParams {
    /// For this agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// For the agent of this session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_key: Option<String>,
    /// Of this provider only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Which rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view: Option<ModelsView>,
    /// Ask the providers for their lists now, and add what they have beyond the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh: Option<bool>,
}

/// Which rows `models.list` gives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelsView {
    /// What may be chosen: the configured ones.
    #[default]
    Default,
    /// Chosen and configured ones.
    Configured,
    /// What `models.providers.*.models` lists, and nothing else.
    ProviderConfig,
    /// Also what providers said they have.
    All,
}

/// Parameters of `models.authStatus`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ModelsAuthStatusParams {
    /// Ask the providers now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh: Option<bool>,
    /// For this agent. Keys belong to the profile, so every agent has the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
}

/// Parameters of `models.probe`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelsProbeParams {
    /// The provider's id in the configuration.
    pub provider: String,
    /// The longest that it may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// With the model that this agent would take, where it is one of the provider's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
}

/// Result of `models.probe`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelsProbeResult {
    /// The provider.
    pub provider: String,
    /// `ok`, `auth`, `rate_limit`, `billing`, `timeout`, `format`, `no_model` or `unknown`.
    pub status: String,
    /// Until the answer was complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// What went wrong, in a person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// One for each model that was asked.
    pub results: Vec<ModelsProbeTarget>,
}

/// One model that was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelsProbeTarget {
    /// The model.
    pub label: String,
    /// As in [`ModelsProbeResult::status`].
    pub status: String,
    /// Until the answer was complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// What went wrong, in a person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Result of `models.list`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelsListResult {
    /// The models.
    pub models: Vec<ModelChoice>,
}

/// A model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelChoice {
    /// Its id at the provider.
    pub id: String,
    /// For people.
    pub name: String,
    /// The provider.
    pub provider: String,
    /// `default`, `configured`…
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Whether it can be used now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available: Option<bool>,
    /// `missing-auth`, `auth-failed` or `cooldown`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unavailable_reason: Option<String>,
    /// When it is asked again, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unavailable_until: Option<u64>,
    /// Tokens it can look at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_window: Option<u64>,
    /// Thinks before it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<bool>,
}
