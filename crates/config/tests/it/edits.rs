//! Edits keep everything else, byte for byte.

use bulkhead_config::ConfigDocument;
use serde_json::json;

const FILE: &str = r#"// Written by hand.
{
  "gateway": {
    "port": 18789, // the base port
    /* who may connect */
    "auth": { "mode": "token" },
  },
  // other people's keys stay
  "plugins": { "weather": { "city": "Brno" } },
  "agents": {
    "list": [
      { "id": "main" }, // first
      { "id": "second" }
    ]
  }
}
// The end.
"#;

fn doc() -> ConfigDocument {
    ConfigDocument::parse("bulkhead.json", FILE).unwrap()
}

fn edited(change: impl FnOnce(&mut ConfigDocument)) -> String {
    let mut doc = doc();
    change(&mut doc);
    doc.to_string()
}

#[test]
fn an_untouched_file_is_the_same() {
    assert_eq!(doc().to_string(), FILE);
    let with_bom = format!("\u{feff}{}", FILE.replace('\n', "\r\n"));
    assert_eq!(ConfigDocument::parse("x", &with_bom).unwrap().to_string(), with_bom);
}

#[test]
fn replacing_a_value_touches_nothing_else() {
    let text = edited(|doc| doc.set("gateway.port", 19789.into()).unwrap());
    assert_eq!(text, FILE.replace("18789", "19789"));
}

#[test]
fn setting_what_is_there_already_changes_nothing() {
    assert_eq!(edited(|doc| doc.set("gateway.auth", json!({ "mode": "token" })).unwrap()), FILE);
}

#[test]
fn a_new_key_goes_to_the_end_of_its_object() {
    let text = edited(|doc| doc.set("gateway.bind", "loopback".into()).unwrap());
    assert_eq!(
        text,
        FILE.replace(
            "\"auth\": { \"mode\": \"token\" },\n",
            "\"auth\": { \"mode\": \"token\" },\n    \"bind\": \"loopback\",\n"
        )
    );
}

#[test]
fn a_new_key_in_a_one_line_object_stays_on_the_line() {
    let text = edited(|doc| {
        doc.set("gateway.auth.token", json!({ "source": "keychain", "id": "gateway/token" })).unwrap();
    });
    assert!(
        text.contains(
            r#""auth": { "mode": "token", "token": { "id": "gateway/token", "source": "keychain" } },"#
        ) || text.contains(
            r#""auth": { "mode": "token", "token": { "source": "keychain", "id": "gateway/token" } },"#
        ),
        "{text}"
    );
}

#[test]
fn a_new_object_after_an_entry_without_comma() {
    let text = edited(|doc| doc.set("channels.telegram.enabled", true.into()).unwrap());
    let expected = "    ]\n  },\n  \"channels\": {\n    \"telegram\": {\n      \"enabled\": true\n    }\n  }\n}\n// The end.\n";
    assert!(text.ends_with(expected), "{text}");
    assert!(text.starts_with(&FILE[..FILE.len() - "\n}\n// The end.\n".len()]));
}

#[test]
fn list_entries_by_index() {
    let text = edited(|doc| doc.set("agents.list[1].name", "Two".into()).unwrap());
    assert_eq!(text, FILE.replace(r#"{ "id": "second" }"#, r#"{ "id": "second", "name": "Two" }"#));
    let text = edited(|doc| doc.set("agents.list[2]", json!({ "id": "third" })).unwrap());
    assert!(
        text.contains("{ \"id\": \"second\" },\n      {\n        \"id\": \"third\"\n      }\n    ]"),
        "{text}"
    );
    let text = edited(|doc| assert!(doc.unset("agents.list[0]").unwrap()));
    assert!(text.contains("\"list\": [\n      // first\n      { \"id\": \"second\" }\n    ]"), "{text}");
}

#[test]
fn removing_keeps_comments() {
    let text = edited(|doc| assert!(doc.unset("gateway.port").unwrap()));
    assert_eq!(text, FILE.replace("    \"port\": 18789, // the base port\n", "    // the base port\n"));
    let text = edited(|doc| assert!(doc.unset("agents").unwrap()));
    assert!(
        text.ends_with("  \"plugins\": { \"weather\": { \"city\": \"Brno\" } }\n}\n// The end.\n"),
        "{text}"
    );
    assert_eq!(edited(|doc| assert!(!doc.unset("nothing.here").unwrap())), FILE);
}

#[test]
fn quoted_segments_reach_keys_with_dots() {
    let mut doc = ConfigDocument::empty();
    doc.set("models.providers[\"my.host\"].baseUrl", "http://127.0.0.1:1/v1".into()).unwrap();
    assert_eq!(
        doc.value(),
        json!({ "models": { "providers": { "my.host": { "baseUrl": "http://127.0.0.1:1/v1" } } } })
    );
}

#[test]
fn unquoted_keys_stay_the_style() {
    let mut doc = ConfigDocument::parse("x", "{\n\tgateway: {\n\t\tport: 1,\n\t},\n}\n").unwrap();
    doc.set("gateway.bind", "lan".into()).unwrap();
    assert_eq!(doc.to_string(), "{\n\tgateway: {\n\t\tport: 1,\n\t\tbind: \"lan\",\n\t},\n}\n");
}

#[test]
fn empty_files_and_objects_grow() {
    for start in ["", "// only a word\n", "{}", "{ }", "{\n}", "{ /* c */ }", "{\n  // c\n}\n"] {
        let mut doc = ConfigDocument::parse("x", start).unwrap();
        doc.set("a.b", 1.into()).unwrap();
        doc.set("c", json!([1, "x"])).unwrap();
        assert_eq!(doc.value(), json!({ "a": { "b": 1 }, "c": [1, "x"] }), "{start:?}");
        let again = ConfigDocument::parse("x", &doc.to_string()).unwrap();
        assert_eq!(again.value(), doc.value());
        for comment in ["// only a word", "/* c */", "// c"] {
            assert_eq!(start.contains(comment), doc.to_string().contains(comment), "{start:?}");
        }
    }
}

#[test]
fn merge_patch_is_rfc_7396() {
    let mut doc = doc();
    doc.merge_patch(&json!({
        "gateway": { "port": null, "auth": { "mode": "password" } },
        "agents": { "list": [{ "id": "only" }] },
        "logging": { "level": "debug" },
    }))
    .unwrap();
    assert_eq!(
        doc.value(),
        json!({
            "gateway": { "auth": { "mode": "password" } },
            "plugins": { "weather": { "city": "Brno" } },
            "agents": { "list": [{ "id": "only" }] },
            "logging": { "level": "debug" },
        })
    );
    for comment in
        ["// Written by hand.", "// the base port", "/* who may connect */", "// first", "// The end."]
    {
        assert!(doc.to_string().contains(comment), "{comment}");
    }
}

#[test]
fn a_redacted_value_in_a_patch_keeps_what_is_stored() {
    let text = r#"{ gateway: { auth: { token: "s3cret" } }, models: { providers: { a: { baseUrl: "http://u:p@h/v1" } } } }"#;
    let mut doc = ConfigDocument::parse("x", text).unwrap();
    let shown = bulkhead_config::redact(&doc.value());
    assert!(!shown.to_string().contains("s3cret") && !shown.to_string().contains("u:p"), "{shown}");
    doc.merge_patch(&shown).unwrap();
    assert_eq!(doc.to_string(), text);
    let error = doc.merge_patch(&json!({ "gateway": { "auth": { "password": bulkhead_config::REDACTED } } }));
    assert_eq!(error.unwrap_err().code(), "config.redacted");
    assert_eq!(doc.to_string(), text);
}

#[test]
fn a_number_is_read_as_it_was_written() {
    let digits = format!("18782{}9", "2".repeat(120));
    let value: serde_json::Value = serde_json::from_str(&digits).unwrap();
    let mut doc = ConfigDocument::parse("bulkhead.json", "{}").unwrap();
    doc.set("far", value.clone()).unwrap();
    let again = ConfigDocument::parse("bulkhead.json", &doc.to_string()).unwrap();
    assert_eq!(again.get("far").unwrap(), Some(value));
}
