//! What a run tells while it goes on, and what it leaves.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::error::{AgentError, ProviderError};
use crate::message::{ModelMessage, StopReason, ToolCall, Usage};

/// Progress of a run.
#[derive(Debug, Clone)]
pub enum RunEvent {
    /// It has begun.
    Started {
        /// The provider that is asked first.
        provider: String,
        /// The model that is asked first.
        model: String,
    },
    /// More of the answer. Several small pieces may come as one.
    TextDelta {
        /// What is new.
        delta: String,
        /// Everything so far.
        text: Arc<str>,
    },
    /// More of the model's reasoning.
    ReasoningDelta {
        /// What is new.
        delta: String,
    },
    /// A tool is called.
    ToolStart {
        /// The call.
        id: String,
        /// The tool.
        name: String,
        /// Its arguments.
        args: Value,
    },
    /// A tool is done.
    ToolEnd {
        /// The call.
        id: String,
        /// The tool.
        name: String,
        /// What it returned.
        result: String,
        /// Whether it failed.
        is_error: bool,
    },
    /// An attempt failed and is repeated.
    Retrying {
        /// The number of the attempt that comes, from 2.
        attempt: usize,
        /// The pause before it.
        wait: Duration,
        /// Why.
        why: String,
        /// What of the text so far still holds; less than was shown when a shown answer is begun again.
        text: Arc<str>,
    },
    /// The next model of the list is asked.
    FellBack {
        /// The model that is given up.
        from_model: String,
        /// What its provider ran into.
        error: ProviderError,
        /// The provider that is asked now.
        provider: String,
        /// The model that is asked now.
        model: String,
        /// Why.
        why: String,
        /// As for [`RunEvent::Retrying`].
        text: Arc<str>,
    },
    /// A message is complete and may be stored: tool calls are stored before they run.
    Message(ModelMessage),
    /// What a model turn cost.
    Usage(Usage),
    /// It has ended. Always last.
    Finished {
        /// How.
        status: RunStatus,
        /// The whole answer.
        text: Arc<str>,
        /// The error's code.
        error_code: Option<&'static str>,
    },
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunStatus {
    /// With an answer.
    Ok,
    /// Because someone stopped it.
    Aborted,
    /// With an error.
    Error,
}

impl RunStatus {
    /// The status as text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Aborted => "aborted",
            Self::Error => "error",
        }
    }
}

/// What a run leaves.
#[derive(Debug, Clone)]
pub struct RunOutcome {
    /// How it ended.
    pub status: RunStatus,
    /// The answer, or what there is of it.
    pub text: String,
    /// Everything that was said after the person's message (which is not among them), tool calls and results included. The
    /// same messages came as [`RunEvent::Message`].
    pub messages: Vec<ModelMessage>,
    /// What it cost, all turns together.
    pub usage: Usage,
    /// Why the last turn ended.
    pub stop: StopReason,
    /// The provider and model that answered last.
    pub model: (String, String),
    /// Calls of the caller's own tools ([`crate::Wishes::tools`]) that the run ended with; the caller runs them.
    pub wanted: Vec<ToolCall>,
    /// What went wrong.
    pub error: Option<AgentError>,
}
