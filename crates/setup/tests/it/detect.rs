//! Looking around.

use serde_json::json;

use crate::machine::{MAIN_BOT, Machine, create, pair};

#[tokio::test]
async fn everything_is_seen_and_nothing_is_written() {
    let mut machine = Machine::new();
    machine.put(
        ".openclaw/openclaw.json",
        &format!("{{ gateway: {{ port: 20500 }}, meta: {{ lastTouchedVersion: '2026.9.6' }}, channels: {{ telegram: {{ botToken: '{MAIN_BOT}' }} }} }}"),
    );
    let chromium = machine.put_program("bin/chromium", "");
    machine.env = machine
        .env
        .clone()
        .with_var("PATH", &machine.home.path().join("bin").display().to_string())
        .with_var("OPENAI_API_KEY", "s3cret-key")
        .with_var("https_proxy", "http://user:s3cret-pass@proxy.example:3128");
    machine.listens(20500, "node", None);
    machine.listens(11434, "ollama", None);
    machine.listens(8080, "llama-server", None);
    let before = machine.files();
    let (outcome, _) = machine.run(json!({ "version": 1, "action": "detect" })).await;
    assert_eq!(machine.files(), before);
    let text = serde_json::to_string(&outcome).unwrap();
    assert!(!text.contains("s3cret") && !text.contains("AAmain"), "{text}");
    let found = serde_json::to_value(outcome.detection.unwrap()).unwrap();
    assert_eq!(found["openclaw"][0]["version"], "2026.9.6");
    assert_eq!((&found["openclaw"][0]["bots"], &found["openclaw"][0]["running"]), (&json!(1), &json!(true)));
    assert_eq!(found["chrome"]["path"], json!(chromium));
    assert_eq!(found["keychain"], json!({ "available": true, "reason": null, "code": null }));
    assert_eq!(found["proxy"]["https"], "http://proxy.example:3128/");
    let models: Vec<&str> =
        found["models"].as_array().unwrap().iter().map(|model| model["kind"].as_str().unwrap()).collect();
    assert_eq!(models, ["env", "ollama", "llamacpp"]);
    assert_eq!(
        found["portsInUse"],
        json!([{ "port": 20500, "program": "node", "pid": 4711, "profile": null }])
    );
    assert_eq!(found["profiles"], json!([]));
}

#[tokio::test]
async fn profiles_that_are_here() {
    let mut machine = Machine::new();
    assert!(machine.run(create(&pair())).await.0.ok);
    machine.listens(19789, "bulkhead", Some("rescue"));
    *machine.keychain.failure.lock().unwrap() =
        Some(|| keyring_core::Error::PlatformFailure("org.freedesktop.DBus.Error.ServiceUnknown".into()));
    let (outcome, _) = machine.run(json!({ "version": 1, "action": "detect" })).await;
    let found = serde_json::to_value(outcome.detection.unwrap()).unwrap();
    assert_eq!(
        found["gateways"][0],
        json!({ "profile": "main", "port": 18789, "running": false, "kind": "bulkhead" })
    );
    assert_eq!(found["gateways"][1]["running"], true);
    assert_eq!(found["profiles"][1]["name"], "rescue");
    assert_eq!(found["keychain"]["code"], "keychain.no-service");
    assert_eq!(found["unfinished"], json!([]));
}
