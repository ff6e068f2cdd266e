//! The OpenAI chat completions format: what goes out. Pure.

use bulkhead_agent::{StopReason, ToolCall};
use serde_json::{Value, json};

use super::client_tools::arguments;
use crate::runs::registry::RunEnd;

/// What all parts of one answer share.
#[derive(Debug, Clone)]
pub(super) struct Completion {
    pub(super) id: String,
    pub(super) created: u64,
    pub(super) model: String,
}

impl Completion {
    /// The whole answer at once.
    pub(super) fn whole(&self, end: &RunEnd) -> Value {
        let mut message = json!({"role": "assistant", "content": end.text});
        if !end.wanted.is_empty() {
            message["tool_calls"] = end.wanted.iter().map(wire_call).collect();
        }
        json!({
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "choices": [{"index": 0, "message": message, "finish_reason": finish_reason(end)}],
            "usage": usage(end),
        })
    }

    /// The first part of a stream.
    pub(super) fn first(&self) -> Value {
        self.chunk(&json!({"role": "assistant", "content": ""}), None)
    }

    /// A piece of text.
    pub(super) fn delta(&self, text: &str) -> Value {
        self.chunk(&json!({"content": text}), None)
    }

    /// The calls of a stream: who is called first, then with what.
    pub(super) fn calls(&self, end: &RunEnd) -> Vec<Value> {
        let mut parts = Vec::new();
        for (index, call) in end.wanted.iter().enumerate() {
            parts.push(self.chunk(
                &json!({"tool_calls": [{
                    "index": index, "id": call.id, "type": "function",
                    "function": {"name": call.name, "arguments": ""},
                }]}),
                None,
            ));
            let part = json!({"tool_calls": [{"index": index, "function": {"arguments": arguments(call)}}]});
            parts.push(self.chunk(&part, None));
        }
        parts
    }

    /// The last part of a stream.
    pub(super) fn last(&self, end: &RunEnd) -> Value {
        self.chunk(&json!({}), Some(finish_reason(end)))
    }

    /// The part with the usage, if it was asked for.
    pub(super) fn usage(&self, end: &RunEnd) -> Value {
        json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": [],
            "usage": usage(end),
        })
    }

    fn chunk(&self, delta: &Value, finish: Option<&str>) -> Value {
        json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        })
    }
}

fn wire_call(call: &ToolCall) -> Value {
    json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments(call)}})
}

fn finish_reason(end: &RunEnd) -> &'static str {
    match end.stop {
        _ if !end.wanted.is_empty() => "tool_calls",
        StopReason::Length => "length",
        StopReason::Filter => "content_filter",
        StopReason::Stop | StopReason::ToolCalls => "stop",
    }
}

fn usage(end: &RunEnd) -> Value {
    json!({
        "prompt_tokens": end.input_tokens,
        "completion_tokens": end.output_tokens,
        "total_tokens": end.input_tokens + end.output_tokens,
    })
}
