//! What may run on a node: it keeps that itself, and is asked.

use bulkhead_protocol::device_auth::DeviceKey;
use serde_json::{Value, json};

use crate::harness::{TOKEN, World};
use crate::schema;
use crate::wire::{Wire, node};

#[tokio::test]
async fn a_node_is_asked_for_its_exec_approvals_and_to_change_them() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (operator, mut events) = gateway.client().await;
    let key = DeviceKey::generate().unwrap();
    let offer = ["system.execApprovals.get", "system.execApprovals.set"];
    let (mut wire, _) = Wire::admitted(&gateway, &key, node(json!({"token": TOKEN}), &offer)).await;
    let asked = events.next("a request", |event, _| event == "node.pair.requested").await;
    operator.request("node.pair.approve", json!({"requestId": asked["requestId"]})).await.unwrap();

    let document = json!({"path": "/x.json", "exists": true, "hash": "h1", "file": {"version": 1}});
    let (told, asked) = tokio::join!(
        operator.request("exec.approvals.node.get", json!({"nodeId": key.id()})),
        wire.answer(|_| json!({"ok": true, "payloadJSON": document.to_string()}))
    );
    let told = told.unwrap();
    assert_eq!((&told, &asked["command"]), (&document, &json!("system.execApprovals.get")));
    schema::is("ExecApprovalsNodeSnapshot", &told);

    let set = json!({"nodeId": key.id(), "file": {"version": 1, "agents": {}}, "baseHash": "h1"});
    let (told, asked) = tokio::join!(
        operator.request("exec.approvals.node.set", set),
        wire.answer(|_| json!({"ok": true, "payload": {"hash": "h2"}}))
    );
    assert_eq!(told.unwrap(), json!({"hash": "h2"}));
    let sent: Value = serde_json::from_str(asked["paramsJSON"].as_str().unwrap()).unwrap();
    assert_eq!(sent, json!({"baseHash": "h1", "file": {"agents": {}, "version": 1}}));

    // Not what a node has to answer, and not what it may be sent.
    let (told, _) = tokio::join!(
        operator.request("exec.approvals.node.get", json!({"nodeId": key.id()})),
        wire.answer(|_| json!({"ok": true, "payload": "none"}))
    );
    assert!(told.unwrap_err().to_string().contains("no document"));
    for wrong in [
        json!({"nodeId": key.id()}),
        json!({"nodeId": key.id(), "file": {"version": 2}}),
        json!({"nodeId": key.id(), "native": {"rules": []}}),
        json!({"nodeId": key.id(), "file": {"version": 1}, "native": {"rules": []}, "baseHash": "h"}),
    ] {
        let refused =
            operator.request("exec.approvals.node.set", wrong.clone()).await.unwrap_err().to_string();
        assert!(refused.contains("expected") || refused.contains("baseHash"), "{wrong}: {refused}");
    }
    let nobody = operator.request("exec.approvals.node.get", json!({"nodeId": "nobody"})).await;
    assert!(nobody.unwrap_err().to_string().contains("unknown nodeId"));
}
