//! Documents over HTTP: for whoever shows a capability, or the shared secret.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri, header};
use axum::routing::any;
use bulkhead_canvas::{Address, Embedder, Kind, Page, Reach, headers as shield, page};

use crate::gateway::Gateway;
use crate::ui;

/// What a renderer's file is called in the built web UI.
const RENDERER: &str = "a2ui/renderer.js";

/// Everything below the two prefixes; whoever shows no good capability finds nothing there.
pub(crate) fn routes(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/__openclaw__/canvas/{*rest}", any(by_capability))
        .route("/__openclaw__/cap/{*rest}", any(by_capability))
        .with_state(gateway)
}

async fn by_capability(
    State(gateway): State<Arc<Gateway>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response<Body> {
    let embedder = embedder(&headers);
    if let Some(refused) = wrong_method(&method, embedder) {
        return refused;
    }
    // Whether the capability, the conversation or the document is wrong is nobody's to learn: the answer is one.
    let Some(address) = Address::read(uri.path()) else { return nothing(embedder) };
    let Some(reach) = gateway.canvas.capabilities.reach(address.token) else { return nothing(embedder) };
    let found = find(&gateway, address.document, &reach).await;
    found.map_or_else(|| nothing(embedder), |html| answer(&method, html, embedder))
}

/// With the shared secret, which the server asked for already.
pub(crate) async fn by_secret(
    State(gateway): State<Arc<Gateway>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response<Body> {
    let embedder = embedder(&headers);
    if let Some(refused) = wrong_method(&method, embedder) {
        return refused;
    }
    let Some(document) = Address::document_of(uri.path()) else { return nothing(embedder) };
    let found = find(&gateway, document, &Reach::All).await;
    found.map_or_else(|| nothing(embedder), |html| answer(&method, html, embedder))
}

/// The page of a document that a capability opens.
async fn find(gateway: &Gateway, id: &str, reach: &Reach) -> Option<String> {
    if let Some(html) = gateway.canvas.previewed(id) {
        let whole = Page { kind: Kind::Html, title: "", content: &html, renderer: None };
        return reach.opens(id, "").then(|| page(whole));
    }
    let (document, content) = gateway.store.canvas().get(id).await.ok()??;
    if !reach.opens(&document.id, &document.session_key) {
        return None;
    }
    let kind = Kind::parse(&document.kind)?;
    let renderer = ui::file(RENDERER).filter(|_| kind == Kind::A2ui);
    Some(page(Page { kind, title: &document.title, content: &content, renderer }))
}

fn embedder(headers: &HeaderMap) -> Embedder<'_> {
    headers.get(header::HOST).and_then(|host| host.to_str().ok()).map_or(Embedder::Nobody, Embedder::Host)
}

fn wrong_method(method: &Method, embedder: Embedder<'_>) -> Option<Response<Body>> {
    if [Method::GET, Method::HEAD].contains(method) {
        return None;
    }
    let mut response = shielded(StatusCode::METHOD_NOT_ALLOWED, "Only GET and HEAD.\n".to_owned(), embedder);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    Some(response)
}

fn nothing(embedder: Embedder<'_>) -> Response<Body> {
    shielded(StatusCode::NOT_FOUND, "There is no such document here (any more).\n".to_owned(), embedder)
}

fn answer(method: &Method, html: String, embedder: Embedder<'_>) -> Response<Body> {
    let length = html.len();
    let body = if method == Method::HEAD { String::new() } else { html };
    let mut response = shielded(StatusCode::OK, body, embedder);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    response
}

fn shielded(status: StatusCode, body: String, embedder: Embedder<'_>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    for (name, value) in shield(embedder) {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    response
}
