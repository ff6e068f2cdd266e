//! Templates of mapped hooks: `{{payload.pull.title}}`, `{{items[0].name}}`, `{{headers.x-event}}`, `{{query.kind}}`,
//! `{{path}}`, `{{now}}`. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

/// Bytes of one rendered text.
const LONGEST: usize = 64 * 1024;

/// What templates may name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) payload: &'a Value,
    pub(super) headers: &'a BTreeMap<String, String>,
    pub(super) query: &'a BTreeMap<String, String>,
    pub(super) path: &'a str,
    pub(super) now: &'a str,
}

/// Whether a text names anything.
pub(super) fn is_template(text: &str) -> bool {
    text.contains("{{")
}

/// Fills a template in. What is not there is empty; objects are JSON.
pub(super) fn render(template: &str, facts: &Facts<'_>) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some(begin) = rest.find("{{") {
        let Some(length) = rest[begin..].find("}}") else { break };
        text.push_str(&rest[..begin]);
        text.push_str(&value(rest[begin + 2..begin + length].trim(), facts));
        rest = &rest[begin + length + 2..];
        if text.len() > LONGEST {
            break;
        }
    }
    text.push_str(rest);
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

fn value(name: &str, facts: &Facts<'_>) -> String {
    let named =
        |map: &BTreeMap<String, String>, key: &str| map.get(&key.to_lowercase()).cloned().unwrap_or_default();
    match name {
        "path" => return facts.path.to_owned(),
        "now" => return facts.now.to_owned(),
        "payload" => return shown(facts.payload),
        _ => {}
    }
    if let Some(key) = name.strip_prefix("headers.") {
        return named(facts.headers, key);
    }
    if let Some(key) = name.strip_prefix("query.") {
        return named(facts.query, key);
    }
    let path = name.strip_prefix("payload.").unwrap_or(name);
    let mut at = facts.payload;
    for part in path.split('.') {
        let (key, indexes) = part.split_once('[').map_or((part, ""), |(key, rest)| (key, rest));
        if !key.is_empty() {
            let Some(next) = at.get(key) else { return String::new() };
            at = next;
        }
        for index in indexes.split('[').filter(|index| !index.is_empty()) {
            let index = index.trim_end_matches(']').parse::<usize>().ok();
            let Some(next) = index.and_then(|index| at.get(index)) else { return String::new() };
            at = next;
        }
    }
    shown(at)
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_named_is_filled_in_and_what_is_missing_is_empty() {
        let payload = json!({"pull": {"title": "Fix", "n": 7}, "items": [{"name": "a"}], "gone": null});
        let headers = BTreeMap::from([("x-event".to_owned(), "push".to_owned())]);
        let query = BTreeMap::from([("kind".to_owned(), "k".to_owned())]);
        let facts = Facts { payload: &payload, headers: &headers, query: &query, path: "git", now: "T" };
        for (template, expected) in [
            ("{{payload.pull.title}} #{{ pull.n }}", "Fix #7"),
            ("{{items[0].name}}|{{items[1].name}}|{{gone}}|{{nothing.at.all}}", "a|||"),
            ("{{headers.X-Event}} {{query.kind}} {{path}} {{now}}", "push k git T"),
            ("{{pull}}", r#"{"n":7,"title":"Fix"}"#),
            ("plain {{ open", "plain {{ open"),
            ("{{payload.{{path}}}}", "}}"),
        ] {
            assert_eq!(
                render(template, &facts).replace(r#"{"title":"Fix","n":7}"#, r#"{"n":7,"title":"Fix"}"#),
                expected
            );
        }
    }
}
