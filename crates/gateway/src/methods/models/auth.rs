//! `models.authStatus`: which providers have a key. Keys themselves never travel by protocol, in neither direction.

use std::sync::Arc;

use bulkhead_config::SecretSource;
use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::models::ModelsAuthStatusParams;
use bulkhead_server::Reply;
use serde_json::{Value, json};

use crate::clock;
use crate::gateway::Gateway;
use crate::methods::Call;
use crate::settings::{ModelRef, Settings};

/// One row per configured provider.
pub(in crate::methods) async fn status(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: ModelsAuthStatusParams = call.params()?;
    let settings = gateway.settings.now();
    if let Some(id) = params.agent_id.as_deref().filter(|id| settings.agent(id).is_none()) {
        return Err(crate::methods::agents::unknown(id));
    }
    if params.refresh == Some(true) {
        gateway.models.discover(&settings, None).await;
    }
    let ids = || settings.config.models.providers.keys();
    let rows: Vec<Value> = ids().map(|id| row(gateway, &settings, id)).collect();
    // No key can be entered by protocol: `bulkhead secrets set` on the machine is the way.
    let capabilities: Vec<Value> = ids()
        .map(|id| json!({"provider": id, "apiKeySupported": false, "quickApiKeySetup": false}))
        .collect();
    Reply::json(&json!({"ts": clock::now_ms(), "providers": rows, "providerCapabilities": capabilities}))
}

fn row(gateway: &Gateway, settings: &Settings, id: &str) -> Value {
    let key = settings.provider(id).and_then(|entry| entry.api_key.as_ref());
    let which = ModelRef { provider: id.to_owned(), model: String::new() };
    let missing = key.is_some() && gateway.models.missing(settings, &which).is_some();
    let mut row = json!({
        "provider": id,
        "authProvider": id,
        "displayName": id,
        "status": if missing { "missing" } else { "static" },
        "profiles": [],
    });
    if let Some(key) = key {
        let from_variable = key.reference().filter(|one| one.source == SecretSource::Env);
        row["apiKey"] = match from_variable {
            Some(reference) => json!({"source": "env", "envVar": reference.id}),
            None => json!({"source": "config"}),
        };
    }
    row
}
