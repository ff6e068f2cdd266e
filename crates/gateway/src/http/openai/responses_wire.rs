//! The format of OpenAI's Responses API: what comes in, what goes out. Pure.

use bulkhead_agent::{StopReason, Thinking, ToolCall, Wishes};
use serde::Deserialize;
use serde_json::{Value, json};

use super::bounds::{count, effort, number};
use super::client_tools::{ClientTools, arguments};
use super::conversation::{Conversation, call, text};
use crate::runs::registry::RunEnd;

/// A request may hold so many items.
const MOST_ITEMS: usize = 2000;

/// `POST /v1/responses`. Fields that are not named here are taken and mean nothing.
#[derive(Debug, Deserialize)]
pub(super) struct ResponsesRequest {
    #[serde(default)]
    pub(super) model: String,
    #[serde(default)]
    input: Value,
    instructions: Option<String>,
    #[serde(default)]
    pub(super) stream: bool,
    pub(super) user: Option<String>,
    pub(super) previous_response_id: Option<String>,
    tools: Option<Value>,
    tool_choice: Option<Value>,
    max_output_tokens: Option<Value>,
    temperature: Option<Value>,
    top_p: Option<Value>,
    reasoning: Option<Value>,
}

impl ResponsesRequest {
    /// Takes the input apart. `known` names the tool of a call that an earlier response made.
    pub(super) fn conversation(
        &self,
        known: impl Fn(&str) -> Option<String>,
    ) -> Result<Conversation, String> {
        let mut conversation = Conversation::default();
        conversation.system.extend(self.instructions.clone().filter(|text| !text.trim().is_empty()));
        match &self.input {
            Value::String(_) => conversation.said(&self.input)?,
            Value::Array(items) if items.len() > MOST_ITEMS => {
                return Err(format!("`input` has {} items, expected at most {MOST_ITEMS}", items.len()));
            }
            Value::Array(items) => {
                for item in items {
                    add(&mut conversation, item, &known)?;
                }
            }
            _ => return Err("`input` must be a text or a list of items".to_owned()),
        }
        if conversation.is_question() {
            Ok(conversation)
        } else {
            Err("`input` holds no user message and no function_call_output to go on with; add one".to_owned())
        }
    }

    /// The caller's tools.
    pub(super) fn client_tools(&self) -> Result<ClientTools, String> {
        ClientTools::read(self.tools.as_ref(), self.tool_choice.as_ref())
    }

    /// How the model is to answer.
    pub(super) fn wishes(&self, tools: &ClientTools) -> Result<Wishes, String> {
        let mut wishes = Wishes {
            tools: tools.tools.clone(),
            max_tokens: count("max_output_tokens", self.max_output_tokens.as_ref())?,
            temperature: number("temperature", self.temperature.as_ref(), 0.0, 2.0)?,
            ..Wishes::default()
        };
        if let Some(top_p) = number("top_p", self.top_p.as_ref(), 0.0, 1.0)? {
            wishes.extra.insert("top_p".to_owned(), top_p.into());
        }
        Ok(wishes)
    }

    /// How hard the model is to think.
    pub(super) fn thinking(&self) -> Result<Option<Thinking>, String> {
        effort("reasoning.effort", self.reasoning.as_ref().and_then(|reasoning| reasoning.get("effort")))
    }
}

fn add(
    conversation: &mut Conversation,
    item: &Value,
    known: &impl Fn(&str) -> Option<String>,
) -> Result<(), String> {
    let word = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let content = item.get("content").unwrap_or(&Value::Null);
    match item.get("type").and_then(Value::as_str).unwrap_or("message") {
        "message" => match word("role").as_str() {
            "system" | "developer" => {
                conversation.system.extend(Some(text(content)).filter(|text| !text.trim().is_empty()));
            }
            "assistant" => conversation.answered(text(content), Vec::new()),
            "user" => conversation.said(content)?,
            other => return Err(format!("`input` has a message of role {other:?}")),
        },
        "function_call" => {
            let arguments = word("arguments");
            conversation.answered(String::new(), vec![call(word("call_id"), word("name"), &arguments)]);
        }
        "function_call_output" => {
            let id = word("call_id");
            let output = item.get("output").unwrap_or(&Value::Null);
            conversation.returned(&id, text(output), known(&id).as_deref())?;
        }
        "reasoning" | "item_reference" => {}
        other => return Err(format!("`input` has an item of type {other:?}, which is not supported")),
    }
    Ok(())
}

/// What all parts of one response share.
#[derive(Debug, Clone)]
pub(super) struct ResponseWire {
    pub(super) id: String,
    pub(super) message_id: String,
    pub(super) created: u64,
    pub(super) model: String,
}

impl ResponseWire {
    /// A response that has just begun.
    pub(super) fn begun(&self) -> Value {
        self.shape("in_progress", &json!([]), &usage(None))
    }

    /// The whole response.
    pub(super) fn whole(&self, end: &RunEnd) -> Value {
        let status = status(end);
        let mut response = self.shape(status, &self.output(end).into(), &usage(Some(end)));
        if status == "incomplete" {
            response["incomplete_details"] = json!({"reason": "max_output_tokens"});
        }
        response
    }

    /// A response that failed.
    pub(super) fn failed(&self, end: &RunEnd, message: &str) -> Value {
        let mut response = self.shape("failed", &json!([]), &usage(Some(end)));
        response["error"] = json!({"code": "server_error", "message": message});
        response
    }

    fn shape(&self, status: &str, output: &Value, usage: &Value) -> Value {
        json!({
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "status": status,
            "model": self.model,
            "output": output,
            "usage": usage,
        })
    }

    /// Words first, then calls.
    pub(super) fn output(&self, end: &RunEnd) -> Vec<Value> {
        let mut output = Vec::new();
        if !end.text.is_empty() || end.wanted.is_empty() {
            output.push(
                self.message(&end.text, if status(end) == "incomplete" { "incomplete" } else { "completed" }),
            );
        }
        output.extend(end.wanted.iter().map(function_call));
        output
    }

    /// The item with the words.
    pub(super) fn message(&self, text: &str, status: &str) -> Value {
        let content = match status {
            "in_progress" => json!([]),
            _ => json!([part(text)]),
        };
        json!({"type": "message", "id": self.message_id, "role": "assistant", "content": content, "status": status})
    }
}

/// `completed`, or `incomplete` when the answer ran into its limit.
pub(super) fn status(end: &RunEnd) -> &'static str {
    if end.stop == StopReason::Length { "incomplete" } else { "completed" }
}

/// Words as a part of a message.
pub(super) fn part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": []})
}

/// The item of a call.
pub(super) fn function_call(call: &ToolCall) -> Value {
    json!({
        "type": "function_call",
        "id": format!("fc_{}", call.id),
        "call_id": call.id,
        "name": call.name,
        "arguments": arguments(call),
        "status": "completed",
    })
}

fn usage(end: Option<&RunEnd>) -> Value {
    let (input, output) = end.map_or((0, 0), |end| (end.input_tokens, end.output_tokens));
    json!({
        "input_tokens": input,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": input + output,
    })
}

#[cfg(test)]
mod tests {
    use bulkhead_agent::ModelMessage;

    use super::*;

    fn request(value: Value) -> ResponsesRequest {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn items_become_a_conversation() {
        let read = request(json!({"instructions": "be brief", "input": [
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
            {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"},
            {"type": "reasoning"},
            {"type": "function_call_output", "call_id": "c1", "output": ""},
        ]}))
        .conversation(|_| None)
        .unwrap();
        assert_eq!(read.system, ["be brief"]);
        assert_eq!(read.earlier.len(), 2);
        assert!(matches!(&read.results[..], [ModelMessage::Tool { name, .. }] if name == "weather"));
        assert_eq!(request(json!({"input": "hi"})).conversation(|_| None).unwrap().message, "hi");
    }

    #[test]
    fn a_result_alone_answers_a_call_of_an_earlier_response() {
        let alone =
            request(json!({"input": [{"type": "function_call_output", "call_id": "c", "output": "1"}]}));
        let read = alone.conversation(|id| (id == "c").then(|| "weather".to_owned())).unwrap();
        assert_eq!((read.results.len(), read.earlier.len()), (1, 0));
        assert!(alone.conversation(|_| None).unwrap_err().contains("\"c\""));
        for nothing in [json!({}), json!({"input": []}), json!({"input": 4})] {
            assert!(request(nothing).conversation(|_| None).is_err());
        }
    }
}
