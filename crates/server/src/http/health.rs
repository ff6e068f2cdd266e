//! `/health`, `/ready`, `/startup` and their `z` forms: open, GET and HEAD only. The reasons of what fails are told to
//! callers on this machine only.

use std::sync::Arc;

use axum::body::Body;
use axum::routing::{MethodRouter, get};
use axum::{Extension, Router};
use http::{Response, StatusCode};
use serde_json::{Map, json};

use super::bearer::HttpCaller;
use super::reply;
use crate::info::Failure;
use crate::serve::Shared;

pub(crate) fn routes(shared: &Arc<Shared>) -> Router {
    let live = probe(shared, |_, _| reply::json(StatusCode::OK, &json!({ "ok": true, "status": "live" })));
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
fn probe(shared: &Arc<Shared>, answer: fn(&Shared, bool) -> Response<Body>) -> MethodRouter {
    let shared = Arc::clone(shared);
    get(move |caller: Option<Extension<HttpCaller>>| {
        let here = caller.is_some_and(|Extension(caller)| caller.loopback);
        std::future::ready(answer(&shared, here))
    })
}

fn ready(shared: &Shared, here: bool) -> Response<Body> {
    let lifecycle = shared.info.lifecycle();
    let failing = lifecycle.failing();
    let ready = failing.is_empty();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut body = json!({ "ready": ready, "failing": failing, "uptimeMs": lifecycle.uptime_ms() });
    if here {
        let detail =
            |failure: Failure| (failure.what, json!({ "code": failure.code, "message": failure.message }));
        body["details"] = lifecycle.failures().into_iter().map(detail).collect::<Map<_, _>>().into();
    }
    reply::json(status, &body)
}

fn startup(shared: &Shared, _here: bool) -> Response<Body> {
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
