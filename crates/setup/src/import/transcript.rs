//! Conversations as OpenClaw writes them, message by message, in the form that Bulkhead keeps. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// One event of a transcript.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) value: Value,
    /// When it was written, in milliseconds since 1970.
    pub(super) at: i64,
}

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Said {
    /// Its id in OpenClaw.
    pub(super) id: String,
    pub(super) role: &'static str,
    pub(super) content: Value,
    pub(super) meta: Value,
    pub(super) at: i64,
}

/// The messages of the branch that the last event ends: events point to the one before them, and what was rewound stays
/// in the file beside what was said instead.
pub(super) fn active(events: Vec<Event>) -> Vec<Event> {
    let id = |event: &Event| event.value.get("id").and_then(Value::as_str).map(str::to_owned);
    let linked = events.iter().any(|event| event.value.get("parentId").is_some());
    if !linked {
        return events;
    }
    let parents: BTreeMap<String, Option<String>> = events
        .iter()
        .filter_map(|event| {
            let parent = event.value.get("parentId").and_then(Value::as_str).map(str::to_owned);
            Some((id(event)?, parent))
        })
        .collect();
    let mut wanted = BTreeSet::new();
    let mut next = events.iter().rev().find(|event| event.value.get("parentId").is_some()).and_then(id);
    while let Some(here) = next {
        next = parents.get(&here).cloned().flatten();
        if !wanted.insert(here) {
            break;
        }
    }
    events.into_iter().filter(|event| id(event).is_some_and(|id| wanted.contains(&id))).collect()
}

/// An event as a message; `None` for what is no message, or has nothing in it.
pub(super) fn message(event: &Event) -> Option<Said> {
    if event.value.get("type")?.as_str()? != "message" {
        return None;
    }
    let inner = event.value.get("message")?;
    let text = |key: &str| inner.get(key).and_then(Value::as_str);
    let role = match text("role")? {
        "user" => "user",
        "assistant" => "assistant",
        "toolResult" => "toolResult",
        _ => return None,
    };
    let content = content(inner.get("content")?, role)?;
    let at = inner.get("timestamp").and_then(Value::as_i64).filter(|at| *at > 0).unwrap_or(event.at);
    let mut meta = serde_json::Map::new();
    let mut take = |from: &Value, key: &str, to: &str| {
        if let Some(value) = from.get(key).filter(|value| !value.is_null()) {
            meta.insert(to.to_owned(), value.clone());
        }
    };
    let own = inner.get("__openclaw");
    let kept: &[&str] = match role {
        "assistant" => &["api", "provider", "model", "usage", "stopReason"],
        "toolResult" => &["toolCallId", "toolName", "isError"],
        _ => &[],
    };
    for key in kept {
        take(inner, key, key);
    }
    if let (true, Some(own)) = (role == "user", own) {
        take(own, "senderName", "senderLabel");
    }
    let id = event.value.get("id").and_then(Value::as_str).map_or_else(|| format!("{at}"), str::to_owned);
    Some(Said { id, role, content, meta: Value::Object(meta), at })
}

/// Text and tool calls. Pictures and thoughts are left out: the one is said, the other is nobody's answer.
fn content(content: &Value, role: &str) -> Option<Value> {
    match content {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone().into()),
        Value::Array(blocks) => {
            let kept: Vec<Value> = blocks
                .iter()
                .filter_map(|block| match block.get("type")?.as_str()? {
                    "text" => {
                        let text = block.get("text")?.as_str().filter(|text| !text.is_empty())?;
                        Some(json!({ "type": "text", "text": text }))
                    }
                    "toolCall" => Some(json!({
                        "type": "toolCall",
                        "id": block.get("id")?.as_str()?,
                        "name": block.get("name")?.as_str()?,
                        "arguments": block.get("arguments").cloned().unwrap_or_else(|| json!({})),
                    })),
                    "thinking" | "redacted_thinking" => None,
                    other => Some(json!({ "type": "text", "text": format!("[{other}: not imported]") })),
                })
                .collect();
            (!kept.is_empty() || role == "toolResult").then_some(Value::Array(kept))
        }
        _ => None,
    }
}

/// Whether a conversation is one of a person: not a timed job's, not an agent's with another agent.
pub(super) fn is_of_people(key: &str) -> bool {
    let Some(rest) = key.strip_prefix("agent:").and_then(|rest| rest.split_once(':')) else { return false };
    !["cron:", "subagent:", "acp:", "hook:", "heartbeat", "node:", "dreaming", "internal:", "boot"]
        .iter()
        .any(|start| rest.1.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(value: Value) -> Event {
        Event { value, at: 7 }
    }

    #[test]
    fn messages_of_the_active_branch_in_our_form() {
        let events: Vec<Event> = [
            json!({"type": "session", "version": 4, "id": "s"}),
            json!({"type": "message", "id": "a", "parentId": null, "message": {"role": "user", "content": "hi", "timestamp": 5, "__openclaw": {"senderName": "Ann"}}}),
            json!({"type": "message", "id": "b", "parentId": "a", "message": {"role": "assistant", "content": [{"type": "text", "text": "rewound"}]}}),
            json!({"type": "thinking_level_change", "id": "c", "parentId": "a"}),
            json!({"type": "message", "id": "d", "parentId": "c", "message": {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "x"}, {"type": "text", "text": "hello"},
                {"type": "toolCall", "id": "t1", "name": "read", "arguments": {"path": "a"}}, {"type": "image", "data": "AAAA"}],
                "provider": "p", "model": "m", "stopReason": "toolUse", "usage": {"input": 1}}}),
            json!({"type": "message", "id": "e", "parentId": "d", "message": {"role": "toolResult", "toolCallId": "t1", "toolName": "read", "isError": false, "content": [{"type": "text", "text": "A"}]}}),
            json!({"type": "message", "id": "f", "parentId": "e", "message": {"role": "assistant", "content": [], "stopReason": "error"}}),
        ]
        .into_iter()
        .map(event)
        .collect();
        let said: Vec<Said> = active(events).iter().filter_map(message).collect();
        assert_eq!(said.iter().map(|said| said.id.as_str()).collect::<Vec<_>>(), ["a", "d", "e"]);
        assert_eq!(
            said[0],
            Said {
                id: "a".into(),
                role: "user",
                content: "hi".into(),
                meta: json!({"senderLabel": "Ann"}),
                at: 5
            }
        );
        assert_eq!(
            said[1].content,
            json!([{"type": "text", "text": "hello"}, {"type": "toolCall", "id": "t1", "name": "read", "arguments": {"path": "a"}}, {"type": "text", "text": "[image: not imported]"}])
        );
        assert_eq!(said[1].at, 7);
        assert_eq!(said[2].meta, json!({"toolCallId": "t1", "toolName": "read", "isError": false}));
    }

    #[test]
    fn a_file_without_links_is_one_branch() {
        let events = vec![
            event(json!({"type": "message", "message": {"role": "user", "content": "1"}})),
            event(json!({"type": "message", "message": {"role": "user", "content": "2"}})),
        ];
        assert_eq!(active(events).iter().filter_map(message).count(), 2);
    }

    #[test]
    fn jobs_and_helpers_are_no_conversations_of_people() {
        assert!(is_of_people("agent:main:main") && is_of_people("agent:main:telegram:direct:42"));
        assert!(
            !is_of_people("agent:main:cron:x")
                && !is_of_people("agent:main:subagent:y")
                && !is_of_people("global")
        );
    }
}
