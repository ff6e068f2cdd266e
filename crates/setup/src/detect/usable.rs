//! What can be used: models, a browser, proxies.

use std::collections::BTreeSet;

use bulkhead_agent::{ProviderApi, ProviderSettings};
use bulkhead_profile::Environment;
use futures::future::join_all;

use super::{FoundChrome, FoundModel, FoundProxy};
use crate::world::World;

pub(super) async fn models(world: &World, listening: &BTreeSet<u16>) -> Vec<FoundModel> {
    let by_key = [
        ("ANTHROPIC_API_KEY", "anthropic", "anthropic", "https://api.anthropic.com"),
        ("OPENAI_API_KEY", "openai", "openai", "https://api.openai.com/v1"),
        ("OPENROUTER_API_KEY", "openrouter", "openai", "https://openrouter.ai/api/v1"),
    ];
    let mut found: Vec<FoundModel> = by_key
        .into_iter()
        .filter(|(variable, ..)| world.env.var(variable).is_some())
        .map(|(variable, provider, api, base_url)| FoundModel {
            kind: "env",
            provider,
            api,
            base_url: base_url.to_owned(),
            env_var: Some(variable),
            models: Vec::new(),
        })
        .collect();
    let local = [
        ("ollama", ProviderApi::Ollama, "ollama", 11_434, ""),
        ("lmstudio", ProviderApi::OpenAi, "openai", 1234, "/v1"),
        ("llamacpp", ProviderApi::OpenAi, "openai", 8080, "/v1"),
    ];
    let asked = local.into_iter().filter(|(.., port, _)| listening.contains(port)).map(
        async |(kind, api, word, port, path)| {
            let base_url = format!("http://127.0.0.1:{port}{path}");
            let models = world.live().models(&ProviderSettings::new(kind, api, &base_url)).await;
            // Something else may listen on a port that is as common as 8080.
            (!models.is_empty()).then_some(FoundModel {
                kind,
                provider: kind,
                api: word,
                base_url,
                env_var: None,
                models,
            })
        },
    );
    found.extend(join_all(asked).await.into_iter().flatten());
    found
}

/// The browser that the seat would start by itself: the seat's own list is asked.
pub(super) fn chrome(world: &World) -> Option<FoundChrome> {
    world.browser(None).ok().map(|path| FoundChrome { path })
}

pub(super) fn proxy(env: &Environment) -> FoundProxy {
    let named = |name: &str| {
        let text = env.var(name).or_else(|| env.var(&name.to_lowercase()))?;
        Some(match url::Url::parse(text) {
            Ok(mut url) if !url.username().is_empty() || url.password().is_some() => {
                let _ = url.set_username("");
                let _ = url.set_password(None);
                url.to_string()
            }
            _ => text.to_owned(),
        })
    };
    FoundProxy {
        https: named("HTTPS_PROXY"),
        http: named("HTTP_PROXY"),
        all: named("ALL_PROXY"),
        no: named("NO_PROXY"),
    }
}
