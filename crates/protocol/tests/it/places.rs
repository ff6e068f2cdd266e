//! Where the published schema and the recordings are.

use std::path::{Path, PathBuf};

use serde_json::Value;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The published schema, installed with the tests' node modules.
pub fn published_schema() -> Option<Value> {
    let path = repository().join("tests/node/node_modules/@openclaw/gateway-protocol/protocol.schema.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: the published schema is not installed; run `npm ci` in tests/node");
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

/// The folder with recorded conversations.
pub fn facts() -> Option<PathBuf> {
    let folder = std::env::var_os("BULKHEAD_TEST_RECORDINGS").map(PathBuf::from);
    if folder.as_ref().is_none_or(|folder| !folder.join("recordings").is_dir()) {
        println!("skipped: no recordings; name their folder in BULKHEAD_TEST_RECORDINGS");
        return None;
    }
    folder
}
