//! One shape for what the three wire formats carry: who said what, which tools are there, what they returned.

use serde_json::Value;

/// The three request formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WireFormat {
    /// `POST /v1/chat/completions`
    OpenAi,
    /// `POST /v1/messages`
    Anthropic,
    /// `POST /api/chat`
    Ollama,
}

/// One thing that was said, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Turn {
    /// The person.
    User(String),
    /// The model.
    Assistant(String),
    /// The model asked for a tool.
    ToolCall {
        /// The call's id.
        id: String,
        /// The tool.
        name: String,
    },
    /// What a tool returned.
    ToolResult {
        /// The id of the call it answers; empty when the format has none.
        id: String,
        /// The text.
        text: String,
    },
}

/// A request, read.
#[derive(Debug, Clone, Default)]
pub struct Conversation {
    /// The requested model.
    pub model: String,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// Whether a stream ends with a usage chunk (OpenAI only).
    pub include_usage: bool,
    /// All system text.
    pub system: String,
    /// Everything said, in order.
    pub turns: Vec<Turn>,
    /// Names of the offered tools.
    pub tools: Vec<String>,
    /// Length of the request's text in words, the fake's idea of tokens.
    pub words: usize,
}

impl Conversation {
    /// Reads a request body; the error says which field is not as the real API wants it.
    pub fn read(format: WireFormat, body: &Value) -> Result<Self, String> {
        let mut conversation = Self {
            model: required_str(body, "model")?.to_owned(),
            // Ollama streams unless told not to; the others only when told.
            stream: body.get("stream").and_then(Value::as_bool).unwrap_or(format == WireFormat::Ollama),
            include_usage: body.pointer("/stream_options/include_usage").and_then(Value::as_bool)
                == Some(true),
            ..Self::default()
        };
        if format == WireFormat::Anthropic {
            if !body.get("max_tokens").is_some_and(Value::is_u64) {
                return Err("max_tokens: Field required".to_owned());
            }
            conversation.system = text_of(body.get("system").unwrap_or(&Value::Null));
        }
        for tool in body.get("tools").and_then(Value::as_array).into_iter().flatten() {
            let name = tool.pointer("/function/name").or_else(|| tool.get("name")).and_then(Value::as_str);
            conversation.tools.push(name.ok_or("tools: every tool needs a name")?.to_owned());
        }
        let messages = body.get("messages").and_then(Value::as_array).ok_or("messages: Field required")?;
        if messages.is_empty() {
            return Err("messages: at least one message is required".to_owned());
        }
        for message in messages {
            conversation.read_message(format, message)?;
        }
        conversation.words = conversation.system.split_whitespace().count()
            + conversation.turns.iter().map(|turn| turn.text().split_whitespace().count()).sum::<usize>();
        Ok(conversation)
    }

    fn read_message(&mut self, format: WireFormat, message: &Value) -> Result<(), String> {
        let content = message.get("content").unwrap_or(&Value::Null);
        match required_str(message, "role")? {
            "system" | "developer" if format != WireFormat::Anthropic => {
                if !self.system.is_empty() {
                    self.system.push('\n');
                }
                self.system.push_str(&text_of(content));
            }
            "user" => {
                for block in content.as_array().into_iter().flatten() {
                    if block.get("type").and_then(Value::as_str) == Some("tool_result") {
                        let id = required_str(block, "tool_use_id")?.to_owned();
                        self.answer_call(id, text_of(block.get("content").unwrap_or(&Value::Null)))?;
                    }
                }
                let text = text_of(content);
                if !text.is_empty() {
                    self.turns.push(Turn::User(text));
                }
            }
            "assistant" => {
                let text = text_of(content);
                if !text.is_empty() {
                    self.turns.push(Turn::Assistant(text));
                }
                for block in content.as_array().into_iter().flatten() {
                    if block.get("type").and_then(Value::as_str) == Some("tool_use") {
                        if !block.get("input").is_some_and(Value::is_object) {
                            return Err("messages: tool_use.input: Input should be an object".to_owned());
                        }
                        self.turns.push(Turn::ToolCall {
                            id: required_str(block, "id")?.to_owned(),
                            name: required_str(block, "name")?.to_owned(),
                        });
                    }
                }
                for call in message.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
                    let function = call.get("function").ok_or("tool_calls: a call needs a function")?;
                    let arguments = function.get("arguments").unwrap_or(&Value::Null);
                    let well_formed = match format {
                        WireFormat::OpenAi => {
                            arguments.as_str().is_some_and(|text| serde_json::from_str::<Value>(text).is_ok())
                        }
                        _ => arguments.is_object(),
                    };
                    if !well_formed {
                        return Err("tool_calls: function.arguments is not as this API wants it".to_owned());
                    }
                    self.turns.push(Turn::ToolCall {
                        id: call.get("id").and_then(Value::as_str).unwrap_or_default().to_owned(),
                        name: required_str(function, "name")?.to_owned(),
                    });
                }
            }
            "tool" if format != WireFormat::Anthropic => {
                let id = message.get("tool_call_id").and_then(Value::as_str).unwrap_or_default().to_owned();
                self.answer_call(id, text_of(content))?;
            }
            other => return Err(format!("messages: role {other:?} is not known")),
        }
        Ok(())
    }

    /// Like the real APIs: a result must answer a call that was made.
    fn answer_call(&mut self, id: String, text: String) -> Result<(), String> {
        let asked =
            self.turns.iter().any(|turn| matches!(turn, Turn::ToolCall { id: asked, .. } if *asked == id));
        let any_call = self.turns.iter().any(|turn| matches!(turn, Turn::ToolCall { .. }));
        if !(asked || id.is_empty() && any_call) {
            return Err(format!("messages: tool result {id:?} answers no tool call before it"));
        }
        self.turns.push(Turn::ToolResult { id, text });
        Ok(())
    }

    /// The last thing the person said.
    #[must_use]
    pub fn last_user(&self) -> &str {
        self.last_user_index().map_or("", |index| self.turns[index].text())
    }

    /// What the person said before that, newest first.
    pub fn earlier_user_turns(&self) -> impl Iterator<Item = &str> {
        let end = self.last_user_index().unwrap_or(0);
        self.turns[..end].iter().rev().filter_map(|turn| match turn {
            Turn::User(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// Results of the tools that were called since the person spoke last, in order.
    #[must_use]
    pub fn fresh_tool_results(&self) -> Vec<&str> {
        let start = self.last_user_index().unwrap_or(0);
        self.turns[start..]
            .iter()
            .filter_map(|turn| match turn {
                Turn::ToolResult { text, .. } => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }

    fn last_user_index(&self) -> Option<usize> {
        self.turns.iter().rposition(|turn| matches!(turn, Turn::User(_)))
    }
}

impl Turn {
    /// The text of the turn, if it has one.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::User(text) | Self::Assistant(text) | Self::ToolResult { text, .. } => text,
            Self::ToolCall { .. } => "",
        }
    }
}

fn required_str<'a>(value: &'a Value, field: &str) -> Result<&'a str, String> {
    value.get(field).and_then(Value::as_str).ok_or_else(|| format!("{field}: Field required"))
}

/// Text of a content field: a string, or the text blocks of a list.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => blocks
            .iter()
            .filter_map(|block| block.get("text").and_then(Value::as_str))
            .collect::<Vec<_>>()
            .join("\n"),
        _ => String::new(),
    }
}
