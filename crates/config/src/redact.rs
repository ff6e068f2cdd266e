//! Secrets out of what is shown.

use serde_json::Value;

use crate::fields;
use crate::path::ConfigPath;
use crate::secret_input::env_template;

/// What stands in place of a secret.
pub const REDACTED: &str = "__OPENCLAW_REDACTED__";

/// A copy with every plain secret replaced; SecretRefs stay, they are no secrets.
pub fn redact(value: &Value) -> Value {
    redact_at(&ConfigPath::root(), value)
}

/// Whether a value holds the placeholder somewhere.
pub fn contains_placeholder(value: &Value) -> bool {
    first_placeholder(&ConfigPath::root(), value).is_some()
}

pub(crate) fn first_placeholder(path: &ConfigPath, value: &Value) -> Option<ConfigPath> {
    match value {
        Value::String(text) => text.contains(REDACTED).then(|| path.clone()),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| first_placeholder(&path.index(index), item))
        }
        Value::Object(map) => map.iter().find_map(|(key, item)| first_placeholder(&path.key(key), item)),
        _ => None,
    }
}

fn redact_at(path: &ConfigPath, value: &Value) -> Value {
    match value {
        Value::Object(map) if is_secret_ref(value) => Value::Object(map.clone()),
        Value::Object(map) => Value::Object(
            map.iter().map(|(key, item)| (key.clone(), redact_at(&path.key(key), item))).collect(),
        ),
        Value::Array(items) => Value::Array(
            items.iter().enumerate().map(|(index, item)| redact_at(&path.index(index), item)).collect(),
        ),
        Value::String(text) if fields::is_sensitive(path) && env_template(text).is_none() => {
            Value::String(REDACTED.to_owned())
        }
        Value::String(text) => Value::String(without_userinfo(text)),
        Value::Number(_) if fields::is_sensitive(path) => Value::String(REDACTED.to_owned()),
        other => other.clone(),
    }
}

/// A proxy or base URL may carry a password: `http://user:secret@host` shows as `http://…@host`.
pub(crate) fn without_userinfo(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..authority_end].rfind('@') {
        Some(at) => format!("{scheme}://{REDACTED}{}", &rest[at..]),
        None => text.to_owned(),
    }
}

fn is_secret_ref(value: &Value) -> bool {
    value.get("source").is_some_and(Value::is_string) && value.get("id").is_some_and(Value::is_string)
}
