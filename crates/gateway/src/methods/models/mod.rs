//! `models.*`: the models that can be chosen, whether they can be asked, and whether they answer.

mod auth;
mod probe;

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::models::{ModelsListParams, ModelsView};
use bulkhead_server::Reply;
use serde_json::{Value, json};

use super::Call;
use crate::gateway::Gateway;
use crate::settings::{ModelRef, Settings};

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "models.list" => list,
    "models.authStatus" => auth::status,
    "models.probe" => probe::probe,
};

/// The rows of one view, the default first.
pub(super) async fn list(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: ModelsListParams = call.params()?;
    let settings = gateway.settings.now();
    let agent = agent_of(&params, &settings)?;
    if let Some(provider) = &params.provider
        && settings.provider(provider).is_none()
    {
        return Err(unknown_provider(provider, &settings));
    }
    let mut result = json!({});
    if params.refresh == Some(true) {
        let outcomes = gateway.models.discover(&settings, params.provider.as_deref()).await;
        result["providerOutcomes"] = outcomes
            .iter()
            .map(|(provider, status)| json!({"provider": provider, "status": status}))
            .collect();
    }
    let mut rows = view(gateway, &settings, &agent, params.view.unwrap_or_default());
    if let Some(provider) = &params.provider {
        rows.retain(|row| row["provider"] == provider.as_str());
    }
    result["models"] = rows.into();
    Reply::json(&result)
}

/// The agent that is asked about.
fn agent_of(params: &ModelsListParams, settings: &Settings) -> Result<String, ErrorShape> {
    let by_session = params.session_key.as_deref().and_then(crate::sessions::agent_of);
    if let (Some(named), Some(own)) = (params.agent_id.as_deref(), by_session)
        && named != own
    {
        return Err(ErrorShape::invalid_request(format!(
            "agentId {named:?} does not belong to the session: expected {own:?}, or no agentId beside sessionKey"
        )));
    }
    let id = params.agent_id.as_deref().or(by_session).unwrap_or_else(|| settings.default_agent());
    settings.agent(id).map(|agent| agent.id).ok_or_else(|| super::agents::unknown(id))
}

pub(super) fn unknown_provider(provider: &str, settings: &Settings) -> ErrorShape {
    let known: Vec<&str> = settings.config.models.providers.keys().map(String::as_str).collect();
    ErrorShape::invalid_request(format!(
        "provider: found {provider:?}, expected one of models.providers ({})",
        known.join(", ")
    ))
}

/// The rows of `models.list` as clients get them first, also part of `chat.startup`.
pub(super) fn models(gateway: &Gateway) -> Vec<Value> {
    let settings = gateway.settings.now();
    view(gateway, &settings, settings.default_agent(), ModelsView::Default)
}

pub(super) fn view(gateway: &Gateway, settings: &Settings, agent: &str, view: ModelsView) -> Vec<Value> {
    let chosen = settings.agent(agent).map_or_else(Vec::new, |agent| agent.models);
    let mut all: Vec<ModelRef> = if view == ModelsView::ProviderConfig { Vec::new() } else { chosen.clone() };
    let mut add = |which: ModelRef| {
        if !all.contains(&which) {
            all.push(which);
        }
    };
    for (provider, entry) in &settings.config.models.providers {
        for model in &entry.models {
            add(ModelRef { provider: provider.clone(), model: model.id.clone() });
        }
    }
    if view == ModelsView::All {
        gateway.models.discovered().into_iter().for_each(&mut add);
    }
    all.iter().map(|which| row(gateway, settings, which, &chosen)).collect()
}

fn row(gateway: &Gateway, settings: &Settings, which: &ModelRef, chosen: &[ModelRef]) -> Value {
    let entry = settings.model(which);
    let name = entry.and_then(|entry| entry.name.clone()).unwrap_or_else(|| which.model.clone());
    let mut tags = Vec::new();
    match chosen.iter().position(|one| one == which) {
        Some(0) => tags.push("default".to_owned()),
        Some(place) => tags.push(format!("fallback#{place}")),
        None => {}
    }
    if entry.is_some() || !tags.is_empty() {
        tags.push("configured".to_owned());
    }
    let rests = gateway.models.cooldowns().of(which);
    let unavailable = if gateway.models.missing(settings, which).is_some() {
        Some("missing-auth")
    } else if rests.is_some_and(|rests| rests.key_refused) {
        Some("auth-failed")
    } else {
        rests.map(|_| "cooldown")
    };
    let mut row = json!({
        "id": which.model,
        "name": name,
        "provider": which.provider,
        "contextWindow": settings.context_window(which),
        "reasoning": entry.is_some_and(|entry| entry.reasoning),
        "available": unavailable.is_none(),
        "local": is_local(settings, which),
        "supportsTools": true,
        "input": if settings.takes_pictures(which) { json!(["text", "image"]) } else { json!(["text"]) },
    });
    let thinking = crate::thinking::shown(settings, settings.default_agent(), Some(which));
    for name in ["thinkingLevels", "thinkingDefault"] {
        row[name] = thinking[name].clone();
    }
    if !tags.is_empty() {
        row["tags"] = tags.into();
    }
    if let Some(alias) = settings.alias(which) {
        row["alias"] = alias.into();
    }
    if let Some(reason) = unavailable {
        row["unavailableReason"] = reason.into();
    }
    if let Some(rests) = rests {
        row["unavailableUntil"] = rests.until_ms.into();
    }
    row
}

/// Whether a model's provider is on this machine, as its address says.
fn is_local(settings: &Settings, which: &ModelRef) -> bool {
    let address = settings.provider(&which.provider).and_then(|provider| provider.base_url.as_deref());
    match address.and_then(|address| url::Url::parse(address).ok()).as_ref().and_then(url::Url::host) {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
