//! What went wrong with a model, in the words of an error.

use std::time::Duration;

use crate::error::{AgentError, ProviderError, ProviderErrorKind};
use crate::message::StopReason;
use crate::provider::Provider;

/// The model said nothing.
pub(super) fn empty_answer((provider, model): (String, String), stop: StopReason) -> AgentError {
    let next_step = match stop {
        StopReason::Length => "Raise maxTokens of the model, or ask for less",
        _ => "Ask again, or use another model",
    };
    AgentError::EmptyAnswer { provider, model, stop: stop.as_str(), next_step }
}

pub(super) fn timed_out(provider: &dyn Provider, limit: Duration) -> AgentError {
    let found = format!("nothing was heard for {} s", limit.as_secs_f32());
    provider_error(provider, ProviderErrorKind::Timeout, found)
}

pub(super) fn cut(provider: &dyn Provider) -> AgentError {
    provider_error(
        provider,
        ProviderErrorKind::StreamCut,
        "the answer ended before it was complete".to_owned(),
    )
}

pub(super) fn provider_error(provider: &dyn Provider, kind: ProviderErrorKind, found: String) -> AgentError {
    AgentError::from(ProviderError {
        kind,
        provider: provider.id().into(),
        place: provider.place().into(),
        status: None,
        found,
        retry_after: None,
    })
}
