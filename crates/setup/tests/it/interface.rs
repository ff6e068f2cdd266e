//! The machine interface: what comes in, what goes out.

use bulkhead_setup::{Event, MAX_REQUEST_BYTES, Request};
use serde_json::json;

use crate::machine::{Machine, check, pair};

#[test]
fn requests_that_cannot_be_read_are_told_without_quoting_them() {
    let mut report = Vec::new();
    for text in [
        "",
        "hello s3cret",
        "{\"version\":1}",
        "{\"version\":2,\"action\":\"detect\"}",
        "{\"version\":1,\"action\":\"party\"}",
        "{\"version\":1,\"action\":\"check\"}",
        "{\"version\":1,\"action\":\"check\",\"plan\":{\"secrets\":\"s3cret\",\"profiles\":[]}}",
        "{\"version\":1,\"action\":\"check\",\"plan\":{\"profiles\":[{\"name\":\"main\",\"port\":\"s3cret\"}]}}",
        "{\"version\":1,\"action\":\"check\",\"plan\":{\"profiles\":[{\"name\":\"main\",\"telegram\":{\"botToken\":[\"s3cret\"]}}]}}",
        "{\"version\":1,\"action\":\"check\",\"plan\":{\"profiles\":[{\"name\":\"main\",\"port\":70000}]}}",
    ] {
        let error = Request::parse(text.as_bytes()).unwrap_err();
        let shown = format!("[{}] {error}", error.code());
        assert!(!shown.contains("s3cret"), "{shown}");
        report.push(format!("{text}\n  {shown}"));
    }
    insta::assert_snapshot!(report.join("\n"));
    assert_eq!(Request::parse(&vec![b' '; MAX_REQUEST_BYTES + 1]).unwrap_err().code(), "plan-too-large");
    let request = Request::parse(check(&pair()).to_string().as_bytes()).unwrap();
    assert!(!format!("{request:?}").contains("s3cret"));
}

#[tokio::test]
async fn lines_have_the_shape_of_the_contract() {
    let machine = Machine::new();
    let (outcome, progress) = machine.run(check(&pair())).await;
    let line = serde_json::to_value(Event::Progress(progress[0].clone())).unwrap();
    assert_eq!(
        line,
        json!({ "type": "progress", "step": "model", "profile": null, "state": "running", "code": "running", "message": "Asking fake-1 for an answer…" })
    );
    let last = serde_json::to_value(Event::Result(Box::new(outcome))).unwrap();
    assert_eq!(last["type"], "result");
    assert_eq!(last["ok"], true);
    assert_eq!(last["profiles"][0]["cdpFirst"], 18800);
    assert_eq!(last["profiles"][1]["keychainService"], "ai.bulkhead.rescue");
    let steps: Vec<String> = progress
        .iter()
        .map(|step| serde_json::to_value(step).unwrap())
        .map(|step| format!("{}/{}", step["step"].as_str().unwrap(), step["state"].as_str().unwrap()))
        .collect();
    for wanted in ["model/ok", "telegram/ok", "ports/ok", "keychain/ok", "isolation/ok"] {
        assert!(steps.iter().any(|step| step == wanted), "{wanted}: {steps:?}");
    }
}
