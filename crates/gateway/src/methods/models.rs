//! `models.list`: the configured models.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_server::Reply;
use serde_json::{Value, json};

use super::Call;
use crate::gateway::Gateway;
use crate::settings::{ModelRef, Settings};

/// What the configuration offers, the default first.
pub(super) async fn list(gateway: &Arc<Gateway>, _call: Call<'_>) -> Result<Reply, ErrorShape> {
    Reply::json(&json!({"models": models(gateway)}))
}

/// The rows of `models.list`, also part of `chat.startup`.
pub(super) fn models(gateway: &Gateway) -> Vec<Value> {
    let settings = gateway.settings.now();
    let chosen = settings.agent(settings.default_agent()).map_or_else(Vec::new, |agent| agent.models);
    let mut all = chosen.clone();
    for (provider, entry) in &settings.config.models.providers {
        for model in &entry.models {
            let which = ModelRef { provider: provider.clone(), model: model.id.clone() };
            if !all.contains(&which) {
                all.push(which);
            }
        }
    }
    all.iter().map(|which| row(gateway, &settings, which, chosen.first() == Some(which))).collect()
}

fn row(gateway: &Gateway, settings: &Settings, which: &ModelRef, default: bool) -> Value {
    let entry = settings.model(which);
    let name = entry.and_then(|entry| entry.name.clone()).unwrap_or_else(|| which.model.clone());
    let mut tags = vec!["configured"];
    if default {
        tags.insert(0, "default");
    }
    let problem = gateway.models.missing(settings, which);
    let mut row = json!({
        "id": which.model,
        "name": name,
        "provider": which.provider,
        "contextWindow": settings.context_window(which),
        "reasoning": false,
        "tags": tags,
        "thinkingLevels": [{"id": "off", "label": "off"}],
        "thinkingDefault": "off",
        "available": problem.is_none(),
        "supportsTools": true,
        "input": ["text"],
    });
    if problem.is_some() {
        row["unavailableReason"] = "missing-auth".into();
    }
    row
}
