//! Stored messages to model messages and back. Pure.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bulkhead_agent::{ModelMessage, Picture, ToolCall, Usage};
use bulkhead_store::{Message, NewMessage, StoredPicture};
use serde_json::{Map, Value, json};

use crate::transcript::text_of;

/// The history of a session as a model reads it.
///
/// A message that waited while another was answered was stored before that answer. So the messages of one run are put
/// together, in the order in which the runs were asked for; `current` (the run that is about to start) and everything
/// asked for after it are left out.
///
/// `pictures` are those that the model is shown, by their ids; others are only mentioned.
pub(super) fn history(
    messages: &[Message],
    current: &str,
    pictures: &mut HashMap<String, Picture>,
) -> Vec<ModelMessage> {
    let mut first_seq: HashMap<&str, i64> = HashMap::new();
    for message in messages {
        if let Some(run) = message.run_id.as_deref() {
            first_seq.entry(run).or_insert(message.seq);
        }
    }
    let limit = first_seq.get(current).copied().unwrap_or(i64::MAX);
    let place = |message: &Message| {
        message.run_id.as_deref().and_then(|run| first_seq.get(run).copied()).unwrap_or(message.seq)
    };
    let mut earlier: Vec<&Message> =
        messages.iter().filter(|message| place(message) < limit && !is_aside(message)).collect();
    earlier.sort_by_key(|message| (place(message), message.seq));
    with_answers(earlier.into_iter().filter_map(|message| to_model(message, pictures)).collect())
}

/// A command and its answer: people read them, models do not.
fn is_aside(message: &Message) -> bool {
    message.meta.get("excludeFromContext").and_then(Value::as_bool) == Some(true)
}

/// What stands in a conversation where an answer should: the run failed, was stopped, or was cut off. Without it a
/// provider that joins messages of one side (Anthropic's does) would be asked both questions as one.
const UNANSWERED: &str = "[no answer was given to this message]";

/// Every message of the person gets something behind it. The last one too: the present question follows.
fn with_answers(messages: Vec<ModelMessage>) -> Vec<ModelMessage> {
    let mut complete: Vec<ModelMessage> = Vec::with_capacity(messages.len());
    let unanswered = |last: Option<&ModelMessage>| matches!(last, Some(ModelMessage::User { .. }));
    let note = || ModelMessage::Assistant {
        text: UNANSWERED.to_owned(),
        tool_calls: Vec::new(),
        interrupted: true,
        native: None,
    };
    for message in messages {
        match &message {
            ModelMessage::User { .. } if unanswered(complete.last()) => complete.push(note()),
            // Nothing was said: as if it were not there.
            ModelMessage::Assistant { text, tool_calls, .. } if text.is_empty() && tool_calls.is_empty() => {
                continue;
            }
            _ => {}
        }
        complete.push(message);
    }
    if unanswered(complete.last()) {
        complete.push(note());
    }
    complete
}

/// One stored message as a model reads it; kinds that models do not know are left out.
fn to_model(message: &Message, pictures: &mut HashMap<String, Picture>) -> Option<ModelMessage> {
    let meta = |name: &str| message.meta.get(name);
    let text = text_of(&message.content);
    match message.role.as_str() {
        "user" => {
            let (mut text, mut shown) = (text, Vec::new());
            for id in picture_ids(&message.content) {
                match pictures.remove(id) {
                    Some(picture) => shown.push(picture),
                    None => text.push_str("\n[a picture that is no longer shown]"),
                }
            }
            Some(ModelMessage::User { text, pictures: shown })
        }
        "assistant" => Some(ModelMessage::Assistant {
            text,
            tool_calls: calls(&message.content),
            interrupted: meta("stopReason").and_then(Value::as_str) == Some("aborted"),
            native: meta("_native").cloned(),
        }),
        "toolResult" => Some(ModelMessage::Tool {
            call_id: meta("toolCallId")?.as_str()?.to_owned(),
            name: meta("toolName")?.as_str()?.to_owned(),
            text,
            is_error: meta("isError").and_then(Value::as_bool).unwrap_or(false),
        }),
        _ => None,
    }
}

/// The pictures that a message names, in its order.
pub(super) fn picture_ids(content: &Value) -> impl Iterator<Item = &str> {
    content.as_array().into_iter().flatten().filter_map(|block| block.get("pictureId")?.as_str())
}

/// What a person said, as it is stored: text, or text and what names its pictures.
pub(super) fn content(text: &str, pictures: &[Picture]) -> (Value, Vec<StoredPicture>) {
    if pictures.is_empty() {
        return (text.into(), Vec::new());
    }
    let mut blocks = Vec::new();
    if !text.is_empty() {
        blocks.push(json!({"type": "text", "text": text}));
    }
    let mut stored = Vec::new();
    for picture in pictures {
        let Ok(data) = STANDARD.decode(&picture.data) else { continue };
        let kept = StoredPicture::new(picture.mime_type.as_str(), data);
        blocks.push(json!({
            "type": "image", "mimeType": kept.mime_type, "pictureId": kept.id, "bytes": kept.data.len(),
        }));
        stored.push(kept);
    }
    (Value::Array(blocks), stored)
}

fn calls(content: &Value) -> Vec<ToolCall> {
    let Value::Array(blocks) = content else { return Vec::new() };
    blocks
        .iter()
        .filter(|block| block.get("type").and_then(Value::as_str) == Some("toolCall"))
        .filter_map(|block| {
            Some(ToolCall {
                id: block.get("id")?.as_str()?.to_owned(),
                name: block.get("name")?.as_str()?.to_owned(),
                arguments: block.get("arguments").and_then(Value::as_object).cloned().unwrap_or_default(),
                invalid_arguments: block.get("invalidArguments").and_then(Value::as_str).map(str::to_owned),
            })
        })
        .collect()
}

/// What a new message carries beside its content.
#[derive(Debug, Clone, Copy)]
pub(super) struct Produced<'a> {
    pub(super) session_key: &'a str,
    pub(super) run_id: &'a str,
    pub(super) api: &'a str,
    pub(super) provider: &'a str,
    pub(super) model: &'a str,
    pub(super) usage: &'a Usage,
    pub(super) stop_reason: &'a str,
}

/// What a run said, as messages to store. The usage stands on the last assistant message.
pub(super) fn to_store(messages: &[ModelMessage], by: Produced<'_>) -> Vec<NewMessage> {
    let last = messages.iter().rposition(|message| matches!(message, ModelMessage::Assistant { .. }));
    messages
        .iter()
        .enumerate()
        .filter_map(|(index, message)| {
            let (role, content, meta) = match message {
                ModelMessage::User { .. } => return None,
                ModelMessage::Assistant { text, tool_calls, interrupted, native } => {
                    let ends = Some(index) == last;
                    let reason = if *interrupted {
                        "aborted"
                    } else if ends {
                        by.stop_reason
                    } else {
                        "toolUse"
                    };
                    let mut meta = json!({
                        "api": by.api, "provider": by.provider, "model": by.model, "stopReason": reason,
                    });
                    if ends {
                        meta["usage"] = usage(by.usage);
                    }
                    if let Some(native) = native {
                        meta["_native"] = native.clone();
                    }
                    ("assistant", blocks(text, tool_calls), meta)
                }
                ModelMessage::Tool { call_id, name, text, is_error } => (
                    "toolResult",
                    json!([{"type": "text", "text": text}]),
                    json!({"toolCallId": call_id, "toolName": name, "isError": is_error}),
                ),
            };
            Some(NewMessage::new(by.session_key, role, content).in_run(by.run_id).with_meta(meta))
        })
        .collect()
}

/// Results of a caller's own tools, as they are stored.
pub(super) fn results_to_store(results: &[ModelMessage], session_key: &str, run_id: &str) -> Vec<NewMessage> {
    let stored = |message: &ModelMessage| {
        let ModelMessage::Tool { call_id, name, text, is_error } = message else { return None };
        let content = json!([{"type": "text", "text": text}]);
        let meta = json!({"toolCallId": call_id, "toolName": name, "isError": is_error});
        Some(NewMessage::new(session_key, "toolResult", content).in_run(run_id).with_meta(meta))
    };
    results.iter().filter_map(stored).collect()
}

fn blocks(text: &str, calls: &[ToolCall]) -> Value {
    let mut blocks = Vec::new();
    if !text.is_empty() {
        blocks.push(json!({"type": "text", "text": text}));
    }
    for call in calls {
        let mut block = Map::new();
        block.insert("type".into(), "toolCall".into());
        block.insert("id".into(), call.id.clone().into());
        block.insert("name".into(), call.name.clone().into());
        block.insert("arguments".into(), Value::Object(call.arguments.clone()));
        if let Some(raw) = &call.invalid_arguments {
            block.insert("invalidArguments".into(), raw.clone().into());
        }
        blocks.push(Value::Object(block));
    }
    Value::Array(blocks)
}

/// Tokens as the protocol writes them.
pub(super) fn usage(usage: &Usage) -> Value {
    json!({
        "input": usage.input,
        "output": usage.output,
        "cacheRead": usage.cache_read,
        "cacheWrite": usage.cache_write,
        "totalTokens": usage.total,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(seq: i64, role: &str, run: &str, content: Value, meta: Value) -> Message {
        Message {
            id: seq.to_string(),
            session_id: "s".into(),
            seq,
            role: role.into(),
            content,
            run_id: Some(run.into()),
            idempotency_key: None,
            meta,
            ts: seq,
        }
    }

    #[test]
    fn a_message_that_waited_follows_the_answer_it_waited_for() {
        let stored = [
            message(1, "user", "a", json!("one"), Value::Null),
            message(2, "user", "b", json!("two"), Value::Null),
            message(3, "user", "c", json!("three"), Value::Null),
            message(4, "assistant", "a", json!([{"type": "text", "text": "1"}]), json!({})),
        ];
        assert_eq!(
            history(&stored, "b", &mut HashMap::new()),
            [ModelMessage::user("one"), ModelMessage::assistant("1")]
        );
        assert_eq!(history(&stored, "a", &mut HashMap::new()), []);
    }

    #[test]
    fn questions_without_an_answer_stay_apart_from_the_next_one() {
        let stored = [
            message(1, "user", "failed", json!("one"), Value::Null),
            message(2, "user", "stopped", json!("two"), Value::Null),
            message(3, "assistant", "stopped", json!([]), json!({"stopReason": "aborted"})),
            message(4, "user", "cut off", json!("three"), Value::Null),
            message(5, "user", "now", json!("four"), Value::Null),
        ];
        let history = history(&stored, "now", &mut HashMap::new());
        let speakers: Vec<bool> =
            history.iter().map(|message| matches!(message, ModelMessage::User { .. })).collect();
        assert_eq!(speakers, [true, false, true, false, true, false], "{history:?}");
        assert_eq!(history[0], ModelMessage::user("one"));
        assert!(matches!(&history[5], ModelMessage::Assistant { text, .. } if text == UNANSWERED));
    }

    #[test]
    fn tool_turns_survive_the_store() {
        let mut arguments = Map::new();
        arguments.insert("path".into(), "x".into());
        let call = ToolCall { id: "c1".into(), name: "read".into(), arguments, invalid_arguments: None };
        let said = [
            ModelMessage::Assistant {
                text: String::new(),
                tool_calls: vec![call],
                interrupted: false,
                native: Some(json!({"k": 1})),
            },
            ModelMessage::Tool {
                call_id: "c1".into(),
                name: "read".into(),
                text: "y".into(),
                is_error: false,
            },
            ModelMessage::assistant("done"),
        ];
        let by = Produced {
            session_key: "k",
            run_id: "r",
            api: "openai-completions",
            provider: "p",
            model: "m",
            usage: &Usage::default(),
            stop_reason: "stop",
        };
        let new = to_store(&said, by);
        assert_eq!(new[0].meta["stopReason"], "toolUse");
        assert!(new[2].meta.get("usage").is_some() && new[0].meta.get("usage").is_none());
        let stored: Vec<Message> = new
            .into_iter()
            .zip(1..)
            .map(|(new, seq)| message(seq, &new.role, "r", new.content, new.meta))
            .collect();
        assert_eq!(history(&stored, "other", &mut HashMap::new()), said);
    }
}
