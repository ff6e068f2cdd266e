//! `/health`, `/ready`, `/startup` and their `z` forms: open, GET and HEAD only.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::{MethodRouter, get};
use http::{Response, StatusCode};
use serde_json::json;

use super::reply;
use crate::serve::Shared;

pub(crate) fn routes(shared: &Arc<Shared>) -> Router {
    let live = probe(shared, |_| reply::json(StatusCode::OK, &json!({ "ok": true, "status": "live" })));
    let ready = probe(shared, ready);
    let startup = probe(shared, startup);
    Router::new()
        .route("/health", live.clone())
        .route("/healthz", live)
        .route("/ready", ready.clone())
        .route("/readyz", ready)
        .route("/startup", startup.clone())
        .route("/startupz", startup)
}

/// Other verbs get 405 from axum, with `Allow`.
fn probe(shared: &Arc<Shared>, answer: fn(&Shared) -> Response<Body>) -> MethodRouter {
    let shared = Arc::clone(shared);
    get(move || std::future::ready(answer(&shared)))
}

fn ready(shared: &Shared) -> Response<Body> {
    let lifecycle = shared.info.lifecycle();
    let failing = lifecycle.failing();
    let ready = failing.is_empty();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    reply::json(status, &json!({ "ready": ready, "failing": failing, "uptimeMs": lifecycle.uptime_ms() }))
}

fn startup(shared: &Shared) -> Response<Body> {
    let lifecycle = shared.info.lifecycle();
    let started = lifecycle.is_started();
    let status = if started { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    reply::json(
        status,
        &json!({
            "ok": started,
            "status": if started { "started" } else { "starting" },
            "version": shared.info.version,
            "uptimeMs": lifecycle.uptime_ms(),
        }),
    )
}
