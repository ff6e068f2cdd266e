//! The published schema, when it is installed: what clients check answers against.

use std::path::Path;

use serde_json::{Value, json};

/// Asserts that a value is what the published schema calls `definition`. Without the schema nothing is asserted.
#[track_caller]
pub fn is(definition: &str, value: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/node/node_modules/@openclaw/gateway-protocol/protocol.schema.json");
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("not compared: the published schema is not installed; run `npm ci` in tests/node");
        return;
    };
    let schema: Value = serde_json::from_str(&text).unwrap();
    assert!(schema["definitions"].get(definition).is_some(), "the schema has no {definition}");
    let one = json!({
        "$schema": schema["$schema"],
        "definitions": schema["definitions"],
        "$ref": format!("#/definitions/{definition}"),
    });
    let validator = jsonschema::validator_for(&one).unwrap();
    let problems: Vec<String> =
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(problems.is_empty(), "no {definition}: {problems:#?}\n{value:#}");
}
