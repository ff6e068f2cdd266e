//! What can go wrong, in words for a person and a code for programs.

use std::sync::Arc;
use std::time::Duration;

/// Everything this crate can fail with.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AgentError {
    /// The model provider.
    #[error(transparent)]
    Provider(#[from] Box<ProviderError>),
    /// Too many messages wait for one session.
    #[error(
        "session {session}: {waiting} messages are already waiting for their turn; expected at most {limit}. Wait for an \
         answer or abort the running one"
    )]
    LaneFull {
        /// The session's key.
        session: String,
        /// How many wait.
        waiting: usize,
        /// The bound.
        limit: usize,
    },
    /// The person or the program stopped it.
    #[error("the run was aborted")]
    Aborted,
    /// The model kept calling tools.
    #[error(
        "the run was stopped after {steps} model turns: the model kept calling tools; expected an answer by then. Ask again \
         in smaller steps, or raise the step limit"
    )]
    StepLimit {
        /// Turns that were taken.
        steps: usize,
    },
    /// The model ended its turn without saying anything.
    #[error(
        "model {model} of provider {provider} ended its turn ({stop}) without an answer; expected text or a tool call. {next_step}"
    )]
    EmptyAnswer {
        /// The provider's id.
        provider: String,
        /// The model.
        model: String,
        /// Why it stopped.
        stop: &'static str,
        /// What to do.
        next_step: &'static str,
    },
    /// The workspace cannot be used.
    #[error("workspace {path}: {found}; expected {expected}. {next_step}")]
    Workspace {
        /// The folder.
        path: String,
        /// What is wrong.
        found: String,
        /// What should be there.
        expected: &'static str,
        /// What to do.
        next_step: &'static str,
    },
}

impl AgentError {
    /// A stable code: programs branch on it, never on the text.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Provider(error) => error.code(),
            Self::LaneFull { .. } => "session-queue-full",
            Self::Aborted => "run-aborted",
            Self::StepLimit { .. } => "run-step-limit",
            Self::EmptyAnswer { .. } => "model-empty-answer",
            Self::Workspace { .. } => "workspace-unusable",
        }
    }

    /// Whether the same message may be answered later without a change on this side.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Provider(error) => error.kind.is_retryable(),
            Self::LaneFull { .. } => true,
            _ => false,
        }
    }
}

impl From<ProviderError> for AgentError {
    fn from(error: ProviderError) -> Self {
        Self::Provider(Box::new(error))
    }
}

/// The kinds of trouble with a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProviderErrorKind {
    /// The settings cannot work (address, key, header).
    Settings,
    /// No connection: refused, unknown host, TLS.
    Unreachable,
    /// Connected, but no answer in time.
    Timeout,
    /// 401 or 403.
    KeyRejected,
    /// 404: the model or the address.
    NotFound,
    /// 429.
    RateLimited,
    /// 5xx, or an error in a stream.
    Unavailable,
    /// The conversation is longer than the model takes.
    ContextExceeded,
    /// Any other 4xx.
    Refused,
    /// 3xx: keys never travel to another host.
    Redirected,
    /// The stream ended before the answer did.
    StreamCut,
    /// Not the format that was agreed on.
    Unreadable,
    /// More bytes than any answer has.
    TooLarge,
    /// The provider's filter held the answer back.
    Filtered,
}

impl ProviderErrorKind {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Settings => "model-settings-invalid",
            Self::Unreachable => "model-unreachable",
            Self::Timeout => "model-timeout",
            Self::KeyRejected => "model-key-rejected",
            Self::NotFound => "model-not-found",
            Self::RateLimited => "model-rate-limited",
            Self::Unavailable => "model-unavailable",
            Self::ContextExceeded => "model-context-exceeded",
            Self::Refused => "model-request-refused",
            Self::Redirected => "model-redirected",
            Self::StreamCut => "model-stream-cut",
            Self::Unreadable => "model-reply-unreadable",
            Self::TooLarge => "model-reply-too-large",
            Self::Filtered => "model-answer-filtered",
        }
    }

    /// Whether trying again may help.
    pub const fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::Unreachable | Self::RateLimited | Self::Unavailable | Self::StreamCut | Self::Unreadable
        )
    }

    const fn expected(self) -> &'static str {
        match self {
            Self::Settings => "settings a request can be made from",
            Self::Unreachable => "a connection",
            Self::Timeout => "an answer in time",
            Self::KeyRejected => "a key that this provider accepts",
            Self::NotFound => "a model and an address that this provider has",
            Self::RateLimited => "room within the provider's limits",
            Self::Unavailable => "a working provider",
            Self::ContextExceeded => "a conversation that fits the model",
            Self::Refused => "a request that this provider accepts",
            Self::Redirected => "an answer from this very host (keys are never sent on to another one)",
            Self::StreamCut => "a complete answer",
            Self::Unreadable => "an answer in the configured API's format",
            Self::TooLarge => "an answer of reasonable size",
            Self::Filtered => "an answer",
        }
    }

    const fn next_step(self) -> &'static str {
        match self {
            Self::Settings => "Correct the provider in models.providers",
            Self::Unreachable => "Check that the provider runs, its baseUrl, and the proxy",
            Self::Timeout => "Try again; a local model may still be loading",
            Self::KeyRejected => "Enter the key again: `bulkhead secrets set models/<provider>/api-key -`",
            Self::NotFound => {
                "See `bulkhead models list`, and that baseUrl is right (OpenAI-compatible ones mostly end in /v1)"
            }
            Self::RateLimited => "Wait, or use another model or provider",
            Self::Unavailable => "Try again in a while, or set agents.defaults.model.fallbacks",
            Self::ContextExceeded => "Start a new session, or use a model with a larger context",
            Self::Refused => "Check the model's name and abilities (tools, streaming)",
            Self::Redirected => "Set baseUrl to the address that the provider really serves",
            Self::StreamCut => "Ask again; if it repeats, look at the proxy or the provider",
            Self::Unreadable => "Check `api` and `baseUrl` of the provider",
            Self::TooLarge => "Ask for less at once",
            Self::Filtered => "Ask in other words",
        }
    }
}

/// Trouble with a model provider. It names provider, place, status and cause; never the key, never a URL's query.
#[derive(Debug, Clone, thiserror::Error)]
#[error("model provider {provider} at {place}: {found}; expected {}. {}", .kind.expected(), self.next_step())]
pub struct ProviderError {
    /// What kind of trouble.
    pub kind: ProviderErrorKind,
    /// The provider's id in the config.
    pub provider: Arc<str>,
    /// Scheme, host and port.
    pub place: Arc<str>,
    /// The HTTP status, if one came.
    pub status: Option<u16>,
    /// What was found instead.
    pub found: String,
    /// How long the provider asked to wait.
    pub retry_after: Option<Duration>,
}

impl ProviderError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// What a person can do now.
    pub const fn next_step(&self) -> &'static str {
        self.kind.next_step()
    }

    /// What was expected instead.
    pub const fn expected(&self) -> &'static str {
        self.kind.expected()
    }
}
