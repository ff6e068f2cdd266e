//! `/v1/responses`: the same turn in the format of the Responses API.
//!
//! The id of a response names its run, so `previous_response_id` finds the conversation in the database, also after a
//! restart of the gateway.

use std::collections::HashMap;
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
use serde_json::{Value, json};

use super::chat::NO_CALL;
use super::follow::{Followed, Piece};
use super::responses_wire::{ResponseWire, ResponsesRequest, function_call, part, status};
use super::target::{Target, header, target};
use super::wire_error::WireError;
use super::{Endpoint, bad, off, problem, read, refused, stopping};
use crate::clock;
use crate::gateway::Gateway;
use crate::http::event_stream;
use crate::runs::registry::{EndStatus, RunEnd};
use crate::runs::{Source, TurnRequest};

/// What the id of a response begins with.
const ID: &str = "resp_";
/// How far back the call is looked for that a result answers.
const LOOK_BACK: usize = 100;

/// One turn.
pub(in crate::http) async fn create(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    if let Some(off) = off(&gateway, Endpoint::Responses) {
        return off;
    }
    let request: ResponsesRequest = match read(body).await {
        Ok(request) => request,
        Err(problem) => return problem,
    };
    let (turn, required) = match turn(&gateway, &request, &headers).await {
        Ok(turn) => turn,
        Err(problem) => return bad(problem),
    };
    let wire = ResponseWire {
        id: format!("{ID}{}", turn.run_id),
        message_id: format!("msg_{}", uuid::Uuid::new_v4()),
        created: clock::now_ms() / 1000,
        model: if request.model.is_empty() { "bulkhead".to_owned() } else { request.model.clone() },
    };
    let run = match Followed::begin(&gateway, turn).await {
        Ok(Some(run)) => run,
        Ok(None) => return bad("this request was answered before"),
        Err(error) => return refused(&error),
    };
    if request.stream {
        return streamed(Telling { wire, sequence: 0, begun: false, text: String::new() }, required, run);
    }
    match run.end().await {
        Some(end) => match failure(&end, required) {
            None => Json(wire.whole(&end)).into_response(),
            Some(message) => problem(StatusCode::BAD_GATEWAY, WireError::new(message, "api_error")),
        },
        None => stopping(),
    }
}

fn failure(end: &RunEnd, required: bool) -> Option<String> {
    match end.status {
        EndStatus::Ok if required && end.wanted.is_empty() => Some(NO_CALL.to_owned()),
        EndStatus::Ok => None,
        _ => Some(WireError::of_run(end).message().to_owned()),
    }
}

/// The turn, and whether it has to end in a call.
async fn turn(
    gateway: &Gateway,
    request: &ResponsesRequest,
    headers: &HeaderMap,
) -> Result<(TurnRequest, bool), String> {
    let run_id = uuid::Uuid::new_v4().to_string();
    let settings = gateway.settings.now();
    let mut target = target(&settings, &request.model, headers, request.user.as_deref(), &run_id)?;
    let mut calls = HashMap::new();
    if let Some(previous) = request.previous_response_id.as_deref().filter(|id| !id.is_empty()) {
        let scoped = header(headers, "session-key").is_some() || request.user.is_some();
        target.session_key = previous_session(gateway, previous, &target, scoped).await?;
        calls = calls_of(gateway, &target.session_key).await;
    }
    let mut conversation = request.conversation(|id| calls.get(id).cloned())?;
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

/// The conversation of an earlier response, if it is one of this agent (and, when the request names a conversation or a
/// user, of that one).
async fn previous_session(
    gateway: &Gateway,
    previous: &str,
    target: &Target,
    scoped: bool,
) -> Result<String, String> {
    let unknown = || {
        format!(
            "previous_response_id is {previous:?}, which no response of this agent and conversation has; send the whole \
             input instead"
        )
    };
    let run_id = previous.strip_prefix(ID).ok_or_else(unknown)?;
    let run = gateway.store.runs().by_key(run_id).await.map_err(|error| error.to_string())?;
    let run = run.filter(|run| run.source == Source::Http.as_str()).ok_or_else(unknown)?;
    let same_agent = run.session_key.starts_with(&format!("agent:{}:", target.agent_id));
    let same = !scoped || run.session_key == target.session_key;
    if same_agent && same { Ok(run.session_key) } else { Err(unknown()) }
}

/// Which tool each of the last calls of a conversation wanted.
async fn calls_of(gateway: &Gateway, session_key: &str) -> HashMap<String, String> {
    let stored = gateway.store.sessions().history(session_key, LOOK_BACK, None).await.unwrap_or_default();
    let mut calls = HashMap::new();
    for message in &stored {
        let blocks = message.content.as_array().into_iter().flatten();
        for block in blocks.filter(|block| block["type"] == "toolCall") {
            if let (Some(id), Some(name)) = (block["id"].as_str(), block["name"].as_str()) {
                calls.insert(id.to_owned(), name.to_owned());
            }
        }
    }
    calls
}

/// What a stream has told so far.
struct Telling {
    wire: ResponseWire,
    sequence: u64,
    /// The item with the words was opened.
    begun: bool,
    text: String,
}

fn streamed(mut telling: Telling, required: bool, run: Followed) -> Response {
    let begun = telling.wire.begun();
    let mut first = telling.event("response.created", json!({"response": begun}));
    first.push_str(&telling.event("response.in_progress", json!({"response": begun})));
    let rest = stream::unfold((telling, Some(run)), move |(mut telling, run)| async move {
        let mut run = run?;
        loop {
            return match run.next().await? {
                Piece::Delta(_) if required => continue,
                Piece::Delta(delta) => Some((telling.delta(&delta), (telling, Some(run)))),
                Piece::End(end) => {
                    let text = match failure(&end, required) {
                        None => telling.completed(&end),
                        Some(message) => {
                            let response = telling.wire.failed(&end, &message);
                            telling.event("response.failed", json!({"response": response}))
                        }
                    };
                    Some((text + "data: [DONE]\n\n", (telling, None)))
                }
            };
        }
    });
    let body = stream::once(async { first }).chain(rest).map(|text| Ok::<_, Infallible>(Bytes::from(text)));
    event_stream(Body::from_stream(body))
}

impl Telling {
    fn event(&mut self, kind: &str, mut data: Value) -> String {
        data["type"] = kind.into();
        data["sequence_number"] = self.sequence.into();
        self.sequence += 1;
        format!("event: {kind}\ndata: {data}\n\n")
    }

    /// The place of the words: they are always the first item.
    fn place(&self) -> Value {
        json!({"item_id": self.wire.message_id, "output_index": 0, "content_index": 0})
    }

    fn with(&self, more: Value) -> Value {
        let mut place = self.place();
        if let (Value::Object(place), Value::Object(more)) = (&mut place, more) {
            place.extend(more);
        }
        place
    }

    fn delta(&mut self, delta: &str) -> String {
        let mut text = String::new();
        if !self.begun {
            self.begun = true;
            let item = self.wire.message("", "in_progress");
            text.push_str(
                &self.event("response.output_item.added", json!({"output_index": 0, "item": item})),
            );
            let part = self.with(json!({"part": part("")}));
            text.push_str(&self.event("response.content_part.added", part));
        }
        self.text.push_str(delta);
        let delta = self.with(json!({"delta": delta}));
        text + &self.event("response.output_text.delta", delta)
    }

    fn completed(&mut self, end: &RunEnd) -> String {
        let mut text = String::new();
        if !self.begun && (!end.text.is_empty() || end.wanted.is_empty()) {
            text.push_str(&self.delta(&end.text));
        }
        let mut index = 0;
        if self.begun {
            let said = self.text.clone();
            let done = self.with(json!({"text": said}));
            text.push_str(&self.event("response.output_text.done", done));
            let done = self.with(json!({"part": part(&said)}));
            text.push_str(&self.event("response.content_part.done", done));
            let item = self.wire.message(&said, status(end));
            text.push_str(&self.event("response.output_item.done", json!({"output_index": 0, "item": item})));
            index = 1;
        }
        for call in &end.wanted {
            let done = function_call(call);
            let mut begun = done.clone();
            begun["arguments"] = "".into();
            begun["status"] = "in_progress".into();
            let place = |more: Value| {
                let mut data = json!({"item_id": done["id"], "output_index": index});
                if let (Value::Object(data), Value::Object(more)) = (&mut data, more) {
                    data.extend(more);
                }
                data
            };
            let added = json!({"output_index": index, "item": begun});
            text.push_str(&self.event("response.output_item.added", added));
            let arguments = &done["arguments"];
            let delta = place(json!({"delta": arguments}));
            text.push_str(&self.event("response.function_call_arguments.delta", delta));
            let whole = place(json!({"name": call.name, "arguments": arguments}));
            text.push_str(&self.event("response.function_call_arguments.done", whole));
            let item = json!({"output_index": index, "item": done});
            text.push_str(&self.event("response.output_item.done", item));
            index += 1;
        }
        let kind = if status(end) == "incomplete" { "response.incomplete" } else { "response.completed" };
        let response = self.wire.whole(end);
        text + &self.event(kind, json!({"response": response}))
    }
}
