//! The HTTP routes that need the domain: OpenAI-compatible endpoints, single tools, conversations, metrics, and the web UI's
//! configuration.

mod body;
mod control_ui;
mod hooks;
mod metrics;
mod openai;
mod sessions;
mod tools;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse as _;
use axum::routing::{any, get, post};
use serde_json::json;

use crate::canvas;
use crate::gateway::Gateway;

/// The routes that ask for the shared secret; the server checks it before they are reached.
pub(crate) fn routes(gateway: Arc<Gateway>) -> Router {
    let settings = gateway.settings.now();
    let mut router = Router::new()
        .route("/control-ui-config.json", get(control_ui::config))
        .route("/v1/models", get(openai::models))
        .route("/v1/models/{*id}", get(openai::model))
        .route("/v1/chat/completions", post(openai::chat::completions))
        .route("/v1/responses", post(openai::responses::create))
        .route("/v1/embeddings", post(openai::embeddings::create))
        .route("/tools/invoke", post(tools::invoke))
        .route("/sessions/{key}/history", get(sessions::history))
        .route("/sessions/{key}/kill", post(sessions::kill))
        .route("/__openclaw__/canvas/documents/{id}/{*file}", any(canvas::http::by_secret));
    let base = settings.base_path();
    if !base.is_empty() {
        router = router.route(&format!("{base}/control-ui-config.json"), get(control_ui::config));
    }
    if settings.config.gateway.metrics.require_auth {
        router = router.route("/metrics", get(metrics::text));
    }
    // Bodies are bounded where they are read: each route has its own limit.
    router.layer(DefaultBodyLimit::disable()).with_state(gateway)
}

/// The routes that anybody may ask, and those that bring their own proof.
pub(crate) fn open_routes(gateway: Arc<Gateway>) -> Router {
    let hooks = hooks::routes(Arc::clone(&gateway)).merge(canvas::http::routes(Arc::clone(&gateway)));
    if gateway.settings.now().config.gateway.metrics.require_auth {
        return hooks;
    }
    Router::new().route("/metrics", get(metrics::text)).with_state(gateway).merge(hooks)
}

/// `{"ok":false,"error":{…}}`, as the routes beside the OpenAI-compatible ones answer.
fn refusal(status: StatusCode, kind: &str, message: &str) -> Response<Body> {
    (status, axum::Json(json!({"ok": false, "error": {"type": kind, "message": message}}))).into_response()
}

/// Server-sent events, of which no cache may keep anything.
fn event_stream(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // A proxy that collects an answer before it passes it on would make a stream of it no more.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}
