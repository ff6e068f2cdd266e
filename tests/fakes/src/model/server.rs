//! The HTTP surface: reads a request, decides what the answer is, lets the format's module write it.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use serde_json::{Value, json};

use super::control::{self, ModelControl, RecordedRequest};
use super::conversation::{Conversation, WireFormat};
use super::fault::{Delivery, Fault};
use super::script::{Answer, Script};
use super::{deliver, wire_anthropic, wire_ollama, wire_openai};

/// An answer that a format's module writes.
pub(super) struct Reply<'a> {
    pub(super) conversation: &'a Conversation,
    pub(super) answer: &'a Answer,
    pub(super) delivery: &'a Delivery,
    pub(super) number: usize,
    pub(super) control: &'a ModelControl,
}

impl Reply<'_> {
    /// The fake's count of answered tokens.
    pub(super) fn words(&self) -> usize {
        match self.answer {
            Answer::Text(text) => text.split_whitespace().count(),
            Answer::Calls(calls) => calls.len() * 8,
        }
    }
}

pub(super) fn router(control: ModelControl) -> Router {
    let openai = post(async |State(control), method, uri, headers, body| {
        chat(WireFormat::OpenAi, control, method, uri, headers, body).await
    });
    let anthropic = post(async |State(control), method, uri, headers, body| {
        chat(WireFormat::Anthropic, control, method, uri, headers, body).await
    });
    let ollama = post(async |State(control), method, uri, headers, body| {
        chat(WireFormat::Ollama, control, method, uri, headers, body).await
    });
    Router::new()
        .route("/v1/chat/completions", openai)
        .route("/v1/messages", anthropic)
        .route("/api/chat", ollama)
        .route("/v1/embeddings", post(embeddings))
        .route("/v1/models", get(list))
        .route("/api/tags", get(list))
        .route("/api/version", get(list))
        .merge(control::routes())
        .fallback(unknown)
        .layer(DefaultBodyLimit::max(64 * 1024 * 1024))
        .with_state(control)
}

async fn unknown(
    State(control): State<ModelControl>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let number = record(&control, None, &method, &uri, &headers, &body);
    control.amend(number, |request| request.status = 404);
    (StatusCode::NOT_FOUND, axum::Json(json!({"error": {"message": format!("no route {}", uri.path())}})))
        .into_response()
}

/// Vectors of two numbers: how many bytes the text has, and its place.
async fn embeddings(
    State(control): State<ModelControl>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let number = record(&control, None, &method, &uri, &headers, &body);
    let answer = refuse(WireFormat::OpenAi, &control, &headers).unwrap_or_else(|| {
        let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
        let texts = asked["input"].as_array().cloned().unwrap_or_default();
        let rows: Vec<Value> = texts
            .iter()
            .enumerate()
            .map(|(index, text)| {
                let length = text.as_str().unwrap_or_default().len();
                json!({"object": "embedding", "index": index, "embedding": [length, index]})
            })
            .collect();
        let usage = json!({"prompt_tokens": rows.len(), "total_tokens": rows.len()});
        axum::Json(json!({"object": "list", "data": rows, "model": asked["model"], "usage": usage}))
            .into_response()
    });
    let status = answer.status().as_u16();
    control.amend(number, |request| request.status = status);
    answer
}

async fn list(State(control): State<ModelControl>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let number = record(&control, None, &method, &uri, &headers, &Bytes::new());
    let format = match uri.path() {
        "/v1/models" if headers.contains_key("anthropic-version") => WireFormat::Anthropic,
        "/v1/models" => WireFormat::OpenAi,
        _ => WireFormat::Ollama,
    };
    let fault = control.take_fault(uri.path());
    let response = match refuse(format, &control, &headers) {
        Some(refused) => refused,
        None => match fault.clone() {
            Some(fault) => {
                faulty(format, &control, &fault).await.unwrap_or_else(|| listing(&control, &uri, format))
            }
            None => listing(&control, &uri, format),
        },
    };
    let status = response.status().as_u16();
    control.amend(number, |request| {
        request.fault = fault;
        request.status = status;
    });
    response
}

fn listing(control: &ModelControl, uri: &Uri, format: WireFormat) -> Response {
    let models = control.models();
    axum::Json(match format {
        WireFormat::OpenAi => wire_openai::models(&models),
        WireFormat::Anthropic => wire_anthropic::models(&models),
        WireFormat::Ollama if uri.path() == "/api/version" => json!({"version": "0.12.0"}),
        WireFormat::Ollama => wire_ollama::models(&models),
    })
    .into_response()
}

async fn chat(
    format: WireFormat,
    control: ModelControl,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let number = record(&control, Some(format), &method, &uri, &headers, &body);
    let (fault, response) = respond(format, &control, &headers, &body, number).await;
    let status = response.status().as_u16();
    control.amend(number, |request| {
        request.fault = fault;
        request.status = status;
    });
    response
}

async fn respond(
    format: WireFormat,
    control: &ModelControl,
    headers: &HeaderMap,
    body: &Bytes,
    number: usize,
) -> (Option<Fault>, Response) {
    if let Some(refused) = refuse(format, control, headers) {
        return (None, refused);
    }
    let text = String::from_utf8_lossy(body);
    let bad_request = |message: String| (None, failed(format, 400, None, "invalid_request_error", &message));
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return bad_request("the body is not JSON".to_owned());
    };
    let conversation = match Conversation::read(format, &value) {
        Ok(conversation) => conversation,
        Err(message) => return bad_request(message),
    };
    if !control.models().contains(&conversation.model) {
        let message = format!("model {:?} does not exist", conversation.model);
        return (None, failed(format, 404, None, "not_found_error", &message));
    }
    let asked = conversation.last_user().to_owned();
    let script = match Script::read(&asked) {
        Ok(script) => script,
        Err(message) => return bad_request(message),
    };
    let planned = control.take_fault(&text);
    let scripted = || {
        let (fault, times) = script.fault.clone()?;
        control.script_fault_is_due(&asked, times).then_some(fault)
    };
    let fault = planned.or_else(scripted);
    deliver::pause(script.delivery.before).await;
    control.amend(number, |request| request.fault.clone_from(&fault));
    if let Some(fault) = &fault
        && let Some(response) = faulty(format, control, fault).await
    {
        return (Some(fault.clone()), response);
    }
    let answer = match script.answer(&conversation) {
        Ok(answer) => answer,
        Err(message) => return bad_request(message),
    };
    let delivery = Delivery { fault: fault.clone(), ..script.delivery };
    let reply = Reply { conversation: &conversation, answer: &answer, delivery: &delivery, number, control };
    let response = match format {
        WireFormat::OpenAi => wire_openai::respond(&reply),
        WireFormat::Anthropic => wire_anthropic::respond(&reply),
        WireFormat::Ollama => wire_ollama::respond(&reply),
    };
    (fault, response)
}

/// Faults that replace the whole answer; the others strike while it is sent.
async fn faulty(format: WireFormat, control: &ModelControl, fault: &Fault) -> Option<Response> {
    match fault {
        Fault::Status { status, retry_after } => {
            let kind = match status {
                429 => "rate_limit_error",
                529 => "overloaded_error",
                401 | 403 => "authentication_error",
                400..=499 => "invalid_request_error",
                _ => "api_error",
            };
            let message = format!("the test asked for status {status}");
            Some(failed(format, *status, retry_after.as_deref(), kind, &message))
        }
        Fault::Redirect { location } => {
            let mut response = StatusCode::TEMPORARY_REDIRECT.into_response();
            if let Ok(value) = HeaderValue::from_str(location) {
                response.headers_mut().insert(header::LOCATION, value);
            }
            Some(response)
        }
        Fault::Never => match deliver::never(control).await {},
        Fault::Hold => {
            deliver::hold(control).await;
            None
        }
        Fault::Reset => Some(deliver::reset()),
        Fault::Html => Some(deliver::html()),
        _ => None,
    }
}

fn refuse(format: WireFormat, control: &ModelControl, headers: &HeaderMap) -> Option<Response> {
    let bearer = || headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ");
    let key = match format {
        WireFormat::Anthropic => headers.get("x-api-key").and_then(|value| value.to_str().ok()),
        _ => bearer(),
    };
    if control.accepts(key) {
        return None;
    }
    // Real providers repeat a part of the key here; so does this one, to see that nobody prints it.
    let shown = key.unwrap_or("(none)");
    Some(failed(format, 401, None, "authentication_error", &format!("Incorrect API key provided: {shown}")))
}

/// An error body in the format's own words.
pub(super) fn failed(
    format: WireFormat,
    status: u16,
    retry_after: Option<&str>,
    kind: &str,
    message: &str,
) -> Response {
    let body = match format {
        WireFormat::OpenAi => {
            json!({"error": {"message": message, "type": kind, "param": null, "code": kind}})
        }
        WireFormat::Anthropic => json!({"type": "error", "error": {"type": kind, "message": message}}),
        WireFormat::Ollama => json!({"error": message}),
    };
    deliver::error(status, retry_after, &body)
}

fn record(
    control: &ModelControl,
    format: Option<WireFormat>,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
) -> usize {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        seen.entry(name.as_str().to_owned())
            .and_modify(|joined| *joined = format!("{joined}, {value}"))
            .or_insert_with(|| value.into_owned());
    }
    let text = String::from_utf8_lossy(body);
    control.record(RecordedRequest {
        number: 0,
        method: method.to_string(),
        path: uri.path().to_owned(),
        query: uri.query().map(str::to_owned),
        headers: seen,
        body: serde_json::from_slice(body).unwrap_or_else(|_| Value::String(text.into_owned())),
        format,
        fault: None,
        status: 0,
        at: 0,
    })
}
