//! The OpenAI chat completions format: what comes in, what goes out. Pure.

use bulkhead_agent::{ModelMessage, Picture, StopReason, ToolCall, Wishes};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::client_tools::{ClientTools, arguments};
use super::pictures;
use crate::runs::registry::RunEnd;

/// A request may hold so many messages.
const MOST_MESSAGES: usize = 2000;
/// What stands for a message that only shows pictures.
const ONLY_PICTURES: &str = "(pictures, without words)";

/// `POST /v1/chat/completions`.
#[derive(Debug, Deserialize)]
pub(super) struct CompletionRequest {
    /// `bulkhead`, `bulkhead/<agent>`, and the same with `openclaw`.
    #[serde(default)]
    pub(super) model: String,
    /// The conversation, oldest first.
    #[serde(default)]
    pub(super) messages: Vec<WireMessage>,
    /// Server-sent events instead of one answer.
    #[serde(default)]
    pub(super) stream: bool,
    /// A stable name gives a stable session.
    #[serde(default)]
    pub(super) user: Option<String>,
    /// What a stream tells beside the text.
    #[serde(default)]
    stream_options: Option<StreamOptions>,
    tools: Option<Value>,
    tool_choice: Option<Value>,
    max_completion_tokens: Option<Value>,
    max_tokens: Option<Value>,
    temperature: Option<Value>,
    top_p: Option<Value>,
    frequency_penalty: Option<Value>,
    presence_penalty: Option<Value>,
    seed: Option<Value>,
    stop: Option<Value>,
}

/// `stream_options`.
#[derive(Debug, Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

/// One message of the conversation.
#[derive(Debug, Deserialize)]
pub(super) struct WireMessage {
    /// `system`, `developer`, `user`, `assistant`, `tool`, `function`.
    role: String,
    /// Text, or parts.
    #[serde(default)]
    content: Value,
    #[serde(default)]
    tool_calls: Vec<WireCall>,
    tool_call_id: Option<String>,
    name: Option<String>,
}

#[derive(Debug, Deserialize)]
struct WireCall {
    id: String,
    function: WireFunction,
}

#[derive(Debug, Deserialize)]
struct WireFunction {
    name: String,
    #[serde(default)]
    arguments: String,
}

/// The text of a content: a string, or its text parts.
pub(super) fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts
            .iter()
            .filter_map(|part| part.get("text").and_then(Value::as_str))
            .collect::<Vec<_>>()
            .join("\n"),
        _ => String::new(),
    }
}

/// A call as a client sends it back.
pub(super) fn call(id: String, name: String, arguments: &str) -> ToolCall {
    match serde_json::from_str::<Map<String, Value>>(arguments) {
        Ok(arguments) => ToolCall { id, name, arguments, invalid_arguments: None },
        Err(_) if arguments.trim().is_empty() => {
            ToolCall { id, name, arguments: Map::new(), invalid_arguments: None }
        }
        Err(_) => ToolCall { id, name, arguments: Map::new(), invalid_arguments: Some(arguments.to_owned()) },
    }
}

/// The conversation, taken apart for a turn.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Conversation {
    /// System and developer messages.
    pub(super) system: Vec<String>,
    /// What was said before.
    pub(super) earlier: Vec<ModelMessage>,
    /// What is asked now; empty when the turn goes on with `results`.
    pub(super) message: String,
    /// Pictures that are shown with it.
    pub(super) pictures: Vec<Picture>,
    /// Results of the caller's tools at the end of the conversation.
    pub(super) results: Vec<ModelMessage>,
}

impl Conversation {
    /// Adds something that the person said; only the last is asked.
    pub(super) fn said(&mut self, content: &Value) -> Result<(), String> {
        let (text, pictures) = (text(content), pictures::of_parts(content)?);
        if text.trim().is_empty() && pictures.is_empty() {
            return Ok(());
        }
        self.past();
        self.message = if text.trim().is_empty() { ONLY_PICTURES.to_owned() } else { text };
        self.pictures = pictures;
        Ok(())
    }

    /// Adds something that the model said or called.
    pub(super) fn answered(&mut self, text: String, tool_calls: Vec<ToolCall>) {
        if text.trim().is_empty() && tool_calls.is_empty() {
            return;
        }
        self.past();
        let joins = matches!(self.earlier.last(), Some(ModelMessage::Assistant { .. })) && text.is_empty();
        if let (true, Some(ModelMessage::Assistant { tool_calls: known, .. })) =
            (joins, self.earlier.last_mut())
        {
            known.extend(tool_calls);
            return;
        }
        self.earlier.push(ModelMessage::Assistant { text, tool_calls, interrupted: false, native: None });
    }

    /// Adds the result of a call. The tool's name is that of the call; what nobody called is told.
    pub(super) fn returned(&mut self, call_id: &str, text: String, name: Option<&str>) -> Result<(), String> {
        let called = self.earlier.iter().rev().find_map(|message| match message {
            ModelMessage::Assistant { tool_calls, .. } => {
                tool_calls.iter().find(|call| call.id == call_id).map(|call| call.name.clone())
            }
            _ => None,
        });
        let name = called.or_else(|| name.map(str::to_owned)).ok_or_else(|| {
            format!("a tool result answers {call_id:?}, which no earlier message of the assistant called")
        })?;
        if !self.message.is_empty() {
            self.past();
        }
        self.results.push(ModelMessage::Tool { call_id: call_id.to_owned(), name, text, is_error: false });
        Ok(())
    }

    /// What was last is past: something follows it.
    fn past(&mut self) {
        self.earlier.append(&mut self.results);
        if !self.message.is_empty() {
            self.earlier.push(ModelMessage::user(std::mem::take(&mut self.message)));
        }
        self.pictures.clear();
    }

    /// Whether anything is asked.
    pub(super) fn is_question(&self) -> bool {
        !self.message.is_empty() || !self.results.is_empty()
    }
}

impl CompletionRequest {
    /// Takes the conversation apart, or says what is wrong with it.
    pub(super) fn conversation(&self) -> Result<Conversation, String> {
        if self.messages.len() > MOST_MESSAGES {
            return Err(format!(
                "`messages` has {} entries, expected at most {MOST_MESSAGES}; send fewer",
                self.messages.len()
            ));
        }
        let mut conversation = Conversation::default();
        for message in &self.messages {
            let text = text(&message.content);
            match message.role.as_str() {
                "system" | "developer" if !text.trim().is_empty() => conversation.system.push(text),
                "system" | "developer" => {}
                "assistant" => {
                    let calls = message.tool_calls.iter();
                    let calls = calls
                        .map(|one| call(one.id.clone(), one.function.name.clone(), &one.function.arguments));
                    conversation.answered(text, calls.collect());
                }
                "tool" | "function" => {
                    let id = message.tool_call_id.as_deref().or(message.name.as_deref());
                    let id = id.ok_or("a tool message has no tool_call_id")?;
                    conversation.returned(id, text, message.name.as_deref())?;
                }
                _ => conversation.said(&message.content)?,
            }
        }
        if conversation.is_question() {
            Ok(conversation)
        } else {
            Err("`messages` holds no user message with text that is still to be answered; add one".to_owned())
        }
    }

    /// The caller's tools.
    pub(super) fn client_tools(&self) -> Result<ClientTools, String> {
        ClientTools::read(self.tools.as_ref(), self.tool_choice.as_ref())
    }

    /// How the model is to answer.
    pub(super) fn wishes(&self, tools: &ClientTools) -> Result<Wishes, String> {
        let legacy = count("max_tokens", self.max_tokens.as_ref())?;
        let mut extra = Map::new();
        for (name, value, least, most) in [
            ("top_p", &self.top_p, 0.0, 1.0),
            ("frequency_penalty", &self.frequency_penalty, -2.0, 2.0),
            ("presence_penalty", &self.presence_penalty, -2.0, 2.0),
        ] {
            if let Some(number) = number(name, value.as_ref(), least, most)? {
                extra.insert(name.to_owned(), number.into());
            }
        }
        if let Some(seed) = self.seed.as_ref().filter(|seed| !seed.is_null()) {
            let seed = seed.as_i64().ok_or("`seed` must be an integer")?;
            extra.insert("seed".to_owned(), seed.into());
        }
        if let Some(stop) = self.stop.as_ref().filter(|stop| !stop.is_null()) {
            extra.insert("stop".to_owned(), stops(stop)?);
        }
        Ok(Wishes {
            tools: tools.tools.clone(),
            max_tokens: count("max_completion_tokens", self.max_completion_tokens.as_ref())?.or(legacy),
            temperature: number("temperature", self.temperature.as_ref(), 0.0, 2.0)?,
            extra,
        })
    }

    /// Whether a stream ends with the usage.
    pub(super) fn wants_usage(&self) -> bool {
        self.stream_options.as_ref().is_some_and(|options| options.include_usage)
    }
}

/// A positive number, or nothing.
pub(super) fn count(name: &str, value: Option<&Value>) -> Result<Option<u64>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64().filter(|number| (1..=1 << 53).contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(format!("`{name}` is {value}, expected a positive integer")),
        },
    }
}

/// A number between two bounds, or nothing.
pub(super) fn number(
    name: &str,
    value: Option<&Value>,
    least: f64,
    most: f64,
) -> Result<Option<f64>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_f64().filter(|number| (least..=most).contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(format!("`{name}` is {value}, expected a number from {least} to {most}")),
        },
    }
}

fn stops(stop: &Value) -> Result<Value, String> {
    let texts = match stop {
        Value::String(_) => vec![stop.clone()],
        Value::Array(texts) => texts.clone(),
        _ => Vec::new(),
    };
    let fit = (1..=4).contains(&texts.len())
        && texts.iter().all(|text| text.as_str().is_some_and(|text| !text.is_empty()));
    if fit { Ok(Value::Array(texts)) } else { Err("`stop` must be a text or up to 4 texts".to_owned()) }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn request(value: Value) -> CompletionRequest {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_conversation_is_taken_apart() {
        let parsed = request(json!({"model": "openclaw", "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": "two"},
            {"role": "user", "content": [
                {"type": "text", "text": "three"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
            ]},
        ]}));
        let conversation = parsed.conversation().unwrap();
        assert_eq!(conversation.system, ["be brief"]);
        assert_eq!(conversation.earlier, [ModelMessage::user("one"), ModelMessage::assistant("two")]);
        assert_eq!((conversation.message.as_str(), conversation.pictures.len()), ("three", 1));
        let empty = request(json!({"messages": []})).conversation().unwrap_err();
        assert!(empty.contains("user message"), "{empty}");
    }

    #[test]
    fn results_of_tools_go_on_with_the_turn() {
        let calls = json!([
            {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Rome\"}"}},
            {"id": "c2", "type": "function", "function": {"name": "time", "arguments": ""}},
        ]);
        let conversation = request(json!({"messages": [
            {"role": "user", "content": "how is it"},
            {"role": "assistant", "content": null, "tool_calls": calls},
            {"role": "tool", "tool_call_id": "c1", "content": "sun"},
            {"role": "tool", "tool_call_id": "c2", "content": ""},
        ]}))
        .conversation()
        .unwrap();
        assert_eq!(conversation.message, "");
        assert_eq!(conversation.earlier.len(), 2);
        assert!(matches!(&conversation.results[..], [
            ModelMessage::Tool { name, text, .. }, ModelMessage::Tool { name: other, .. },
        ] if name == "weather" && text == "sun" && other == "time"));
        let stray = request(json!({"messages": [
            {"role": "user", "content": "x"}, {"role": "tool", "tool_call_id": "nobody", "content": "y"},
        ]}));
        assert!(stray.conversation().unwrap_err().contains("nobody"));
    }

    #[test]
    fn what_is_said_after_results_makes_them_past() {
        let conversation = request(json!({"messages": [
            {"role": "user", "content": "a"},
            {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "t", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c", "content": "r"},
            {"role": "user", "content": "b"},
        ]}))
        .conversation()
        .unwrap();
        assert_eq!((conversation.message.as_str(), conversation.earlier.len()), ("b", 3));
        assert!(conversation.results.is_empty());
    }

    #[test]
    fn wishes_have_bounds() {
        let wish = |value: Value| {
            let mut all = json!({"messages": []});
            all.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
            request(all).wishes(&ClientTools::default())
        };
        let wishes = wish(json!({"max_tokens": 5, "temperature": 0.5, "top_p": 1, "stop": "x"})).unwrap();
        assert_eq!((wishes.max_tokens, wishes.temperature), (Some(5), Some(0.5)));
        assert_eq!(wishes.extra["stop"], json!(["x"]));
        assert_eq!(wish(json!({"max_tokens": 5, "max_completion_tokens": 9})).unwrap().max_tokens, Some(9));
        for wrong in [
            json!({"temperature": 3}),
            json!({"top_p": -1}),
            json!({"max_tokens": 0}),
            json!({"seed": 1.5}),
            json!({"stop": ["a", "b", "c", "d", "e"]}),
        ] {
            assert!(wish(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
