//! Live checks: is it there, does it answer, how fast?

use std::time::{Duration, Instant};

use futures::StreamExt;
use serde::{Deserialize, Serialize};

use super::{ModelEvent, ModelInfo, ModelRequest, Provider};
use crate::error::{ProviderError, ProviderErrorKind};
use crate::message::{ModelMessage, Usage};

/// How long a probe waits unless told otherwise; a local model may have to be loaded first.
pub const PROBE_TIMEOUT: Duration = Duration::from_mins(1);

/// A probe that succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Probe {
    /// The provider's id.
    pub provider: String,
    /// The model that answered.
    pub model: String,
    /// Until the answer was complete.
    pub latency_ms: u64,
    /// What it said.
    pub text: String,
    /// What it cost.
    pub usage: Usage,
}

/// Asks `model` for a word and measures.
pub async fn probe(provider: &dyn Provider, model: &str, limit: Duration) -> Result<Probe, ProviderError> {
    let started = Instant::now();
    let request = ModelRequest {
        model: model.to_owned(),
        messages: vec![ModelMessage::user("Reply with the single word: ok")],
        // Enough for models that think first to end their turn by themselves, little enough to be cheap.
        max_tokens: Some(64),
        ..ModelRequest::default()
    };
    let asked = async {
        let mut stream = provider.stream(request).await?;
        while let Some(event) = stream.next().await {
            if let ModelEvent::Finished(reply) = event? {
                return Ok(*reply);
            }
        }
        Err(failure(
            provider,
            ProviderErrorKind::StreamCut,
            "the answer ended before it was complete".to_owned(),
        ))
    };
    let reply =
        tokio::time::timeout(limit, asked).await.unwrap_or_else(|_| Err(timed_out(provider, limit)))?;
    Ok(Probe {
        provider: provider.id().to_owned(),
        model: model.to_owned(),
        latency_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        text: reply.text,
        usage: reply.usage,
    })
}

/// The provider's models, within a time limit.
pub async fn list_models(provider: &dyn Provider, limit: Duration) -> Result<Vec<ModelInfo>, ProviderError> {
    tokio::time::timeout(limit, provider.list_models())
        .await
        .unwrap_or_else(|_| Err(timed_out(provider, limit)))
}

fn timed_out(provider: &dyn Provider, limit: Duration) -> ProviderError {
    failure(provider, ProviderErrorKind::Timeout, format!("no answer within {} s", limit.as_secs_f32()))
}

fn failure(provider: &dyn Provider, kind: ProviderErrorKind, found: String) -> ProviderError {
    ProviderError {
        kind,
        provider: provider.id().into(),
        place: provider.place().into(),
        status: None,
        found,
        retry_after: None,
    }
}
