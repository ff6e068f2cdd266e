//! The HTTP routes that need the domain: OpenAI-compatible endpoints and the web UI's configuration.

mod control_ui;
mod openai;
pub(crate) mod openai_wire;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use crate::gateway::Gateway;

/// Largest body of a chat completion.
const BODY: usize = 8 * 1024 * 1024;

/// The routes that ask for the shared secret; the server checks it before they are reached.
pub(crate) fn routes(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/control-ui-config.json", get(control_ui::config))
        .route("/v1/models", get(openai::models))
        .route("/v1/models/{*id}", get(openai::model))
        .route("/v1/chat/completions", post(openai::chat_completions).layer(DefaultBodyLimit::max(BODY)))
        .with_state(gateway)
}
