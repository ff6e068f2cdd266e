//! `bulkhead models probe`.

use std::sync::Arc;

use bulkhead_agent::{Provider, ProviderApi, ProviderSettings, provider};
use bulkhead_config::{Config, ModelApi, Provider as ConfiguredProvider};
use bulkhead_profile::Place;
use bulkhead_secrets::SecretId;
use serde::Serialize;
use serde_json::json;

use crate::asking;
use crate::commands::DONE;
use crate::context::{Context, config};
use crate::error::{FAILED, Failure};
use crate::output::paint;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Probed {
    model: String,
    ok: bool,
    latency_ms: Option<u64>,
    code: Option<String>,
    message: Option<String>,
}

pub(super) fn probe(context: &Context, only: Option<&str>) -> Result<u8, Failure> {
    let place = context.place()?;
    let config = config(&place)?.config;
    let wanted = wanted(&config, only)?;
    let probed = context.block_on(async {
        let mut probed = Vec::new();
        for (id, model) in wanted {
            probed.push(probe_one(context, &place, &config, &id, &model).await);
        }
        Ok(probed)
    })?;
    let ok = probed.iter().all(|one| one.ok);
    context.out.result(&json!({ "ok": ok, "models": probed }), || {
        let line = |one: &Probed| match one.latency_ms {
            Some(ms) => format!("{} {} answered within {ms} ms", paint::good("ok"), one.model),
            None => format!(
                "{} {}: {}",
                paint::bad("failed"),
                one.model,
                one.message.as_deref().unwrap_or_default()
            ),
        };
        probed.iter().map(line).collect::<Vec<_>>().join("\n")
    });
    Ok(if ok { DONE } else { FAILED })
}

/// Provider and model of each one that is to be asked.
fn wanted(config: &Config, only: Option<&str>) -> Result<Vec<(String, String)>, Failure> {
    let all: Vec<(String, String)> = config
        .models
        .providers
        .iter()
        .flat_map(|(id, provider)| provider.models.iter().map(move |model| (id.clone(), model.id.clone())))
        .collect();
    let Some(only) = only else {
        if all.is_empty() {
            return Err(Failure::failed(
                "models.none",
                "no model is configured: expected one in models.providers; add it with `bulkhead onboard`",
            ));
        }
        return Ok(all);
    };
    let found = only.split_once('/').filter(|(provider, _)| config.models.providers.contains_key(*provider));
    let (provider, model) = found.ok_or_else(|| {
        let known: Vec<String> = all.iter().map(|(provider, model)| format!("{provider}/{model}")).collect();
        Failure::usage(format!(
            "no model {only:?} is configured: expected provider/model, one of {}",
            known.join(", ")
        ))
    })?;
    Ok(vec![(provider.to_owned(), model.to_owned())])
}

async fn probe_one(context: &Context, place: &Place, config: &Config, id: &str, model: &str) -> Probed {
    let name = format!("{id}/{model}");
    let outcome = async {
        let provider = build(context, place, config, id).await?;
        provider::probe(provider.as_ref(), model, provider::PROBE_TIMEOUT)
            .await
            .map_err(|error| (error.code().to_owned(), error.to_string()))
    };
    match outcome.await {
        Ok(probe) => {
            Probed { model: name, ok: true, latency_ms: Some(probe.latency_ms), code: None, message: None }
        }
        Err((code, message)) => {
            Probed { model: name, ok: false, latency_ms: None, code: Some(code), message: Some(message) }
        }
    }
}

async fn build(
    context: &Context,
    place: &Place,
    config: &Config,
    id: &str,
) -> Result<Arc<dyn Provider>, (String, String)> {
    let Some(entry) = config.models.providers.get(id) else {
        return Err(("models.unknown".to_owned(), format!("no provider {id:?} in models.providers")));
    };
    let (api, home) = api(entry);
    let mut settings = ProviderSettings::new(id, api, entry.base_url.as_deref().unwrap_or(home));
    if entry.api_key.is_some() {
        let key =
            asking::secret(context, place, config, entry.api_key.as_ref(), &SecretId::model_api_key(id))
                .await;
        settings.api_key = Some(key.map_err(|error| (error.code().to_owned(), error.to_string()))?);
    }
    settings.headers.clone_from(&entry.headers);
    settings.proxy.clone_from(&entry.proxy);
    provider::build(settings).map_err(|error| (error.code().to_owned(), error.to_string()))
}

fn api(entry: &ConfiguredProvider) -> (ProviderApi, &'static str) {
    match entry.api {
        ModelApi::OpenAi => (ProviderApi::OpenAi, "https://api.openai.com/v1"),
        ModelApi::Anthropic => (ProviderApi::Anthropic, "https://api.anthropic.com"),
        ModelApi::Ollama => (ProviderApi::Ollama, "http://127.0.0.1:11434"),
    }
}
