//! `/v1/…`, for programs that speak to OpenAI. Every agent is a model there.

mod bounds;
pub(super) mod chat;
mod chat_reply;
mod chat_wire;
mod client_tools;
mod conversation;
pub(super) mod embeddings;
mod follow;
mod pictures;
pub(super) mod responses;
mod responses_wire;
mod target;
mod wire_error;

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bulkhead_protocol::{ErrorCode, ErrorShape};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use self::wire_error::WireError;
use super::body;
use crate::gateway::Gateway;

/// Largest body of a question: pictures come in it.
const QUESTION: usize = 20 * 1024 * 1024;

/// Every agent as a model.
pub(super) async fn models(State(gateway): State<Arc<Gateway>>) -> Response {
    if let Some(off) = all_off(&gateway) {
        return off;
    }
    let data: Vec<Value> = names(&gateway).into_iter().map(|id| row(&id)).collect();
    Json(json!({"object": "list", "data": data})).into_response()
}

/// One of them.
pub(super) async fn model(State(gateway): State<Arc<Gateway>>, Path(id): Path<String>) -> Response {
    if let Some(off) = all_off(&gateway) {
        return off;
    }
    if names(&gateway).contains(&id) {
        return Json(row(&id)).into_response();
    }
    problem(
        StatusCode::NOT_FOUND,
        WireError::new(
            format!("there is no model {id:?}; GET /v1/models lists them"),
            "invalid_request_error",
        ),
    )
}

fn names(gateway: &Gateway) -> Vec<String> {
    let agents = gateway.settings.now().agents();
    let mut names = vec!["bulkhead".to_owned(), "bulkhead/default".to_owned()];
    names.extend(agents.iter().map(|agent| format!("bulkhead/{}", agent.id)));
    // Programs that were written for the other gateway ask for these.
    names.extend(["openclaw".to_owned(), "openclaw/default".to_owned()]);
    names.extend(agents.iter().map(|agent| format!("openclaw/{}", agent.id)));
    names
}

fn row(id: &str) -> Value {
    json!({"id": id, "object": "model", "created": 0, "owned_by": "bulkhead", "permission": []})
}

/// Which switches turn an endpoint on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Endpoint {
    ChatCompletions,
    Responses,
}

fn is_on(gateway: &Gateway, endpoint: Endpoint) -> bool {
    let endpoints = &gateway.settings.now().config.gateway.http.endpoints;
    match endpoint {
        Endpoint::ChatCompletions => endpoints.chat_completions.enabled,
        Endpoint::Responses => endpoints.responses.enabled,
    }
}

fn off(gateway: &Gateway, endpoint: Endpoint) -> Option<Response> {
    let name = match endpoint {
        Endpoint::ChatCompletions => "chatCompletions",
        Endpoint::Responses => "responses",
    };
    (!is_on(gateway, endpoint)).then(|| switched_off(name))
}

/// Models and embeddings come with either of the two.
fn all_off(gateway: &Gateway) -> Option<Response> {
    let on = is_on(gateway, Endpoint::ChatCompletions) || is_on(gateway, Endpoint::Responses);
    (!on).then(|| switched_off("chatCompletions"))
}

fn switched_off(name: &str) -> Response {
    problem(
        StatusCode::NOT_FOUND,
        WireError::new(
            format!(
                "this endpoint is off; turn it on with `bulkhead config set gateway.http.endpoints.{name}.enabled true`"
            ),
            "not_found",
        ),
    )
}

/// The body as JSON.
async fn read<T: DeserializeOwned>(request: Body) -> Result<T, Response> {
    let body: Bytes = body::read(request, QUESTION)
        .await
        .map_err(|no| problem(no.status(), WireError::new(no.message(), "invalid_request_error")))?;
    serde_json::from_slice(&body).map_err(|error| bad(format!("the body cannot be read: {error}")))
}

fn bad(message: impl Into<String>) -> Response {
    problem(StatusCode::BAD_REQUEST, WireError::new(message, "invalid_request_error"))
}

/// A query that makes no sense.
pub(super) fn wrong_query(message: String) -> Response {
    bad(message)
}

fn refused(error: &ErrorShape) -> Response {
    let status = match error.code {
        ErrorCode::InvalidRequest => StatusCode::BAD_REQUEST,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    problem(status, WireError::new(error.message.clone(), "api_error"))
}

fn stopping() -> Response {
    problem(
        StatusCode::SERVICE_UNAVAILABLE,
        WireError::new("the gateway is stopping; send the request again", "api_error"),
    )
}

fn problem(status: StatusCode, error: WireError) -> Response {
    (status, Json(error)).into_response()
}
