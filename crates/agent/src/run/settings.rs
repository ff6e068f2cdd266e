//! How runs are done, and what one is about.

use std::sync::Arc;
use std::time::Duration;

use crate::message::{ModelMessage, Picture};
use crate::provider::{Provider, Thinking, ToolDefinition};

/// When and how often a failed attempt is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts per model and turn, the first included.
    pub attempts: usize,
    /// Pause before the second attempt; it doubles from then on, with jitter.
    pub first_pause: Duration,
    /// No pause is longer.
    pub longest_pause: Duration,
    /// A provider that asks for a longer wait is not waited for.
    pub longest_retry_after: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 4,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(20),
            longest_retry_after: Duration::from_mins(1),
        }
    }
}

/// A model that can be asked.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its provider.
    pub provider: Arc<dyn Provider>,
    /// Its id there.
    pub model: String,
    /// How long its answers may be.
    pub max_tokens: Option<u64>,
    /// How much it takes.
    pub context_window: Option<u32>,
    /// How hard it thinks; nothing for one that cannot.
    pub thinking: Option<Thinking>,
}

/// How runs are done.
#[derive(Debug, Clone)]
pub struct RunSettings {
    /// The model, then its fallbacks.
    pub candidates: Vec<Candidate>,
    /// Model turns per run.
    pub max_steps: usize,
    /// Tool calls per model turn.
    pub max_calls_per_step: usize,
    /// Bytes of a tool's result that the model gets to see.
    pub max_tool_result: usize,
    /// How long a tool may take.
    pub tool_timeout: Duration,
    /// Bytes of earlier conversation that are sent along. With a known context window, never more than fits into about half of it.
    pub max_history: usize,
    /// How long the first sign of an answer may take; a local model may have to be loaded first.
    pub first_timeout: Duration,
    /// How long an answer may pause.
    pub stall_timeout: Duration,
    /// Small pieces of text are collected for so long.
    pub flush_interval: Duration,
    /// Repetition.
    pub retry: RetryPolicy,
    /// Whether the receiver replaces shown text by [`RunEvent::Retrying`]'s (chat, Telegram): then an answer that was cut after its
    /// beginning was shown is begun again. A receiver that only appends must leave this off and gets a clear error instead.
    pub revisable: bool,
}

impl RunSettings {
    /// Settings for one model of one provider.
    pub fn new(provider: Arc<dyn Provider>, model: impl Into<String>) -> Self {
        Self {
            candidates: vec![Candidate {
                provider,
                model: model.into(),
                max_tokens: None,
                context_window: None,
                thinking: None,
            }],
            max_steps: 32,
            max_calls_per_step: 16,
            max_tool_result: 64 * 1024,
            tool_timeout: Duration::from_mins(3),
            max_history: 512 * 1024,
            first_timeout: Duration::from_mins(5),
            stall_timeout: Duration::from_mins(2),
            flush_interval: Duration::from_millis(50),
            retry: RetryPolicy::default(),
            revisable: false,
        }
    }

    /// Another model for when those before it fail.
    #[must_use]
    pub fn fallback(mut self, provider: Arc<dyn Provider>, model: impl Into<String>) -> Self {
        self.candidates.push(Candidate {
            provider,
            model: model.into(),
            max_tokens: None,
            context_window: None,
            thinking: None,
        });
        self
    }

    /// See [`RunSettings::revisable`].
    #[must_use]
    pub const fn revisable(mut self, revisable: bool) -> Self {
        self.revisable = revisable;
        self
    }

    /// Bytes of history to send: half of the context (a token is about three bytes), less the prompt, and never more than the limit.
    pub(super) fn history_limit(&self, prompt: usize) -> usize {
        let smallest = self.candidates.iter().filter_map(|candidate| candidate.context_window).min();
        smallest.map_or(self.max_history, |tokens| {
            let fits = usize::try_from(tokens).unwrap_or(usize::MAX).saturating_mul(3) / 2;
            fits.saturating_sub(prompt).min(self.max_history)
        })
    }
}

/// What a run is about.
#[derive(Debug, Clone, Default)]
pub struct RunInput {
    /// The session.
    pub session_key: String,
    /// The run.
    pub run_id: String,
    /// What was said before, oldest first, without `user`.
    pub history: Vec<ModelMessage>,
    /// What the person says now; empty when the run goes on after results that its caller brings in the history.
    pub user: String,
    /// The pictures that come with it.
    pub pictures: Vec<Picture>,
    /// The system prompt.
    pub system: String,
    /// What a caller asks for beside the answer.
    pub wishes: Wishes,
}

/// What a caller of one run may ask for: tools that it runs itself, and how the model answers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wishes {
    /// Tools of the caller. A run that wants one ends there and hands the calls back ([`crate::RunOutcome::wanted`]); the
    /// caller comes back with the results as history, and nothing new said.
    pub tools: Vec<ToolDefinition>,
    /// How long the answer may be, in tokens; never more than the model's own limit.
    pub max_tokens: Option<u64>,
    /// 0 to 2.
    pub temperature: Option<f64>,
    /// Further fields of an OpenAI-compatible request.
    pub extra: serde_json::Map<String, serde_json::Value>,
}

impl RunInput {
    /// A message in a session.
    pub fn new(session_key: impl Into<String>, run_id: impl Into<String>, user: impl Into<String>) -> Self {
        Self { session_key: session_key.into(), run_id: run_id.into(), user: user.into(), ..Self::default() }
    }

    /// With this system prompt.
    #[must_use]
    pub fn system(mut self, system: impl Into<String>) -> Self {
        self.system = system.into();
        self
    }

    /// With these pictures.
    #[must_use]
    pub fn pictures(mut self, pictures: Vec<Picture>) -> Self {
        self.pictures = pictures;
        self
    }

    /// With wishes.
    #[must_use]
    pub fn wishes(mut self, wishes: Wishes) -> Self {
        self.wishes = wishes;
        self
    }

    /// After this conversation.
    #[must_use]
    pub fn history(mut self, history: Vec<ModelMessage>) -> Self {
        self.history = history;
        self
    }
}
