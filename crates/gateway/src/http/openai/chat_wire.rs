//! The OpenAI chat completions format: what comes in. Pure.

use bulkhead_agent::{Thinking, Wishes};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::bounds::{count, effort, number, stops};
use super::client_tools::ClientTools;
use super::conversation::{Conversation, call, text};

/// A request may hold so many messages.
const MOST_MESSAGES: usize = 2000;

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
    reasoning_effort: Option<Value>,
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

    /// How hard the model is to think.
    pub(super) fn thinking(&self) -> Result<Option<Thinking>, String> {
        effort("reasoning_effort", self.reasoning_effort.as_ref())
    }

    /// Whether a stream ends with the usage.
    pub(super) fn wants_usage(&self) -> bool {
        self.stream_options.as_ref().is_some_and(|options| options.include_usage)
    }
}

#[cfg(test)]
mod tests {
    use bulkhead_agent::ModelMessage;
    use serde_json::json;

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
