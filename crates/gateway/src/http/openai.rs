//! `/v1/models` and `/v1/chat/completions`, for programs that speak to OpenAI.

use std::convert::Infallible;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bulkhead_protocol::{ErrorCode, ErrorShape};
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::openai_wire::{Completion, CompletionRequest, WireError};
use crate::clock;
use crate::gateway::Gateway;
use crate::runs::registry::{EndStatus, RunEnd};
use crate::runs::{Accepted, Progress, Source, TurnRequest};
use crate::sessions::resolve;

/// Pieces of an answer that may wait for a slow reader.
const WAITING: usize = 64;

/// What is told to a stream.
enum Piece {
    Delta(String),
    End(Box<RunEnd>),
}

/// Every agent as a model.
pub(super) async fn models(State(gateway): State<Arc<Gateway>>) -> Response {
    if let Some(off) = off(&gateway) {
        return off;
    }
    let data: Vec<Value> = names(&gateway).into_iter().map(|id| row(&id)).collect();
    Json(json!({"object": "list", "data": data})).into_response()
}

/// One of them.
pub(super) async fn model(State(gateway): State<Arc<Gateway>>, Path(id): Path<String>) -> Response {
    if let Some(off) = off(&gateway) {
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

/// One turn: the last user message is asked, what precedes it is the history.
pub(super) async fn chat_completions(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Response {
    if let Some(off) = off(&gateway) {
        return off;
    }
    let body = match body {
        Ok(body) => body,
        Err(rejection) => {
            return problem(
                rejection.status(),
                WireError::new(rejection.body_text(), "invalid_request_error"),
            );
        }
    };
    let request: CompletionRequest = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => return bad(format!("the body is no chat completion request: {error}")),
    };
    let turn = match turn(&gateway, &request, &headers) {
        Ok(turn) => turn,
        Err(problem) => return bad(problem),
    };
    let completion = Completion {
        id: format!("chatcmpl_{}", turn.run_id),
        created: clock::now_ms() / 1000,
        model: if request.model.is_empty() { "bulkhead".to_owned() } else { request.model.clone() },
    };
    let (sender, mut pieces) = mpsc::channel(WAITING);
    let run = RunGuard {
        gateway: Arc::clone(&gateway),
        session_key: turn.session_key.clone(),
        run_id: turn.run_id.clone(),
    };
    match gateway.accept(turn, Some(Box::new(Follower(sender)))).await {
        Ok(Accepted::Started { .. }) => {}
        Ok(Accepted::InFlight | Accepted::Ended(_)) => {
            return bad("this request was answered before".to_owned());
        }
        Err(error) => return refused(&error),
    }
    if request.stream {
        let usage = request.stream_options.as_ref().is_some_and(|options| options.include_usage);
        return streamed(completion, usage, pieces, run);
    }
    let end = loop {
        match pieces.recv().await {
            Some(Piece::Delta(_)) => {}
            Some(Piece::End(end)) => break Some(end),
            None => break None,
        }
    };
    drop(run);
    match end {
        Some(end) if end.status == EndStatus::Ok => Json(completion.whole(&end)).into_response(),
        Some(end) => problem(StatusCode::BAD_GATEWAY, WireError::of_run(&end)),
        None => problem(
            StatusCode::SERVICE_UNAVAILABLE,
            WireError::new("the gateway is stopping; send the request again", "api_error"),
        ),
    }
}

/// A caller that goes away takes its run with it.
struct RunGuard {
    gateway: Arc<Gateway>,
    session_key: String,
    run_id: String,
}

impl Drop for RunGuard {
    fn drop(&mut self) {
        self.gateway.runs.abort(&self.session_key, Some(&self.run_id));
    }
}

/// Server-sent events, one per piece.
fn streamed(
    completion: Completion,
    with_usage: bool,
    pieces: mpsc::Receiver<Piece>,
    run: RunGuard,
) -> Response {
    let first = event(&completion.first());
    let rest = stream::unfold(
        (completion, pieces, run, false),
        move |(completion, mut pieces, run, over)| async move {
            if over {
                return None;
            }
            let (text, over) = match pieces.recv().await {
                Some(Piece::Delta(delta)) => (event(&completion.delta(&delta)), false),
                Some(Piece::End(end)) if end.status == EndStatus::Ok => {
                    let mut text = event(&completion.last());
                    if with_usage {
                        text.push_str(&event(&completion.usage(&end)));
                    }
                    (text + "data: [DONE]\n\n", true)
                }
                Some(Piece::End(end)) => (
                    event(&serde_json::to_value(WireError::of_run(&end)).unwrap_or_default())
                        + "data: [DONE]\n\n",
                    true,
                ),
                None => return None,
            };
            Some((text, (completion, pieces, run, over)))
        },
    );
    let body = stream::once(async { first }).chain(rest).map(|text| Ok::<_, Infallible>(Bytes::from(text)));
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn event(value: &Value) -> String {
    format!("data: {value}\n\n")
}

/// Who may ask: agent by model, session by header or user; without either a session of its own.
fn turn(gateway: &Gateway, request: &CompletionRequest, headers: &HeaderMap) -> Result<TurnRequest, String> {
    let header = |names: [&str; 2]| {
        names
            .into_iter()
            .find_map(|name| headers.get(name))
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let conversation = request.conversation()?;
    let agent = header(["x-bulkhead-agent-id", "x-openclaw-agent-id"]);
    let agent = match agent {
        Some(agent) => Some(agent),
        None => request.agent()?.map(str::to_owned),
    };
    let run_id = uuid::Uuid::new_v4().to_string();
    let key = header(["x-bulkhead-session-key", "x-openclaw-session-key"])
        .or_else(|| request.user.as_ref().map(|user| format!("openai-user:{user}")))
        .unwrap_or_else(|| format!("openai:{run_id}"));
    let settings = gateway.settings.now();
    let (session_key, agent_id) =
        resolve(&settings, Some(&key), agent.as_deref()).map_err(|error| error.message)?;
    let mut turn = TurnRequest::new(run_id, session_key, agent_id, conversation.message.trim(), Source::Http);
    turn.extra_system = conversation.system;
    turn.earlier = (!conversation.earlier.is_empty()).then_some(conversation.earlier);
    turn.append_only = true;
    Ok(turn)
}

/// Hands the answer to the HTTP response.
struct Follower(mpsc::Sender<Piece>);

#[async_trait]
impl Progress for Follower {
    async fn delta(&mut self, delta: &str, _so_far: &str) {
        // A reader that is gone has no wishes any more; its guard stops the run.
        let _ = self.0.send(Piece::Delta(delta.to_owned())).await;
    }

    async fn ended(self: Box<Self>, end: &RunEnd) {
        let _ = self.0.send(Piece::End(Box::new(end.clone()))).await;
    }
}

fn off(gateway: &Gateway) -> Option<Response> {
    let enabled = gateway.settings.now().config.gateway.http.endpoints.chat_completions.enabled;
    (!enabled).then(|| {
        problem(
            StatusCode::NOT_FOUND,
            WireError::new(
                "this endpoint is off; turn it on with `bulkhead config set \
                 gateway.http.endpoints.chatCompletions.enabled true`",
                "not_found",
            ),
        )
    })
}

fn bad(message: String) -> Response {
    problem(StatusCode::BAD_REQUEST, WireError::new(message, "invalid_request_error"))
}

fn refused(error: &ErrorShape) -> Response {
    let status = match error.code {
        ErrorCode::InvalidRequest => StatusCode::BAD_REQUEST,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    problem(status, WireError::new(error.message.clone(), "api_error"))
}

fn problem(status: StatusCode, error: WireError) -> Response {
    (status, Json(error)).into_response()
}
