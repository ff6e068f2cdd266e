//! Questions of programs that are connected.

use serde_json::{Value, json};

use crate::harness::World;

#[tokio::test]
async fn a_program_asks_and_a_person_answers_once() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (program, mut events) = gateway.client().await;
    let (person, _) = gateway.client().await;
    let ask = json!({
        "title": "Send the mail", "description": "To 3 people\u{202e}", "severity": "critical", "pluginId": "mailer",
        "sessionKey": "main", "twoPhase": true,
    });
    let mut answers = program
        .request_streamed("plugin.approval.request", ask.clone(), crate::harness::PATIENCE)
        .await
        .unwrap();
    let filed = answers.next().await.unwrap().unwrap();
    assert_eq!(filed["status"], "accepted");
    let told = events.next("a question", |event, _| event == "plugin.approval.requested").await;
    assert_eq!(
        (&told["id"], &told["request"]["description"]),
        (&filed["id"], &json!("To 3 people\\u{202e}"))
    );
    assert_eq!(told["request"]["sessionKey"], "agent:main:main");
    let list = person.request("plugin.approval.list", json!({})).await.unwrap();
    assert_eq!(list[0]["id"], filed["id"]);
    assert_eq!(person.request("exec.approval.list", json!({})).await.unwrap(), json!([]), "no command");
    let one = person.request("approval.get", json!({"id": filed["id"]})).await.unwrap();
    assert_eq!(one["approval"]["presentation"]["severity"], "critical");

    let wrong = json!({"id": filed["id"], "kind": "exec", "decision": "deny"});
    assert!(person.request("approval.resolve", wrong).await.is_err(), "it is no command");
    let yes = json!({"id": filed["id"], "decision": "allow-once"});
    assert_eq!(person.request("plugin.approval.resolve", yes).await.unwrap(), json!({"ok": true}));
    let end = answers.next().await.unwrap().unwrap();
    assert_eq!((&end["id"], &end["decision"]), (&filed["id"], &json!("allow-once")));
    let late = json!({"id": filed["id"], "decision": "deny"});
    assert!(person.request("plugin.approval.resolve", late).await.is_err());
    let again = person.request("plugin.approval.waitDecision", json!({"id": filed["id"]})).await.unwrap();
    assert_eq!(again["decision"], "allow-once");
    let history = person.request("approval.history", json!({"kind": "plugin"})).await.unwrap();
    assert_eq!(history["items"].as_array().map(Vec::len), Some(1));
    let commands = person.request("approval.history", json!({"kind": "exec"})).await.unwrap();
    assert_eq!(commands["items"], json!([]));

    // Nobody answers in time.
    let brief = json!({"title": "x", "description": "y", "timeoutMs": 20, "allowedDecisions": ["deny"]});
    let end = program.request("plugin.approval.request", brief).await.unwrap();
    assert_eq!((&end["decision"], &end["terminalReason"]), (&Value::Null, &json!("timeout")));
    for wrong in [
        json!({"title": " ", "description": "y"}),
        json!({"title": "x".repeat(81), "description": "y"}),
        json!({"title": "x", "description": "y", "allowedDecisions": []}),
        json!({"title": "x", "description": "y", "allowedDecisions": ["maybe"]}),
    ] {
        assert!(program.request("plugin.approval.request", wrong.clone()).await.is_err(), "{wrong}");
    }
}
