//! What is said in a session, in a shape that no provider owns.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One message of a conversation, as it is stored and replayed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ModelMessage {
    /// The person.
    User {
        /// What they said.
        text: String,
        /// The pictures that came with it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pictures: Vec<Picture>,
    },
    /// The model.
    Assistant {
        /// What it said; may be empty when it only called tools.
        text: String,
        /// The tools it called, in order.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<ToolCall>,
        /// The message was cut short: by an abort or a broken stream.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        interrupted: bool,
        /// The provider's own form of this turn, kept when it holds more than text and calls (reasoning that must be
        /// sent back). Only the provider module reads it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        native: Option<Value>,
    },
    /// What a tool returned.
    Tool {
        /// The call it answers.
        call_id: String,
        /// The tool.
        name: String,
        /// Its result.
        text: String,
        /// Whether it failed.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
    },
}

impl ModelMessage {
    /// Something the person said.
    pub fn user(text: impl Into<String>) -> Self {
        Self::User { text: text.into(), pictures: Vec::new() }
    }

    /// Something the model said.
    pub fn assistant(text: impl Into<String>) -> Self {
        Self::Assistant { text: text.into(), tool_calls: Vec::new(), interrupted: false, native: None }
    }

    /// About how many bytes it takes in a request.
    pub fn size(&self) -> usize {
        const FRAME: usize = 32;
        // Providers count a picture by its area, about a thousand tokens, not by its bytes.
        const PICTURE: usize = 4096;
        FRAME
            + match self {
                Self::User { text, pictures } => text.len() + pictures.len() * PICTURE,
                Self::Tool { text, .. } => text.len(),
                Self::Assistant { text, tool_calls, .. } => {
                    text.len()
                        + tool_calls.iter().map(|call| FRAME + call.arguments_text().len()).sum::<usize>()
                }
            }
    }
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Picture {
    /// `image/png`, `image/jpeg`, `image/gif` or `image/webp`.
    pub mime_type: String,
    /// Its bytes, in base64.
    pub data: String,
}

/// A tool call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolCall {
    /// The provider's id, or one made here when it gave none.
    pub id: String,
    /// The tool.
    pub name: String,
    /// The arguments.
    pub arguments: Map<String, Value>,
    /// What the model sent when it was not a JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid_arguments: Option<String>,
}

impl ToolCall {
    /// The arguments as JSON text.
    pub fn arguments_text(&self) -> String {
        serde_json::to_string(&self.arguments).unwrap_or_default()
    }
}

/// Tokens, as the provider counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Of the request.
    pub input: u64,
    /// Of the answer.
    pub output: u64,
    /// The part of the request that came from the provider's cache.
    pub cache_read: u64,
    /// The part of the request that went into the provider's cache.
    pub cache_write: u64,
    /// Of both.
    pub total: u64,
}

impl Usage {
    /// Adds another turn's.
    pub const fn add(&mut self, other: &Self) {
        self.input = self.input.saturating_add(other.input);
        self.output = self.output.saturating_add(other.output);
        self.cache_read = self.cache_read.saturating_add(other.cache_read);
        self.cache_write = self.cache_write.saturating_add(other.cache_write);
        self.total = self.total.saturating_add(other.total);
    }
}

/// Why the model stopped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StopReason {
    /// It was done.
    #[default]
    Stop,
    /// It wants tools.
    ToolCalls,
    /// It ran into the output limit.
    Length,
    /// The provider's filter stopped it.
    Filter,
}

impl StopReason {
    /// The reason as text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::ToolCalls => "tool calls",
            Self::Length => "output limit",
            Self::Filter => "content filter",
        }
    }
}
