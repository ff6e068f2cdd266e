//! Messages: as stored, and as the protocol shows them. Pure.

use bulkhead_store::Message;
use serde_json::{Map, Value, json};

/// How long a preview in the list of sessions is, in characters.
const PREVIEW: usize = 160;
/// How long a title derived from the first message is.
const TITLE: usize = 60;

/// A stored message as `chat.history` and `session.message` show it.
pub(crate) fn to_wire(message: &Message) -> Value {
    let mut wire = Map::new();
    wire.insert("role".into(), message.role.clone().into());
    wire.insert("content".into(), without_bytes(&message.content));
    if let Value::Object(meta) = &message.meta {
        for (name, value) in meta.iter().filter(|(name, _)| !name.starts_with('_')) {
            wire.insert(name.clone(), value.clone());
        }
    }
    wire.insert("timestamp".into(), message.ts.into());
    let mut own = json!({"id": message.id, "seq": message.seq, "recordTimestampMs": message.ts});
    if let Value::Object(own) = &mut own {
        if let Some(key) = &message.idempotency_key {
            wire.insert("idempotencyKey".into(), key.clone().into());
            own.insert("idempotencyKey".into(), key.clone().into());
        }
        if let Some(run_id) = &message.run_id {
            own.insert("runId".into(), run_id.clone().into());
        }
        if let Some(kind) = message.meta.get("_kind") {
            own.insert("kind".into(), kind.clone());
        }
    }
    wire.insert("__openclaw".into(), own);
    Value::Object(wire)
}

/// What a chat shows of pictures: that they were there.
fn without_bytes(content: &Value) -> Value {
    let Value::Array(blocks) = content else { return content.clone() };
    let shown = |block: &Value| {
        let mut block = block.clone();
        if block["type"] == "image" {
            block["omitted"] = true.into();
        }
        block
    };
    blocks.iter().map(shown).collect()
}

/// The text of a message, without tool calls.
pub(crate) fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => blocks
            .iter()
            .filter(|block| block.get("type").and_then(Value::as_str) == Some("text"))
            .filter_map(|block| block.get("text").and_then(Value::as_str))
            .collect::<Vec<_>>()
            .join("\n"),
        _ => String::new(),
    }
}

/// The part of a text around a word, on one line.
pub(crate) fn around(text: &str, word: &str) -> String {
    let lower = text.to_lowercase();
    // Positions agree only where both cases are as long; else the beginning is shown.
    let at = if lower.len() == text.len() { lower.find(&word.to_lowercase()).unwrap_or(0) } else { 0 };
    let before = text.get(..at).unwrap_or_default();
    let start = before.char_indices().rev().nth(PREVIEW / 4).map_or(0, |(index, _)| index);
    let line = shorten(text.get(start..).unwrap_or(text), PREVIEW);
    if start > 0 { format!("…{line}") } else { line }
}

/// The beginning of a message, on one line.
pub(crate) fn preview(content: &Value) -> String {
    shorten(&text_of(content), PREVIEW)
}

/// A title made of a session's first message.
pub(crate) fn title(content: &Value) -> String {
    shorten(&text_of(content), TITLE)
}

fn shorten(text: &str, most: usize) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.chars().count() > most {
            return line.chars().take(most - 1).chain(['…']).collect();
        }
    }
    line
}

/// Shortens texts inside a message that are longer than `most` characters; says so in place.
pub(crate) fn clip(value: &mut Value, most: usize) {
    match value {
        Value::String(text) if text.chars().count() > most => {
            let kept: String = text.chars().take(most).collect();
            *text = format!("{kept}\n…(shortened)…");
        }
        Value::Array(items) => items.iter_mut().for_each(|item| clip(item, most)),
        Value::Object(map) => map.values_mut().for_each(|item| clip(item, most)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn previews_are_one_short_line() {
        assert_eq!(preview(&json!("a\n b\tc")), "a b c");
        let long = preview(&json!([{"type": "text", "text": "word ".repeat(100)}, {"type": "toolCall"}]));
        assert_eq!(long.chars().count(), PREVIEW);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn a_message_shows_its_particulars_and_its_own_id() {
        let message = Message {
            id: "m1".into(),
            session_id: "s1".into(),
            seq: 4,
            role: "assistant".into(),
            content: json!([{"type": "text", "text": "hi"}]),
            run_id: Some("r1".into()),
            idempotency_key: None,
            meta: json!({"model": "m", "_inner": 1}),
            ts: 5,
        };
        let wire = to_wire(&message);
        assert_eq!(wire["model"], "m");
        assert!(wire.get("_inner").is_none());
        assert_eq!(wire["__openclaw"], json!({"id": "m1", "seq": 4, "recordTimestampMs": 5, "runId": "r1"}));
    }
}
