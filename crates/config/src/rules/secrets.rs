//! Rules about secrets and where they come from.

use serde_json::Value;

use super::path;
use crate::fields;
use crate::path::ConfigPath;
use crate::secret_input::env_template;
use crate::validate::Checker;

pub(super) fn check(checker: &mut Checker<'_>, value: &Value) {
    providers(checker, value);
    plain(checker, &ConfigPath::root(), value);
}

/// A secret in the file itself works, and whoever reads the file or a copy of it has it: told, not refused.
fn plain(checker: &mut Checker<'_>, at: &ConfigPath, value: &Value) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| plain(checker, &at.key(key), value)),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(index, value)| plain(checker, &at.index(index), value));
        }
        Value::String(text) if fields::is_secret(at) && env_template(text).is_none() => checker.warn(
            at,
            "a secret in plain text".to_owned(),
            "a SecretRef, such as { source: \"keychain\", id: \"…\" }",
            &format!("`bulkhead config set {at} -` stores it as a secret and writes the reference."),
        ),
        _ => {}
    }
}

fn providers(checker: &mut Checker<'_>, value: &Value) {
    let providers = value.pointer("/secrets/providers").and_then(Value::as_object);
    for (name, provider) in providers.into_iter().flatten() {
        let at = path(&["secrets", "providers", name]);
        let Some(source) = provider.get("source").and_then(Value::as_str) else {
            checker.error(
                &at,
                "a secret provider without source".to_owned(),
                "source: \"keychain\", \"env\", \"file\" or \"exec\"",
                "Add source.",
            );
            continue;
        };
        let command = provider.get("command").and_then(Value::as_str);
        if source == "exec" && !command.is_some_and(|command| std::path::Path::new(command).is_absolute()) {
            checker.error(
                &at.key("command"),
                command.map_or_else(|| "nothing".to_owned(), |_| "a relative path".to_owned()),
                "the absolute path of a program",
                "Write the whole path, such as \"/usr/bin/pass\".",
            );
        }
    }
    for (at, reference) in secret_refs(&ConfigPath::root(), value) {
        let name = reference.get("provider").and_then(Value::as_str);
        let source = reference.get("source").and_then(Value::as_str).unwrap_or_default();
        let known = name.and_then(|name| providers.and_then(|providers| providers.get(name)));
        let missing = match (source, name) {
            ("exec", _) => known.is_none(),
            (_, Some(name)) => name != "default" && known.is_none(),
            _ => false,
        };
        if missing && fields::is_sensitive(&at) {
            checker.error(
                &at,
                format!("a SecretRef to the provider `{}`", name.unwrap_or("(none)")),
                "a provider that secrets.providers describes",
                "Add it to secrets.providers, or correct `provider`.",
            );
        }
    }
}

fn secret_refs<'v>(at: &ConfigPath, value: &'v Value) -> Vec<(ConfigPath, &'v Value)> {
    match value {
        Value::Object(map) if map.contains_key("source") && map.contains_key("id") => {
            vec![(at.clone(), value)]
        }
        Value::Object(map) => map.iter().flat_map(|(key, item)| secret_refs(&at.key(key), item)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().flat_map(|(index, item)| secret_refs(&at.index(index), item)).collect()
        }
        _ => Vec::new(),
    }
}
