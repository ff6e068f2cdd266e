//! A configuration file as somebody left it, and edits of it.
//!
//! The input is a JSON5 text; after a NUL byte may follow a path, and after another one a JSON value to set there.
#![no_main]

use bulkhead_config::{Config, ConfigDocument, ConfigPath, contains_placeholder, redact, validate_document};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|input: &str| {
    let mut parts = input.splitn(3, '\0');
    let text = parts.next().unwrap_or_default();
    let Ok(mut document) = ConfigDocument::parse("fuzzed.json", text) else { return };
    assert_eq!(document.to_string(), text, "a text that nobody edited is another one");
    let before = document.value();
    let _ = validate_document(&document);
    let _ = Config::from_document(&document);
    let hidden = redact(&before);
    assert_eq!(redact(&hidden), hidden, "redacting twice hides something else");
    let _ = contains_placeholder(&hidden);

    let Some(path) = parts.next().and_then(|path| ConfigPath::parse(path).ok()) else { return };
    let found = document.get_at(&path);
    match parts.next() {
        Some(value) => {
            let Ok(value) = serde_json::from_str::<Value>(value) else { return };
            if document.set_at(&path, value.clone()).is_err() {
                assert_eq!(document.to_string(), text, "a refused edit changed the text");
                return;
            }
            assert_eq!(document.get_at(&path).as_ref(), Some(&value), "what was set is not there");
        }
        None => match document.unset_at(&path) {
            Ok(removed) => {
                assert_eq!(removed, found.is_some() && !path.is_root(), "removed, and was not there");
            }
            Err(_) => assert_eq!(document.to_string(), text, "a refused edit changed the text"),
        },
    }
    let written = document.to_string();
    let again = ConfigDocument::parse("fuzzed.json", &written).expect("our own edit can be read");
    assert_eq!(again.value(), document.value(), "what was written means something else");
});
