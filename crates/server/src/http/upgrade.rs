//! From HTTP to WebSocket.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::Request;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Version, header};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::guard::{Caller, Peer};
use super::reply;
use crate::conn::session;
use crate::serve::Shared;

/// A socket that is about to introduce itself.
#[derive(Debug)]
pub(crate) struct Visitor {
    pub(crate) caller: Caller,
    /// Its `Origin` is one of ours, or it has none.
    pub(crate) origin_allowed: bool,
    /// Its place among the sockets that are not admitted yet.
    pub(crate) slot: PreAuthSlot,
    /// Its place among all connections.
    pub(crate) peer: Peer,
}

/// Whether a request asks to become a WebSocket.
pub(crate) fn is_wanted(headers: &HeaderMap) -> bool {
    has_token(headers, &header::UPGRADE, "websocket")
}

/// Answers an upgrade and begins the session when the connection has been handed over.
pub(crate) fn accept(
    shared: &Arc<Shared>,
    mut request: Request,
    caller: Caller,
    origin_allowed: bool,
) -> Response<Body> {
    let bad = |message| reply::error(StatusCode::BAD_REQUEST, "invalid_upgrade", message);
    let headers = request.headers();
    if request.method() != Method::GET || request.version() < Version::HTTP_11 {
        return bad("A WebSocket upgrade is a GET of HTTP/1.1.");
    }
    if !has_token(headers, &header::CONNECTION, "upgrade") {
        return bad("A WebSocket upgrade needs the header Connection: Upgrade.");
    }
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        let mut response = reply::error(
            StatusCode::UPGRADE_REQUIRED,
            "invalid_upgrade",
            "Only WebSocket version 13 is spoken here (Sec-WebSocket-Version: 13).",
        );
        response.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        return response;
    }
    let Some(key) = headers.get(header::SEC_WEBSOCKET_KEY).filter(|key| key.len() == 24) else {
        return bad("A WebSocket upgrade needs a Sec-WebSocket-Key of 16 bytes in base64.");
    };
    let accept = derive_accept_key(key.as_bytes());
    let Some(peer) = request.extensions().get::<Peer>().cloned() else {
        return reply::error(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The connection is unknown.");
    };
    if shared.info.lifecycle().is_stopping() {
        return reply::error(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The gateway is stopping.");
    }
    let Some(slot) = shared.pre_auth.take((caller.remote, origin_allowed)) else {
        return reply::error(
            StatusCode::SERVICE_UNAVAILABLE,
            "too_many_connections",
            "Too many connections from this address wait to authenticate. Close some, then try again.",
        );
    };
    let visitor = Visitor { caller, origin_allowed, slot, peer };
    let upgrade = hyper::upgrade::on(&mut request);
    let session_shared = Arc::clone(shared);
    shared.sockets.spawn(async move {
        match upgrade.await {
            Ok(upgraded) => session::run(session_shared, upgraded, visitor).await,
            Err(error) => tracing::trace!(%error, "an upgrade was not completed"),
        }
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(&accept) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}

/// Whether a comma-separated header names a token.
fn has_token(headers: &HeaderMap, name: &header::HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|part| part.trim().eq_ignore_ascii_case(token))
}

/// Whose sockets are counted together. Web pages of strangers count apart, so that they cannot take the places of
/// the programs on their visitor's machine.
type Origin = (IpAddr, bool);

/// Counts, per address, the sockets that are not admitted yet.
#[derive(Debug)]
pub(crate) struct PreAuthSlots {
    counts: Arc<Mutex<HashMap<Origin, usize>>>,
    max: usize,
}

impl PreAuthSlots {
    pub(crate) fn new(max: usize) -> Self {
        Self { counts: Arc::default(), max }
    }

    fn take(&self, origin: Origin) -> Option<PreAuthSlot> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(origin).or_insert(0);
        if *count >= self.max {
            return None;
        }
        *count += 1;
        Some(PreAuthSlot { counts: Arc::clone(&self.counts), origin })
    }
}

/// A socket that is not admitted yet. Dropped when it is, or when it leaves.
#[derive(Debug)]
pub(crate) struct PreAuthSlot {
    counts: Arc<Mutex<HashMap<Origin, usize>>>,
    origin: Origin,
}

impl Drop for PreAuthSlot {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.origin) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.origin);
            }
        }
    }
}
