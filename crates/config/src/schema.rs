//! The JSON schema of the configuration, made from the table of fields.

use serde_json::{Map, Value, json};

use crate::fields::{FieldKind, LEVELS, Shape};

/// JSON schema (draft 2020-12). Unknown keys are allowed everywhere: they are kept and ignored.
pub fn schema() -> Value {
    let mut schema = node(Shape::root());
    if let Some(map) = schema.as_object_mut() {
        map.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
        map.insert("title".to_owned(), "Bulkhead configuration".into());
    }
    schema
}

pub(crate) fn node(shape: &Shape) -> Value {
    let mut schema = match shape.kind() {
        FieldKind::Switch => json!({ "type": "boolean" }),
        FieldKind::Text | FieldKind::Path | FieldKind::SecretText => json!({ "type": "string" }),
        FieldKind::Words(words) => json!({ "type": "string", "enum": words }),
        FieldKind::Number { min, max } if max == u64::MAX => json!({ "type": "integer", "minimum": min }),
        FieldKind::Number { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        FieldKind::Amount => json!({ "type": "number", "minimum": 0 }),
        FieldKind::Url(schemes) => {
            json!({ "type": "string", "pattern": format!("^(({})://.+|\\$\\{{[A-Z_][A-Z0-9_]*\\}})$", schemes.join("|")) })
        }
        FieldKind::Duration => json!({ "type": ["string", "boolean"] }),
        FieldKind::Secret => secret(),
        FieldKind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        FieldKind::Ids => json!({ "type": "array", "items": id() }),
        FieldKind::Id => id(),
        FieldKind::ModelName => json!({ "type": "string", "pattern": "^.+/.+$" }),
        FieldKind::Model => {
            json!({ "anyOf": [{ "type": "string", "pattern": "^.+/.+$" }, object(shape)] })
        }
        FieldKind::Streaming => json!({ "anyOf": [
            { "type": "boolean" },
            { "type": "string", "enum": ["off", "partial", "block", "progress"] },
            object(shape),
        ] }),
        FieldKind::Level => json!({ "anyOf": [
            { "type": "string", "enum": LEVELS },
            { "type": "boolean", "enum": [false] },
        ] }),
        FieldKind::List => {
            json!({ "type": "array", "items": shape.entry.as_deref().map_or_else(|| json!({}), node) })
        }
        FieldKind::Object => object(shape),
    };
    if let (Some(field), Some(map)) = (shape.field, schema.as_object_mut()) {
        map.insert("title".to_owned(), field.label.into());
    }
    schema
}

fn object(shape: &Shape) -> Value {
    let properties: Map<String, Value> =
        shape.keys.iter().map(|(key, child)| ((*key).to_owned(), node(child))).collect();
    let mut schema = json!({ "type": "object" });
    if !properties.is_empty() {
        schema["properties"] = Value::Object(properties);
    }
    if let Some(any) = &shape.any_key {
        schema["additionalProperties"] = node(any);
    }
    schema
}

/// A list of types would be read by fewer form makers.
fn id() -> Value {
    json!({ "anyOf": [{ "type": "string" }, { "type": "integer" }] })
}

fn secret() -> Value {
    json!({ "anyOf": [
        { "type": "string", "minLength": 1 },
        {
            "type": "object",
            "properties": {
                "source": { "type": "string", "enum": ["keychain", "env", "file", "exec"] },
                "provider": { "type": "string" },
                "id": { "type": "string", "minLength": 1, "maxLength": 256 },
            },
            "required": ["source", "id"],
        },
    ] })
}
