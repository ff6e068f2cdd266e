//! `models.probe`: one short answer of a provider, asked for now.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_agent::{ProviderError, ProviderErrorKind, provider};
use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::models::{ModelsProbeParams, ModelsProbeResult, ModelsProbeTarget};
use bulkhead_server::Reply;

use crate::gateway::Gateway;
use crate::methods::Call;
use crate::settings::ModelRef;

/// The longest that a probe may take, whatever the client asks for.
const LONGEST_PROBE: Duration = Duration::from_secs(90);

/// Asks a provider for one short answer: with the model that the agent would take, else with its first.
pub(in crate::methods) async fn probe(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: ModelsProbeParams = call.params()?;
    let settings = gateway.settings.now();
    let Some(entry) = settings.provider(&params.provider) else {
        let known: Vec<&str> = settings.config.models.providers.keys().map(String::as_str).collect();
        return Err(ErrorShape::invalid_request(format!(
            "provider: found {:?}, expected one of models.providers ({})",
            params.provider,
            known.join(", ")
        )));
    };
    let agent = settings.agent(params.agent_id.as_deref().unwrap_or_else(|| settings.default_agent()));
    let chosen = agent
        .and_then(|agent| agent.models.into_iter().find(|which| which.provider == params.provider))
        .map(|which| which.model)
        .or_else(|| entry.models.first().map(|model| model.id.clone()));
    let Some(model) = chosen else {
        let why = format!(
            "provider {:?} has no model; add one to its models in the configuration",
            params.provider
        );
        return answer(params.provider, None, "no_model", None, Some(why));
    };
    let which = ModelRef { provider: params.provider.clone(), model };
    let limit = params.timeout_ms.map_or(provider::PROBE_TIMEOUT, Duration::from_millis).min(LONGEST_PROBE);
    let asked = match gateway.models.provider(&settings, &which) {
        Ok(ready) => provider::probe(&*ready, &which.model, limit).await,
        Err(why) => return answer(params.provider, Some(which.model), "auth", None, Some(why)),
    };
    match asked {
        Ok(probe) => answer(params.provider, Some(which.model), "ok", Some(probe.latency_ms), None),
        Err(error) => {
            answer(params.provider, Some(which.model), status_of(&error), None, Some(error.to_string()))
        }
    }
}

fn answer(
    provider: String,
    model: Option<String>,
    status: &str,
    latency_ms: Option<u64>,
    error: Option<String>,
) -> Result<Reply, ErrorShape> {
    let status = status.to_owned();
    let results = model
        .map(|label| ModelsProbeTarget { label, status: status.clone(), latency_ms, error: error.clone() })
        .into_iter()
        .collect();
    Reply::json(&ModelsProbeResult { provider, status, latency_ms, error, results })
}

fn status_of(error: &ProviderError) -> &'static str {
    match error.kind {
        ProviderErrorKind::KeyRejected => "auth",
        ProviderErrorKind::RateLimited => "rate_limit",
        ProviderErrorKind::Timeout => "timeout",
        ProviderErrorKind::StreamCut
        | ProviderErrorKind::Unreadable
        | ProviderErrorKind::TooLarge
        | ProviderErrorKind::Filtered => "format",
        _ => "unknown",
    }
}
