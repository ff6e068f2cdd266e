//! Model providers behind one trait.

mod embed;
mod probe;
mod retry;
mod rig;
mod thinking;
mod transport;

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use futures::Stream;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::ProviderError;
use crate::message::{ModelMessage, StopReason, ToolCall, Usage};

pub use embed::{EmbedError, Embeddings, embed};
pub use probe::{PROBE_TIMEOUT, Probe, list_models, probe};
pub(crate) use retry::{Decision, decide};
pub use thinking::{Thinker, Thinking};

/// A wire format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ProviderApi {
    /// OpenAI's chat completions, and everything compatible with it.
    #[serde(rename = "openai-completions", alias = "openai")]
    OpenAi,
    /// Anthropic's messages.
    #[serde(rename = "anthropic-messages", alias = "anthropic")]
    Anthropic,
    /// Ollama's own chat API.
    #[serde(rename = "ollama")]
    Ollama,
}

impl ProviderApi {
    /// Reads the name used in config and plans.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "openai-completions" | "openai" => Some(Self::OpenAi),
            "anthropic-messages" | "anthropic" => Some(Self::Anthropic),
            "ollama" => Some(Self::Ollama),
            _ => None,
        }
    }

    /// The name used in the config.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai-completions",
            Self::Anthropic => "anthropic-messages",
            Self::Ollama => "ollama",
        }
    }
}

/// Where a provider is and how it is spoken to.
#[derive(Clone)]
pub struct ProviderSettings {
    /// Its id in the config; errors name it.
    pub id: String,
    /// Its wire format.
    pub api: ProviderApi,
    /// Its address; for OpenAI-compatible ones with the path that precedes `/chat/completions`.
    pub base_url: String,
    /// Its key.
    pub api_key: Option<SecretString>,
    /// Further headers; their values are treated as secrets.
    pub headers: BTreeMap<String, String>,
    /// A proxy for this provider alone.
    pub proxy: Option<String>,
}

impl ProviderSettings {
    /// Settings without a key.
    pub fn new(id: impl Into<String>, api: ProviderApi, base_url: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            api,
            base_url: base_url.into(),
            api_key: None,
            headers: BTreeMap::new(),
            proxy: None,
        }
    }

    /// With a key.
    #[must_use]
    pub fn api_key(mut self, key: impl Into<SecretString>) -> Self {
        self.api_key = Some(key.into());
        self
    }
}

impl fmt::Debug for ProviderSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ProviderSettings")
            .field("id", &self.id)
            .field("api", &self.api)
            .field("headers", &self.headers.keys())
            .finish_non_exhaustive()
    }
}

/// A tool as the model is told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolDefinition {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: String,
    /// A JSON schema of its arguments.
    pub schema: Value,
}

/// One question to a model.
#[derive(Debug, Clone, Default)]
pub struct ModelRequest {
    /// The model's id.
    pub model: String,
    /// The system prompt.
    pub system: String,
    /// What was said so far.
    pub messages: Vec<ModelMessage>,
    /// The tools it may call.
    pub tools: Vec<ToolDefinition>,
    /// How long the answer may be, in tokens.
    pub max_tokens: Option<u64>,
    /// How much the model takes, in tokens; Ollama must be told.
    pub context_window: Option<u32>,
    /// How bold the answer may be, 0 to 2; the provider's own rule without it.
    pub temperature: Option<f64>,
    /// How hard it thinks; only for models that can.
    pub thinking: Option<Thinking>,
    /// Further fields of an OpenAI-compatible request, such as `top_p`; others never see them.
    pub extra: serde_json::Map<String, Value>,
}

/// Something that arrived.
#[derive(Debug, Clone)]
pub enum ModelEvent {
    /// More of the answer.
    Text(String),
    /// More of its reasoning.
    Reasoning(String),
    /// A tool call begins; its arguments are still coming.
    ToolCallStarted {
        /// The tool.
        name: String,
    },
    /// The answer is complete. Always last.
    Finished(Box<ModelReply>),
}

/// A complete answer.
#[derive(Debug, Clone, Default)]
pub struct ModelReply {
    /// Everything it said.
    pub text: String,
    /// The tools it wants called.
    pub tool_calls: Vec<ToolCall>,
    /// What it cost.
    pub usage: Usage,
    /// Why it ended.
    pub stop: StopReason,
    /// See [`ModelMessage::Assistant`].
    pub native: Option<Value>,
}

/// An answer as it arrives. An error is its last item; without [`ModelEvent::Finished`] it is not complete.
pub type ModelStream = Pin<Box<dyn Stream<Item = Result<ModelEvent, ProviderError>> + Send>>;

/// A model in a provider's list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelInfo {
    /// What requests call it.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// How much it takes, if the provider says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_window: Option<u32>,
}

/// A model provider. It neither retries nor waits: what to do about an error is decided by the run.
#[async_trait]
pub trait Provider: Send + Sync + fmt::Debug {
    /// Its id in the config.
    fn id(&self) -> &str;

    /// Scheme, host and port, for people.
    fn place(&self) -> &str;

    /// Asks. Dropping the stream gives up at once.
    async fn stream(&self, request: ModelRequest) -> Result<ModelStream, ProviderError>;

    /// The models it has.
    async fn list_models(&self) -> Result<Vec<ModelInfo>, ProviderError>;
}

/// A provider from its settings. Nothing is connected yet.
#[allow(
    clippy::needless_pass_by_value,
    reason = "settings hold a key: they are handed over, not kept around"
)]
pub fn build(settings: ProviderSettings) -> Result<Arc<dyn Provider>, ProviderError> {
    Ok(Arc::new(rig::RigProvider::new(&settings)?))
}
