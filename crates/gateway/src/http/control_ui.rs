//! `/control-ui-config.json`: what the web UI wants to know before it connects.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::gateway::{Gateway, VERSION};

/// Names and switches only; nothing here is secret. What this gateway does not have is said to be off.
pub(super) async fn config(State(gateway): State<Arc<Gateway>>) -> Json<Value> {
    let settings = gateway.settings.now();
    let agent = settings.agent(settings.default_agent());
    let name = agent.as_ref().map_or("main", |agent| agent.name.as_str());
    let letter: String = name.chars().next().map_or_else(|| "?".to_owned(), |c| c.to_uppercase().collect());
    Json(json!({
        "basePath": settings.base_path(),
        "assistantName": name,
        "assistantAvatar": letter,
        "assistantAvatarSource": null,
        "assistantAvatarStatus": null,
        "assistantAvatarReason": null,
        "assistantAgentId": settings.default_agent(),
        "serverVersion": VERSION,
        "embedSandbox": "scripts",
        "allowExternalEmbedUrls": false,
        "automaticallyFetchFavicons": false,
        "communityInvite": false,
        "terminalEnabled": false,
        "cliAgentsEnabled": false,
        "pluginAssetsRequireAuth": true,
        "pluginFrameGrants": [],
        "profile": gateway.place.name().as_str(),
        "port": gateway.port,
        "authMode": gateway.access.mode_name(),
    }))
}
