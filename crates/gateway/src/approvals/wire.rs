//! Approvals as the protocol writes them. Pure.

use bulkhead_store::{Approval, ApprovalStatus};
use serde_json::{Value, json};

/// The answers that one may be given.
pub(crate) fn allowed_decisions(approval: &Approval) -> Vec<&str> {
    match approval.request.get("allowedDecisions").and_then(Value::as_array) {
        Some(list) => list.iter().filter_map(Value::as_str).collect(),
        None => vec!["allow-once", "deny"],
    }
}

/// The command that is asked about.
pub(crate) fn command(approval: &Approval) -> &str {
    approval.request.get("command").and_then(Value::as_str).unwrap_or_default()
}

/// What is asked, for people: the command, or a program's question.
pub(crate) fn question(approval: &Approval) -> String {
    if approval.kind != "plugin" {
        return command(approval).to_owned();
    }
    let text = |name: &str| approval.request.get(name).and_then(Value::as_str).unwrap_or_default();
    format!("{}\n\n{}", text("title"), text("description"))
}

/// Who answered, for people.
pub(crate) fn resolved_by(approval: &Approval) -> Option<String> {
    let resolver = approval.resolver.as_ref()?;
    let text = |name: &str| resolver.get(name).and_then(Value::as_str).map(str::to_owned);
    text("label").or_else(|| text("id"))
}

/// As `exec.approval.list` and `exec.approval.requested` write it.
pub(crate) fn requested(approval: &Approval) -> Value {
    json!({
        "approvalKind": approval.kind,
        "id": approval.id,
        "request": approval.request,
        "createdAtMs": approval.created_at,
        "expiresAtMs": approval.expires_at,
    })
}

/// As `exec.approval.resolved` writes it.
pub(crate) fn resolved(approval: &Approval, now: i64) -> Value {
    json!({
        "id": approval.id,
        "decision": approval.decision,
        "resolvedBy": resolved_by(approval),
        "ts": now,
        "request": approval.request,
    })
}

/// As `approval.get` writes it: what a person needs to see, and how it ended.
pub(crate) fn snapshot(approval: &Approval) -> Value {
    let text = |name: &str| approval.request.get(name).cloned().unwrap_or(Value::Null);
    let mut snapshot = json!({
        "id": approval.id,
        "urlPath": format!("/approve/{}", urlencode(&approval.id)),
        "createdAtMs": approval.created_at,
        "expiresAtMs": approval.expires_at,
        "status": approval.status.as_str(),
        "presentation": {
            "kind": "exec",
            "commandText": command(approval),
            "commandPreview": text("commandPreview"),
            "warningText": text("warningText"),
            "host": text("host"),
            "agentId": approval.agent_id,
            "allowedDecisions": allowed_decisions(approval),
        },
    });
    if approval.kind == "plugin" {
        snapshot["presentation"] = json!({
            "kind": "plugin",
            "title": text("title"),
            "description": text("description"),
            "severity": approval.request.get("severity").filter(|one| one.is_string()).cloned().unwrap_or("warning".into()),
            "pluginId": text("pluginId"),
            "toolName": text("toolName"),
            "agentId": approval.agent_id,
            "allowedDecisions": allowed_decisions(approval),
        });
        if let Some(detail) = approval.request.get("detail").filter(|one| one.is_string()) {
            snapshot["presentation"]["detail"] = detail.clone();
        }
    }
    if approval.status == ApprovalStatus::Pending {
        if let Some(session) = &approval.session_key {
            snapshot["sourceSessionKey"] = session.clone().into();
        }
        return snapshot;
    }
    snapshot["resolvedAtMs"] = approval.resolved_at.unwrap_or(approval.expires_at).into();
    snapshot["reason"] = approval.reason.clone().unwrap_or_default().into();
    if let Some(decision) = &approval.decision {
        snapshot["decision"] = decision.clone().into();
    }
    let mut source = serde_json::Map::new();
    for (name, value) in [("agentId", &approval.agent_id), ("sessionKey", &approval.session_key)] {
        source.extend(value.as_ref().map(|value| (name.to_owned(), value.clone().into())));
    }
    snapshot["source"] = Value::Object(source);
    if let Some(resolver) = &approval.resolver {
        let mut shown = json!({"kind": resolver["kind"]});
        if let Some(id) = resolver["id"].as_str() {
            shown["id"] = id.into();
        }
        snapshot["resolver"] = shown;
    }
    snapshot
}

/// The end as a waiting client is told it.
pub(crate) fn decision(approval: &Approval) -> Value {
    let mut told = json!({
        "id": approval.id,
        "decision": approval.decision,
        "createdAtMs": approval.created_at,
        "expiresAtMs": approval.expires_at,
    });
    if let (None, Some(reason)) = (&approval.decision, &approval.reason) {
        told["terminalReason"] = reason.clone().into();
    }
    told
}

fn urlencode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// A command as people are shown it: nothing in it can hide, turn around or fake what stands there.
pub(crate) fn shown(command: &str) -> String {
    let mut shown = String::with_capacity(command.len());
    for c in command.chars() {
        let hides = matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}');
        if hides || (c.is_control() && c != '\n' && c != '\t') {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hides_in_a_shown_command() {
        assert_eq!(shown("ls -la\n\tx é 日本"), "ls -la\n\tx é 日本");
        assert_eq!(shown("a\u{202e}b\u{200b}c\u{1b}[31m\r"), "a\\u{202e}b\\u{200b}c\\u{1b}[31m\\u{d}");
    }
}
