//! What changed between two versions, for people: a unified diff without secrets, and the fields that differ.

use serde_json::Value;
use similar::TextDiff;

use crate::fields;
use crate::path::ConfigPath;
use crate::redact::without_userinfo;
use crate::remote::changes;
use crate::{Config, ConfigDocument, REDACTED, redact};

/// Lines around a change.
const AROUND: usize = 3;
/// Shorter words are no secrets worth hiding in a text that cannot be read.
const SHORTEST_SECRET: usize = 16;

/// The text of a document with every plain secret replaced; nothing, if that cannot be done without touching more.
/// Comments stay as they are.
pub fn redacted_text(document: &ConfigDocument) -> Option<String> {
    let config = Config::from_document(document).ok()?;
    let mut copy = document.clone();
    for (path, input) in config.secret_inputs() {
        if input.plain().is_some() {
            copy.set(&path, REDACTED.into()).ok()?;
        }
    }
    // Anything else that redaction finds (a password in a proxy's address) is no field of its own.
    (redact(&copy.value()) == copy.value()).then(|| copy.to_string())
}

/// The unified diff between two texts, with what looks like a secret replaced; empty if nothing differs. A text that is
/// no configuration (a broken file) can be one of them: there every word that could be a secret is hidden.
pub fn diff(from_name: &str, from: &str, to_name: &str, to: &str) -> String {
    if from == to {
        return String::new();
    }
    let whole =
        |text: &str| ConfigDocument::parse("text", text).ok().and_then(|document| redacted_text(&document));
    let (from, to) = match (whole(from), whole(to)) {
        (Some(from), Some(to)) => (from, to),
        // The same rules for both sides: else every line that one of them hides would look changed.
        _ => (masked(from), masked(to)),
    };
    let diff = TextDiff::from_lines(&from, &to);
    let text = diff.unified_diff().context_radius(AROUND).header(from_name, to_name).to_string();
    if text.is_empty() {
        return format!("--- {from_name}\n+++ {to_name}\n only secrets differ, and they are not shown\n");
    }
    text
}

/// The fields that differ, without their values. A list or a SecretRef counts as one field.
pub fn changed_paths(old: &Value, new: &Value) -> Vec<String> {
    changes(&ConfigPath::root(), old, new).into_iter().map(|(path, _, _)| path.to_string()).collect()
}

/// A text line by line, with the values of secret fields and all words that look like secrets replaced.
fn masked(text: &str) -> String {
    let mut lines: Vec<String> = text.split('\n').map(masked_line).collect();
    if lines.last().is_some_and(String::is_empty) {
        lines.pop();
        lines.push(String::new());
    }
    lines.join("\n")
}

fn masked_line(line: &str) -> String {
    if let Some((before, _)) = line.split_once(':') {
        let key: String = before.chars().rev().take_while(|c| !matches!(c, '{' | ',' | ' ')).collect();
        let key: String = key.chars().rev().filter(|c| !matches!(c, '"' | '\'')).collect();
        let after = line[before.len() + 1..].trim();
        let opens = after.is_empty() || after.starts_with(['{', '[']);
        if !opens && fields::is_sensitive(&ConfigPath::root().key("text").key(&key)) {
            return format!("{before}: {REDACTED}");
        }
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_-+=:.".contains(c);
    let mut shown = String::new();
    let mut rest = without_userinfo_inside(line);
    while let Some(at) = rest.find(is_part) {
        let end = rest[at..].find(|c| !is_part(c)).map_or(rest.len(), |length| at + length);
        shown.push_str(&rest[..at]);
        let word = &rest[at..end];
        shown.push_str(if looks_secret(word) { REDACTED } else { word });
        rest = rest[end..].to_owned();
    }
    shown.push_str(&rest);
    shown
}

fn without_userinfo_inside(line: &str) -> String {
    line.split_inclusive(['"', '\'', ' ']).map(without_userinfo).collect()
}

fn looks_secret(word: &str) -> bool {
    word.len() >= SHORTEST_SECRET
        && word != REDACTED
        && word.bytes().any(|byte| byte.is_ascii_digit())
        && word.bytes().any(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const OLD: &str = "{\n  // mine\n  gateway: { port: 18789, auth: { token: 'very-plain-token-0123456789' } },\n  logging: { level: 'info' },\n}\n";

    #[test]
    fn a_diff_shows_lines_and_no_secret() {
        let new = OLD.replace("18789", "19000").replace("plain-token", "other-token");
        insta::assert_snapshot!(diff("aaaa", OLD, "current", &new), @r#"
        --- aaaa
        +++ current
        @@ -1,5 +1,5 @@
         {
           // mine
        -  gateway: { port: 18789, auth: { token: "__OPENCLAW_REDACTED__" } },
        +  gateway: { port: 19000, auth: { token: "__OPENCLAW_REDACTED__" } },
           logging: { level: 'info' },
         }
        "#);
        assert_eq!(diff("a", OLD, "b", OLD), "");
        let rotated = OLD.replace("plain-token", "other-token");
        assert!(diff("a", OLD, "b", &rotated).contains("only secrets differ"));
    }

    #[test]
    fn a_broken_text_hides_whatever_could_be_a_secret() {
        let broken = "{\n  gateway: { port: 18789, auth: { token: 'very-plain-token-0123456789' \n  botToken: \"short\",\n  x: '700000001:AAplanted-bot-token_0123456789abcdefg',\n  proxy: 'http://user:pass@proxy.test:3128',\n";
        let shown = diff("good", OLD, "current", broken);
        for secret in ["very-plain", "short", "AAplanted", "700000001", "user:pass"] {
            assert!(!shown.contains(secret), "{secret} in\n{shown}");
        }
        assert!(shown.contains("-  logging: { level: 'info' },") && shown.contains("proxy.test"), "{shown}");
        assert!(diff("good", OLD, "current", "").contains("-  logging"));
    }

    #[test]
    fn changed_fields_are_named_without_values() {
        let old = json!({"gateway": {"port": 1, "auth": {"token": "a"}}, "plugins": {"x": 1}});
        let new = json!({"gateway": {"port": 2, "auth": {"token": "b"}}, "channels": {"telegram": {"dmPolicy": "open"}}});
        assert_eq!(
            changed_paths(&old, &new),
            ["channels.telegram.dmPolicy", "gateway.auth.token", "gateway.port", "plugins.x"]
        );
    }
}
