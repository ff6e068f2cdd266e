//! `models`: the providers and what they offer.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::SecretInput;

/// `models`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Models {
    /// The providers by id.
    pub providers: BTreeMap<String, Provider>,
}

/// One entry of `models.providers`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Provider {
    /// Where it is.
    pub base_url: Option<String>,
    /// Which wire format it speaks.
    pub api: ModelApi,
    /// Its key.
    pub api_key: Option<SecretInput>,
    /// The models that it offers.
    pub models: Vec<ModelEntry>,
    /// Headers that go with every request.
    pub headers: BTreeMap<String, String>,
    /// A proxy for this provider only.
    pub proxy: Option<String>,
}

/// `models.providers.*.api`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum ModelApi {
    /// `/v1/chat/completions`.
    #[default]
    #[serde(rename = "openai-completions")]
    OpenAi,
    /// `/v1/messages`.
    #[serde(rename = "anthropic-messages")]
    Anthropic,
    /// `/api/chat`.
    #[serde(rename = "ollama")]
    Ollama,
}

impl ModelApi {
    /// The word in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai-completions",
            Self::Anthropic => "anthropic-messages",
            Self::Ollama => "ollama",
        }
    }
}

/// One entry of `models.providers.*.models`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ModelEntry {
    /// Its id at the provider.
    pub id: String,
    /// Its name for people.
    pub name: Option<String>,
    /// How many tokens it reads.
    pub context_window: Option<u64>,
    /// How many tokens it writes.
    pub max_tokens: Option<u64>,
    /// Whether it thinks before it answers.
    pub reasoning: bool,
    /// What it costs.
    pub cost: Option<ModelCost>,
    /// What it takes: `text`, `image`. Nothing said means text.
    pub input: Vec<String>,
    /// Where it differs from others of its wire format.
    pub compat: ModelCompat,
}

/// `models.providers.*.models[].compat`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ModelCompat {
    /// Whether it takes an effort; unset: if it thinks.
    pub supports_reasoning_effort: Option<bool>,
    /// The efforts that it takes; none named: the usual ones.
    pub supported_reasoning_efforts: Vec<String>,
}

/// `models.providers.*.models[].cost`: money per million tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ModelCost {
    /// Read.
    pub input: f64,
    /// Written.
    pub output: f64,
    /// Read again out of the provider's cache.
    pub cache_read: f64,
    /// Put into the provider's cache.
    pub cache_write: f64,
}
