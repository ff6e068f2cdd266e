//! A conversation that a caller brings, taken apart for a turn; both formats are read into it. Pure.

use bulkhead_agent::{ModelMessage, Picture, ToolCall};
use serde_json::{Map, Value};

use super::pictures;

/// What stands for a message that only shows pictures.
const ONLY_PICTURES: &str = "(pictures, without words)";

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
