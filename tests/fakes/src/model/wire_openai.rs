//! OpenAI chat completions: server-sent events with `delta`s, or one JSON document.

use axum::response::Response;
use bytes::Bytes;
use serde_json::{Value, json};

use super::deliver::{self, BadFrames, Frame, pieces};
use super::script::Answer;
use super::server::Reply;

pub(super) fn models(models: &[String]) -> Value {
    let data: Vec<Value> = models
        .iter()
        .map(|id| json!({"id": id, "object": "model", "created": 1_700_000_000, "owned_by": "bulkhead"}))
        .collect();
    json!({"object": "list", "data": data})
}

pub(super) fn respond(reply: &Reply<'_>) -> Response {
    if reply.conversation.stream { streamed(reply) } else { whole(reply) }
}

fn call_id(reply: &Reply<'_>, index: usize) -> String {
    format!("call_{}_{index}", reply.number)
}

fn usage(reply: &Reply<'_>) -> Value {
    let (prompt, completion) = (reply.conversation.words, reply.words());
    json!({"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion})
}

const fn finish_reason(answer: &Answer) -> &'static str {
    match answer {
        Answer::Text(_) => "stop",
        Answer::Calls(_) => "tool_calls",
    }
}

fn whole(reply: &Reply<'_>) -> Response {
    let message = match reply.answer {
        Answer::Text(text) => json!({"role": "assistant", "content": text}),
        Answer::Calls(calls) => {
            let calls: Vec<Value> = calls
                .iter()
                .enumerate()
                .map(|(index, call)| {
                    let arguments = Value::Object(call.arguments.clone()).to_string();
                    json!({"id": call_id(reply, index), "type": "function",
                        "function": {"name": call.name, "arguments": arguments}})
                })
                .collect();
            json!({"role": "assistant", "content": null, "tool_calls": calls})
        }
    };
    let body = json!({
        "id": format!("chatcmpl-{}", reply.number), "object": "chat.completion", "created": 1_700_000_000,
        "model": reply.conversation.model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason(reply.answer), "logprobs": null}],
        "usage": usage(reply),
    });
    deliver::whole(&body, reply.delivery)
}

fn streamed(reply: &Reply<'_>) -> Response {
    let event = |choices: Value, usage: Value| {
        let mut chunk = json!({
            "id": format!("chatcmpl-{}", reply.number), "object": "chat.completion.chunk", "created": 1_700_000_000,
            "model": reply.conversation.model, "choices": choices,
        });
        if !usage.is_null() {
            chunk["usage"] = usage;
        }
        Bytes::from(format!("data: {chunk}\n\n"))
    };
    let delta = |delta: &Value, finish: &Value| {
        event(json!([{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": null}]), Value::Null)
    };
    let mut frames = vec![
        Frame::Plain(Bytes::from_static(b": a comment, as proxies send them\n\n")),
        Frame::Plain(delta(&json!({"role": "assistant", "content": ""}), &Value::Null)),
    ];
    match reply.answer {
        Answer::Text(text) => {
            for piece in pieces(text, reply.delivery.piece) {
                let length = piece.chars().count();
                frames.push(Frame::Text(length, delta(&json!({"content": piece}), &Value::Null)));
            }
        }
        Answer::Calls(calls) => {
            for (index, call) in calls.iter().enumerate() {
                let head = json!({"tool_calls": [{"index": index, "id": call_id(reply, index), "type": "function",
                    "function": {"name": call.name, "arguments": ""}}]});
                frames.push(Frame::Plain(delta(&head, &Value::Null)));
                let arguments = Value::Object(call.arguments.clone()).to_string();
                for piece in pieces(&arguments, reply.delivery.piece) {
                    let part = json!({"tool_calls": [{"index": index, "function": {"arguments": piece}}]});
                    frames.push(Frame::Tool(delta(&part, &Value::Null)));
                }
            }
        }
    }
    frames.push(Frame::Plain(delta(&json!({}), &json!(finish_reason(reply.answer)))));
    if reply.conversation.include_usage {
        frames.push(Frame::Plain(event(json!([]), usage(reply))));
    }
    frames.push(Frame::Plain(Bytes::from_static(b"data: [DONE]\n\n")));
    let bad = BadFrames {
        no_json: Bytes::from_static(b"data: {\"choices\": [oops\n\n"),
        error: Bytes::from_static(
            b"data: {\"error\":{\"message\":\"the test asked for an error\",\"type\":\"server_error\"}}\n\n",
        ),
    };
    deliver::streamed("text/event-stream", frames, reply.delivery, &bad, reply.control)
}
