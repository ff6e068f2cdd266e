//! Ollama's chat API: one JSON object a line, or one JSON document.

use axum::response::Response;
use bytes::Bytes;
use serde_json::{Value, json};

use super::deliver::{self, BadFrames, Frame, pieces};
use super::script::Answer;
use super::server::Reply;

pub(super) fn models(models: &[String]) -> Value {
    let models: Vec<Value> = models
        .iter()
        .map(|name| {
            json!({
                "name": name, "model": name, "modified_at": "2025-01-01T00:00:00Z", "size": 1_000_000,
                "digest": "0".repeat(64),
                "details": {"parent_model": "", "format": "gguf", "family": "fake", "families": ["fake"],
                    "parameter_size": "1B", "quantization_level": "Q4_0"},
            })
        })
        .collect();
    json!({"models": models})
}

pub(super) fn respond(reply: &Reply<'_>) -> Response {
    if reply.conversation.stream { streamed(reply) } else { whole(reply) }
}

fn chunk(reply: &Reply<'_>, message: &Value) -> Value {
    json!({
        "model": reply.conversation.model, "created_at": "2025-01-01T00:00:00Z", "message": message, "done": false,
    })
}

fn finished(reply: &Reply<'_>, message: &Value) -> Value {
    let mut last = chunk(reply, message);
    for (field, value) in [
        ("done", json!(true)),
        ("done_reason", json!("stop")),
        ("total_duration", json!(1_000_000)),
        ("load_duration", json!(1_000)),
        ("prompt_eval_count", json!(reply.conversation.words)),
        ("prompt_eval_duration", json!(1_000)),
        ("eval_count", json!(reply.words())),
        ("eval_duration", json!(1_000)),
    ] {
        last[field] = value;
    }
    last
}

fn calls(reply: &Reply<'_>) -> Value {
    let Answer::Calls(calls) = reply.answer else { return Value::Null };
    calls.iter().map(|call| json!({"function": {"name": call.name, "arguments": call.arguments}})).collect()
}

fn whole(reply: &Reply<'_>) -> Response {
    let message = match reply.answer {
        Answer::Text(text) => json!({"role": "assistant", "content": text}),
        Answer::Calls(_) => json!({"role": "assistant", "content": "", "tool_calls": calls(reply)}),
    };
    deliver::whole(&finished(reply, &message), reply.delivery)
}

fn streamed(reply: &Reply<'_>) -> Response {
    let line = |value: &Value| Bytes::from(format!("{value}\n"));
    let mut frames = Vec::new();
    match reply.answer {
        Answer::Text(text) => {
            for piece in pieces(text, reply.delivery.piece) {
                let length = piece.chars().count();
                let message = json!({"role": "assistant", "content": piece});
                frames.push(Frame::Text(length, line(&chunk(reply, &message))));
            }
        }
        Answer::Calls(_) => {
            let message = json!({"role": "assistant", "content": "", "tool_calls": calls(reply)});
            frames.push(Frame::Tool(line(&chunk(reply, &message))));
        }
    }
    frames.push(Frame::Plain(line(&finished(reply, &json!({"role": "assistant", "content": ""})))));
    let bad = BadFrames {
        no_json: Bytes::from_static(b"{\"model\": oops\n"),
        error: Bytes::from_static(b"{\"error\":\"the test asked for an error\"}\n"),
    };
    deliver::streamed("application/x-ndjson", frames, reply.delivery, &bad, reply.control)
}
