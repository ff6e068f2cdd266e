//! Rules about incoming hooks.

use serde_json::Value;

use super::path;
use crate::validate::Checker;

/// Hooks ask for their own token and a path of their own; their mappings are templates.
pub(super) fn check(checker: &mut Checker<'_>, value: &Value) {
    let Some(hooks) = value.get("hooks") else { return };
    let base = path(&["hooks"]);
    if hooks.get("enabled").and_then(Value::as_bool) == Some(true) && hooks.get("token").is_none() {
        checker.error(
            &base.key("token"),
            "no token while hooks are on".to_owned(),
            "a token of their own, not the gateway's",
            "Store one with `bulkhead secrets set hooks/token` and write token: { source: \"keychain\", id: \"hooks/token\" }.",
        );
    }
    if let Some(text) = hooks.get("path").and_then(Value::as_str)
        && !crate::model::is_hooks_path(text)
    {
        checker.error(
            &base.key("path"),
            format!("\"{text}\""),
            "a path of its own that the gateway does not use itself, such as /hooks",
            "Write path: \"/hooks\".",
        );
    }
    let same = |at: &str| value.pointer(at).is_some_and(|other| Some(other) == hooks.get("token"));
    if same("/gateway/auth/token") || same("/gateway/auth/password") {
        checker.error(
            &base.key("token"),
            "the gateway's own secret".to_owned(),
            "another one: whoever sends hooks must not become an operator",
            "Store another secret for hooks.",
        );
    }
    let mappings = hooks.get("mappings").and_then(Value::as_array);
    for (index, mapping) in mappings.into_iter().flatten().enumerate() {
        let at = base.key("mappings").index(index);
        if mapping.get("transform").is_some() {
            checker.error(
                &at.key("transform"),
                "a transform, which is a module of JavaScript".to_owned(),
                "messageTemplate or textTemplate: this gateway runs no JavaScript",
                "Write the message as a template, such as messageTemplate: \"{{payload.title}}\", and take transform out.",
            );
        }
        if let Some(key) = mapping.get("forEach").and_then(Value::as_str)
            && (key.trim().is_empty() || key.contains(['.', '[', ']']))
        {
            checker.error(
                &at.key("forEach"),
                format!("{key:?}"),
                "the name of one list at the top of what is sent, such as \"messages\"",
                "Write forEach: \"messages\", or take it out.",
            );
        }
    }
}
