//! How forms show the configuration: sections, labels, what is secret, what is for this machine only.

use serde_json::{Map, Value, json};

use crate::fields::{FIELDS, Field, FieldKind, Shape};
use crate::path::{ConfigPath, Segment};

/// The sections in the order in which they are shown: key, label, what is in it.
const SECTIONS: &[(&str, &str, &str)] = &[
    ("gateway", "Gateway", "Where the gateway listens, who may connect, and what it serves over HTTP."),
    ("agents", "Agents", "Who answers: models, workspaces, names."),
    ("bindings", "Bindings", "Which agent answers where. The most specific rule that fits wins."),
    ("session", "Sessions", "Which messages share a conversation."),
    ("channels", "Channels", "Messengers and their accounts."),
    ("models", "Models", "Providers of models, their addresses and keys."),
    ("tools", "Tools", "What agents may do."),
    ("browser", "Browser", "The browser that agents use."),
    ("secrets", "Secrets", "Where secrets come from."),
    ("rescue", "Rescue", "What is watched, and who may repair."),
    ("hooks", "Hooks", "What others may set off by HTTP."),
    ("logging", "Logging", "How much is written into the log."),
];

/// What is said of a field that the protocol does not change.
const LOCAL: &str = "Changes only on this machine: `bulkhead config set`, or the file itself.";

/// Labels and marks for forms, keyed by path (`*` for any key, `[]` for any entry): `label`, `help`, `group` and `order`
/// of sections, `sensitive`, `advanced`, `tags`.
pub fn ui_hints() -> Value {
    let mut hints: Map<String, Value> = SECTIONS
        .iter()
        .enumerate()
        .map(|(index, (key, label, help))| {
            let order = (index + 1) * 10;
            ((*key).to_owned(), json!({ "label": label, "help": help, "group": label, "order": order }))
        })
        .collect();
    for field in FIELDS {
        hints.entry(field.path).or_insert_with(|| hint(field));
    }
    Value::Object(hints)
}

/// The hint that fits a path, and the path as the hints write it.
pub(crate) fn hint_at(path: &ConfigPath) -> Option<(String, Value)> {
    if let Some(field) = Shape::root().at(path).and_then(|shape| shape.field) {
        return Some((field.path.to_owned(), hint(field)));
    }
    let [Segment::Key(key)] = path.segments() else { return None };
    let hints = ui_hints();
    hints.get(key).map(|hint| (key.clone(), hint.clone()))
}

fn hint(field: &Field) -> Value {
    let mut hint = json!({ "label": field.label });
    if matches!(field.kind, FieldKind::Secret | FieldKind::SecretText) {
        hint["sensitive"] = true.into();
    }
    if field.local_only {
        hint["help"] = LOCAL.into();
        hint["tags"] = json!(["local-only"]);
        hint["advanced"] = true.into();
    }
    hint
}
