//! `/control-ui-config.json`: what the web UI wants to know before it connects.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::gateway::{Gateway, VERSION};

/// Names only; nothing here is secret.
pub(super) async fn config(State(gateway): State<Arc<Gateway>>) -> Json<Value> {
    let settings = gateway.settings.now();
    let agent = settings.agent(settings.default_agent());
    Json(json!({
        "basePath": "",
        "assistantName": agent.as_ref().map_or("main", |agent| agent.name.as_str()),
        "assistantAgentId": settings.default_agent(),
        "serverVersion": VERSION,
        "profile": gateway.place.name().as_str(),
        "port": gateway.port,
        "authMode": gateway.access.mode_name(),
    }))
}
