//! Anthropic messages: named server-sent events, or one JSON document.

use axum::response::Response;
use bytes::Bytes;
use serde_json::{Value, json};

use super::deliver::{self, BadFrames, Frame, pieces};
use super::script::Answer;
use super::server::Reply;

pub(super) fn models(models: &[String]) -> Value {
    let data: Vec<Value> = models
        .iter()
        .map(
            |id| json!({"type": "model", "id": id, "display_name": id, "created_at": "2025-01-01T00:00:00Z"}),
        )
        .collect();
    json!({"data": data, "has_more": false, "first_id": models.first(), "last_id": models.last()})
}

pub(super) fn respond(reply: &Reply<'_>) -> Response {
    if reply.conversation.stream { streamed(reply) } else { whole(reply) }
}

fn call_id(reply: &Reply<'_>, index: usize) -> String {
    format!("toolu_{}_{index}", reply.number)
}

const fn stop_reason(answer: &Answer) -> &'static str {
    match answer {
        Answer::Text(_) => "end_turn",
        Answer::Calls(_) => "tool_use",
    }
}

fn message(reply: &Reply<'_>, content: &Value, stop_reason: Option<&str>, output: usize) -> Value {
    json!({
        "id": format!("msg_{}", reply.number), "type": "message", "role": "assistant",
        "model": reply.conversation.model, "content": content, "stop_reason": stop_reason, "stop_sequence": null,
        "usage": {"input_tokens": reply.conversation.words, "output_tokens": output},
    })
}

fn whole(reply: &Reply<'_>) -> Response {
    let content = match reply.answer {
        Answer::Text(text) => json!([{"type": "text", "text": text}]),
        Answer::Calls(calls) => calls
            .iter()
            .enumerate()
            .map(|(index, call)| {
                json!({"type": "tool_use", "id": call_id(reply, index), "name": call.name, "input": call.arguments})
            })
            .collect(),
    };
    deliver::whole(&message(reply, &content, Some(stop_reason(reply.answer)), reply.words()), reply.delivery)
}

fn event(name: &str, data: &Value) -> Bytes {
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}

fn block(frames: &mut Vec<Frame>, index: usize, start: &Value, parts: Vec<Frame>) {
    frames.push(Frame::Plain(event(
        "content_block_start",
        &json!({"type": "content_block_start", "index": index, "content_block": start}),
    )));
    frames.extend(parts);
    frames.push(Frame::Plain(event(
        "content_block_stop",
        &json!({"type": "content_block_stop", "index": index}),
    )));
}

fn streamed(reply: &Reply<'_>) -> Response {
    let start = message(reply, &json!([]), None, 1);
    let mut frames = vec![
        Frame::Plain(event("message_start", &json!({"type": "message_start", "message": start}))),
        Frame::Plain(event("ping", &json!({"type": "ping"}))),
    ];
    let delta = |index: usize, delta: Value| {
        event("content_block_delta", &json!({"type": "content_block_delta", "index": index, "delta": delta}))
    };
    match reply.answer {
        Answer::Text(text) => {
            let parts = pieces(text, reply.delivery.piece)
                .into_iter()
                .map(|piece| {
                    Frame::Text(piece.chars().count(), delta(0, json!({"type": "text_delta", "text": piece})))
                })
                .collect();
            block(&mut frames, 0, &json!({"type": "text", "text": ""}), parts);
        }
        Answer::Calls(calls) => {
            for (index, call) in calls.iter().enumerate() {
                let arguments = Value::Object(call.arguments.clone()).to_string();
                let parts = pieces(&arguments, reply.delivery.piece)
                    .into_iter()
                    .map(|piece| {
                        Frame::Tool(delta(index, json!({"type": "input_json_delta", "partial_json": piece})))
                    })
                    .collect();
                let start =
                    json!({"type": "tool_use", "id": call_id(reply, index), "name": call.name, "input": {}});
                block(&mut frames, index, &start, parts);
            }
        }
    }
    frames.push(Frame::Plain(event(
        "message_delta",
        &json!({
            "type": "message_delta",
            "delta": {"stop_reason": stop_reason(reply.answer), "stop_sequence": null},
            "usage": {"output_tokens": reply.words()},
        }),
    )));
    frames.push(Frame::Plain(event("message_stop", &json!({"type": "message_stop"}))));
    let bad = BadFrames {
        no_json: Bytes::from_static(b"event: content_block_delta\ndata: {\"type\": oops\n\n"),
        error: event(
            "error",
            &json!({"type": "error", "error": {"type": "overloaded_error", "message": "the test asked for an error"}}),
        ),
    };
    deliver::streamed("text/event-stream", frames, reply.delivery, &bad, reply.control)
}
