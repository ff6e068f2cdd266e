//! The bearer check in front of the gateway's HTTP routes.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use super::guard::Caller;
use super::reply;
use crate::auth::{AuthMode, secret};
use crate::serve::Shared;

/// Who calls an HTTP route. The server puts it into the extensions of every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpCaller {
    /// The client's address.
    pub remote: IpAddr,
    /// Straight from this machine, through no proxy.
    pub loopback: bool,
}

impl From<Caller> for HttpCaller {
    fn from(caller: Caller) -> Self {
        Self { remote: caller.remote, loopback: caller.loopback }
    }
}

/// Lets requests with the shared secret through. Failures count together with those of WebSocket connects.
pub(crate) async fn require(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let policy = shared.authenticator.policy();
    if policy.mode == AuthMode::None {
        return next.run(request).await;
    }
    let Some(caller) = request.extensions().get::<HttpCaller>().copied() else {
        return unauthorized();
    };
    if let Some(wait) = shared.attempts.locked_out(caller.remote, caller.loopback) {
        let mut response = reply::error(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limited",
            "Too many failed authentication attempts from this address. Wait, then try again with the gateway's token.",
        );
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        return response;
    }
    let Some(presented) = bearer(request.headers()) else {
        return unauthorized();
    };
    if secret::matches(policy.shared_secret.as_ref(), presented) {
        shared.attempts.succeeded(caller.remote);
        return next.run(request).await;
    }
    shared.info.traffic().refused();
    let delay = shared.attempts.failed(caller.remote, caller.loopback);
    tokio::time::sleep(delay).await;
    unauthorized()
}

/// The token of `Authorization: Bearer …`, if exactly one such header is there.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

fn unauthorized() -> Response<Body> {
    let mut response = reply::error(StatusCode::UNAUTHORIZED, "unauthorized", "Unauthorized");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}
