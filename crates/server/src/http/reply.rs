//! JSON answers of the shell.

use axum::body::Body;
use http::{HeaderValue, Response, StatusCode, header};

/// A JSON answer that no cache may keep.
pub(crate) fn json(status: StatusCode, body: &serde_json::Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// An error in the shape of the OpenAI API, which all routes of the gateway use.
pub(crate) fn error(status: StatusCode, kind: &str, message: &str) -> Response<Body> {
    json(status, &serde_json::json!({ "error": { "message": message, "type": kind } }))
}

/// Headers that every answer carries.
pub(crate) fn harden(headers: &mut http::HeaderMap) {
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}
