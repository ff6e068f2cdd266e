//! The order in which a request meets the checks and the routes.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{self, Next};
use http::{Response, StatusCode};
use tower_http::limit::RequestBodyLimitLayer;

use super::bearer::{self, HttpCaller};
use super::guard::{self, Peer};
use super::ui::{Hosting, UiSource};
use super::{health, reply, ui, upgrade};
use crate::serve::Shared;

/// Puts everything behind one door: guard → upgrade → health → bearer routes → open routes → web UI.
pub(crate) fn router(shared: &Arc<Shared>, protected: Router, open: Router, ui: Hosting) -> Router {
    let ui = Arc::new(ui);
    let ui_is_on = !matches!(ui.source, UiSource::Off);
    // axum panics over a layer for no routes.
    let protected = if protected.has_routes() {
        protected.route_layer(middleware::from_fn_with_state(Arc::clone(shared), bearer::require))
    } else {
        protected
    };
    health::routes(shared)
        .merge(protected)
        .merge(open)
        .fallback(move |request: Request| {
            let ui = Arc::clone(&ui);
            async move {
                if !ui_is_on {
                    return reply::error(StatusCode::NOT_FOUND, "not_found", "Not Found");
                }
                let (parts, _) = request.into_parts();
                ui::serve(ui, parts.method, parts.uri.path().to_owned(), parts.headers).await
            }
        })
        .layer(DefaultBodyLimit::max(shared.limits.http_body))
        .layer(RequestBodyLimitLayer::new(shared.limits.http_body))
        .layer(middleware::from_fn_with_state(Arc::clone(shared), door))
}

/// In front of everything.
async fn door(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response<Body> {
    let mut response = match check(&shared, &request) {
        Ok(passed) if upgrade::is_wanted(request.headers()) => {
            upgrade::accept(&shared, request, passed.caller, passed.origin_allowed)
        }
        Ok(passed) if !passed.origin_allowed => reply::error(
            StatusCode::FORBIDDEN,
            "origin_not_allowed",
            "Web pages of other origins may not talk to this gateway. Allow this one in \
             gateway.controlUi.allowedOrigins if it is yours.",
        ),
        Ok(passed) => {
            request.extensions_mut().insert(HttpCaller::from(passed.caller));
            next.run(request).await
        }
        Err(refused) => *refused,
    };
    reply::harden(response.headers_mut());
    shared.info.traffic().answered(response.status());
    response
}

struct Passed {
    caller: guard::Caller,
    origin_allowed: bool,
}

fn check(shared: &Shared, request: &Request) -> Result<Passed, Box<Response<Body>>> {
    let forbidden = |kind, message| Err(Box::new(reply::error(StatusCode::FORBIDDEN, kind, message)));
    let Some(peer) = request.extensions().get::<Peer>() else {
        return forbidden("forbidden", "The connection is unknown.");
    };
    let policy = shared.authenticator.policy();
    let headers = request.headers();
    let Ok(caller) = guard::caller(peer.remote().ip(), headers, &policy) else {
        return forbidden(
            "proxy_attribution_required",
            "The request names a proxy that is not trusted. List the proxy in gateway.trustedProxies, or remove its \
             X-Forwarded headers.",
        );
    };
    if !guard::host_allowed(headers, peer.near(), &policy) {
        return forbidden(
            "host_not_allowed",
            "The Host is not this gateway. Use localhost or its address with its port, or allow the name in \
             gateway.controlUi.allowedOrigins.",
        );
    }
    Ok(Passed { caller, origin_allowed: guard::origin_allowed(headers, peer.near(), &policy) })
}
