//! The OpenAI chat completions format: what comes in, what goes out. Pure.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::runs::registry::{EndStatus, RunEnd};

/// A request may hold so many messages.
const MOST_MESSAGES: usize = 2000;

/// `POST /v1/chat/completions`.
#[derive(Debug, Deserialize)]
pub(crate) struct CompletionRequest {
    /// `bulkhead`, `bulkhead/<agent>`, and the same with `openclaw`.
    #[serde(default)]
    pub(crate) model: String,
    /// The conversation, oldest first.
    pub(crate) messages: Vec<WireMessage>,
    /// Server-sent events instead of one answer.
    #[serde(default)]
    pub(crate) stream: bool,
    /// A stable name gives a stable session.
    #[serde(default)]
    pub(crate) user: Option<String>,
    /// What a stream tells beside the text.
    #[serde(default)]
    pub(crate) stream_options: Option<StreamOptions>,
}

/// `stream_options`.
#[derive(Debug, Deserialize)]
pub(crate) struct StreamOptions {
    /// End the stream with the usage.
    #[serde(default)]
    pub(crate) include_usage: bool,
}

/// One message of the conversation.
#[derive(Debug, Deserialize)]
pub(crate) struct WireMessage {
    /// `system`, `developer`, `user`, `assistant`, `tool`.
    pub(crate) role: String,
    /// Text, or parts of which the text ones count.
    #[serde(default)]
    pub(crate) content: Value,
}

impl WireMessage {
    /// The text of the message.
    pub(crate) fn text(&self) -> String {
        match &self.content {
            Value::String(text) => text.clone(),
            Value::Array(parts) => parts
                .iter()
                .filter_map(|part| part.get("text").and_then(Value::as_str))
                .collect::<Vec<_>>()
                .join("\n"),
            _ => String::new(),
        }
    }
}

/// The conversation, taken apart for a turn.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Conversation {
    /// System and developer messages.
    pub(crate) system: Option<String>,
    /// What was said before: role and text.
    pub(crate) earlier: Vec<(Speaker, String)>,
    /// What is asked now.
    pub(crate) message: String,
}

/// Who said something earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// The person.
    User,
    /// The model.
    Assistant,
}

impl CompletionRequest {
    /// Takes the conversation apart, or says what is wrong with it.
    pub(crate) fn conversation(&self) -> Result<Conversation, String> {
        if self.messages.len() > MOST_MESSAGES {
            return Err(format!(
                "`messages` has {} entries, expected at most {MOST_MESSAGES}; send fewer",
                self.messages.len()
            ));
        }
        let last = self
            .messages
            .iter()
            .rposition(|message| message.role == "user" && !message.text().trim().is_empty())
            .ok_or("`messages` holds no user message with text; add one")?;
        let mut system = Vec::new();
        let mut earlier = Vec::new();
        for message in &self.messages[..last] {
            let text = message.text();
            if text.trim().is_empty() {
                continue;
            }
            match message.role.as_str() {
                "system" | "developer" => system.push(text),
                "assistant" => earlier.push((Speaker::Assistant, text)),
                "tool" | "function" => earlier.push((Speaker::User, format!("Tool result:\n{text}"))),
                _ => earlier.push((Speaker::User, text)),
            }
        }
        let system = (!system.is_empty()).then(|| system.join("\n\n"));
        Ok(Conversation { system, earlier, message: self.messages[last].text() })
    }

    /// The agent that the model name asks for; `None` is the default agent.
    pub(crate) fn agent(&self) -> Result<Option<&str>, String> {
        let name = self.model.trim();
        for prefix in ["bulkhead", "openclaw"] {
            if name == prefix || name.is_empty() {
                return Ok(None);
            }
            if let Some(agent) = name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix(['/', ':'])) {
                return Ok((agent != "default").then_some(agent));
            }
        }
        Err(format!(
            "`model` is {name:?}, expected \"bulkhead\" or \"bulkhead/<agent>\"; GET /v1/models lists them"
        ))
    }
}

/// What all parts of one answer share.
#[derive(Debug, Clone)]
pub(crate) struct Completion {
    pub(crate) id: String,
    pub(crate) created: u64,
    pub(crate) model: String,
}

impl Completion {
    /// The whole answer at once.
    pub(crate) fn whole(&self, end: &RunEnd) -> Value {
        json!({
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "choices": [{
                "index": 0,
                "message": {"role": "assistant", "content": end.text},
                "finish_reason": "stop",
            }],
            "usage": usage(end),
        })
    }

    /// The first part of a stream.
    pub(crate) fn first(&self) -> Value {
        self.chunk(&json!({"role": "assistant", "content": ""}), None)
    }

    /// A piece of text.
    pub(crate) fn delta(&self, text: &str) -> Value {
        self.chunk(&json!({"content": text}), None)
    }

    /// The last part of a stream.
    pub(crate) fn last(&self) -> Value {
        self.chunk(&json!({}), Some("stop"))
    }

    /// The part with the usage, if it was asked for.
    pub(crate) fn usage(&self, end: &RunEnd) -> Value {
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

fn usage(end: &RunEnd) -> Value {
    json!({
        "prompt_tokens": end.input_tokens,
        "completion_tokens": end.output_tokens,
        "total_tokens": end.input_tokens + end.output_tokens,
    })
}

/// `{"error":{…}}` as OpenAI clients read it.
#[derive(Debug, Serialize)]
pub(crate) struct WireError {
    error: WireErrorBody,
}

#[derive(Debug, Serialize)]
struct WireErrorBody {
    message: String,
    #[serde(rename = "type")]
    kind: &'static str,
    code: Option<&'static str>,
}

impl WireError {
    /// A message with its type.
    pub(crate) fn new(message: impl Into<String>, kind: &'static str) -> Self {
        Self { error: WireErrorBody { message: message.into(), kind, code: None } }
    }

    /// How a run that brought no answer is told.
    pub(crate) fn of_run(end: &RunEnd) -> Self {
        let message = match end.status {
            EndStatus::Aborted => "the run was aborted".to_owned(),
            _ => end.error.clone().unwrap_or_else(|| "the run failed; see the gateway's log".to_owned()),
        };
        Self::new(message, "api_error")
    }
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
            {"role": "user", "content": [{"type": "text", "text": "three"}, {"type": "image_url"}]},
        ]}));
        let conversation = parsed.conversation().unwrap();
        assert_eq!(conversation.system.as_deref(), Some("be brief"));
        assert_eq!(
            conversation.earlier,
            [(Speaker::User, "one".to_owned()), (Speaker::Assistant, "two".to_owned())]
        );
        assert_eq!(conversation.message, "three");
        assert_eq!(parsed.agent(), Ok(None));
    }

    #[test]
    fn agents_are_chosen_by_model_and_strangers_are_told() {
        let agent = |model: &str| {
            request(json!({"model": model, "messages": []})).agent().map(|a| a.map(str::to_owned))
        };
        assert_eq!(agent("bulkhead/ops"), Ok(Some("ops".to_owned())));
        assert_eq!(agent("openclaw:main"), Ok(Some("main".to_owned())));
        assert_eq!(agent("bulkhead/default"), Ok(None));
        assert!(agent("gpt-4").unwrap_err().contains("gpt-4"));
        assert!(request(json!({"messages": []})).conversation().unwrap_err().contains("user message"));
    }
}
