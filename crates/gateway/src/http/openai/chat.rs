//! `/v1/chat/completions`: one turn. The last user message is asked, what precedes it is the history; results of the
//! caller's own tools go on with the turn that wanted them.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream;
use serde_json::Value;

use super::chat_reply::Completion;
use super::chat_wire::CompletionRequest;
use super::follow::{Followed, Piece};
use super::target::target;
use super::wire_error::WireError;
use super::{Endpoint, bad, off, problem, read, refused, stopping};
use crate::clock;
use crate::gateway::Gateway;
use crate::http::event_stream;
use crate::runs::registry::{EndStatus, RunEnd};
use crate::runs::{Source, TurnRequest};

/// What is told when the model did not call the tool that it had to.
pub(super) const NO_CALL: &str = "the model answered without calling one of the tools that tool_choice requires; ask again, or use tool_choice \"auto\"";

/// One turn.
pub(in crate::http) async fn completions(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    if let Some(off) = off(&gateway, Endpoint::ChatCompletions) {
        return off;
    }
    let request: CompletionRequest = match read(body).await {
        Ok(request) => request,
        Err(problem) => return problem,
    };
    let (turn, required) = match turn(&gateway, &request, &headers) {
        Ok(turn) => turn,
        Err(problem) => return bad(problem),
    };
    let completion = Completion {
        id: format!("chatcmpl_{}", turn.run_id),
        created: clock::now_ms() / 1000,
        model: if request.model.is_empty() { "bulkhead".to_owned() } else { request.model.clone() },
    };
    let run = match Followed::begin(&gateway, turn).await {
        Ok(Some(run)) => run,
        Ok(None) => return bad("this request was answered before"),
        Err(error) => return refused(&error),
    };
    if request.stream {
        return streamed(completion, request.wants_usage(), required, run);
    }
    match run.end().await {
        Some(end) => match failure(&end, required) {
            None => Json(completion.whole(&end)).into_response(),
            Some(error) => problem(StatusCode::BAD_GATEWAY, error),
        },
        None => stopping(),
    }
}

/// Why an end is no answer.
fn failure(end: &RunEnd, required: bool) -> Option<WireError> {
    match end.status {
        EndStatus::Ok if required && end.wanted.is_empty() => Some(WireError::new(NO_CALL, "api_error")),
        EndStatus::Ok => None,
        _ => Some(WireError::of_run(end)),
    }
}

/// Server-sent events, one per piece. While a call is required, words are held back until it is there.
fn streamed(completion: Completion, with_usage: bool, required: bool, run: Followed) -> Response {
    let first = event(&completion.first());
    let rest = stream::unfold((completion, Some(run)), move |(completion, run)| async move {
        let mut run = run?;
        loop {
            return match run.next().await? {
                Piece::Delta(_) if required => continue,
                Piece::Delta(delta) => Some((event(&completion.delta(&delta)), (completion, Some(run)))),
                Piece::End(end) => {
                    Some((ending(&completion, &end, with_usage, required), (completion, None)))
                }
            };
        }
    });
    let body = stream::once(async { first }).chain(rest).map(|text| Ok::<_, Infallible>(Bytes::from(text)));
    event_stream(Body::from_stream(body))
}

fn ending(completion: &Completion, end: &RunEnd, with_usage: bool, required: bool) -> String {
    let mut text = String::new();
    if let Some(error) = failure(end, required) {
        text.push_str(&event(&serde_json::to_value(error).unwrap_or_default()));
    } else {
        if required && !end.text.is_empty() {
            text.push_str(&event(&completion.delta(&end.text)));
        }
        for part in completion.calls(end) {
            text.push_str(&event(&part));
        }
        text.push_str(&event(&completion.last(end)));
        if with_usage {
            text.push_str(&event(&completion.usage(end)));
        }
    }
    text + "data: [DONE]\n\n"
}

fn event(value: &Value) -> String {
    format!("data: {value}\n\n")
}

/// The turn, and whether it has to end in a call.
fn turn(
    gateway: &Gateway,
    request: &CompletionRequest,
    headers: &HeaderMap,
) -> Result<(TurnRequest, bool), String> {
    let run_id = uuid::Uuid::new_v4().to_string();
    let settings = gateway.settings.now();
    let target = target(&settings, &request.model, headers, request.user.as_deref(), &run_id)?;
    let mut conversation = request.conversation()?;
    let tools = request.client_tools()?;
    let mut turn = TurnRequest::new(
        run_id,
        target.session_key,
        target.agent_id,
        conversation.message.trim(),
        Source::Http,
    );
    conversation.system.extend(tools.instruction());
    turn.extra_system = (!conversation.system.is_empty()).then(|| conversation.system.join("\n\n"));
    turn.earlier = (!conversation.earlier.is_empty()).then_some(conversation.earlier);
    turn.results = conversation.results;
    turn.pictures = conversation.pictures;
    turn.wishes = request.wishes(&tools)?;
    turn.thinking = request.thinking()?;
    turn.model = target.model;
    turn.append_only = true;
    Ok((turn, tools.required))
}
