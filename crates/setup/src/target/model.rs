//! The model of a plan, resolved.

use bulkhead_agent::{ProviderApi, ProviderSettings};
use bulkhead_profile::Finding;

use super::check_address;
use crate::event::error;
use crate::plan::ModelPlan;

/// The model of a plan, with the provider's defaults filled in.
pub(crate) struct ModelTarget<'p> {
    pub(crate) plan: &'p ModelPlan,
    pub(crate) api: ProviderApi,
    pub(crate) base_url: String,
}

impl ModelTarget<'_> {
    pub(crate) fn settings(&self, proxy: Option<&str>) -> ProviderSettings {
        let mut settings = ProviderSettings::new(&self.plan.provider, self.api, &self.base_url);
        settings.api_key.clone_from(&self.plan.api_key);
        settings.proxy = proxy.map(str::to_owned);
        settings
    }
}

pub(crate) fn model(plan: &ModelPlan) -> Result<ModelTarget<'_>, Finding> {
    let bad = |field: &str, found: &str, expected: &str, next: &str| {
        error("model-plan-invalid", &[], format!("model.{field}"), found, expected, next)
    };
    let id_fits = !plan.provider.is_empty()
        && plan.provider.len() <= 64
        && plan.provider.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if !id_fits {
        return Err(bad(
            "provider",
            "another name",
            "letters, digits, `-`, `_` and `.`",
            "choose a short name, such as custom",
        ));
    }
    if plan.model_id.trim().is_empty() || plan.model_id.chars().any(char::is_control) {
        return Err(bad(
            "modelId",
            "no model",
            "the model's name as the provider calls it",
            "choose a model",
        ));
    }
    let by_provider = match plan.provider.as_str() {
        "anthropic" => "anthropic",
        "ollama" => "ollama",
        _ => "openai",
    };
    let word = plan.api.as_deref().unwrap_or(by_provider);
    let Some(api) = ProviderApi::parse(word) else {
        return Err(bad(
            "api",
            "another word",
            "openai, anthropic or ollama",
            "choose the wire format that the server speaks",
        ));
    };
    let known = match (plan.provider.as_str(), api) {
        ("openai", _) => Some("https://api.openai.com/v1"),
        ("openrouter", _) => Some("https://openrouter.ai/api/v1"),
        ("lmstudio", _) => Some("http://127.0.0.1:1234/v1"),
        ("llamacpp", _) => Some("http://127.0.0.1:8080/v1"),
        (_, ProviderApi::Anthropic) => Some("https://api.anthropic.com"),
        (_, ProviderApi::Ollama) => Some("http://127.0.0.1:11434"),
        _ => None,
    };
    let Some(base_url) = plan.base_url.as_deref().filter(|url| !url.is_empty()).or(known) else {
        return Err(bad(
            "baseUrl",
            "none",
            "the address of the server",
            "add baseUrl, such as http://127.0.0.1:8080/v1",
        ));
    };
    if let Err(found) = check_address(base_url, &["http", "https"]) {
        return Err(bad(
            "baseUrl",
            &found,
            "an address that begins with http:// or https://",
            "write it in full, such as http://127.0.0.1:8080/v1",
        ));
    }
    Ok(ModelTarget { plan, api, base_url: base_url.trim_end_matches('/').to_owned() })
}
