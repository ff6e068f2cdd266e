//! Nodes: what they offer, who allows it, and what is asked of them.

use bulkhead_protocol::device_auth::DeviceKey;
use serde_json::{Value, json};

use crate::harness::{TOKEN, World};
use crate::wire::{Wire, node};

const OFFER: [&str; 4] = ["system.which", "system.run", "dir.list", "camera.snap"];

fn by_token() -> Value {
    json!({"token": TOKEN})
}

#[tokio::test]
async fn a_node_is_allowed_what_an_operator_approves_and_answers_what_it_is_asked() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (operator, mut events) = gateway.client().await;
    let key = DeviceKey::generate().unwrap();
    let id = key.id();
    let (mut wire, hello) = Wire::admitted(&gateway, &key, node(by_token(), &OFFER)).await;
    assert_eq!(hello["auth"]["role"], "node");
    let asked = events.next("a request", |event, _| event == "node.pair.requested").await;
    assert_eq!(
        asked["commands"],
        json!(["system.run", "system.which"]),
        "what the platform allows of the offer"
    );
    assert_eq!(asked["requiredApproveScopes"], json!(["operator.pairing", "operator.admin"]));

    let list = operator.request("node.list", json!({})).await.unwrap();
    let row = &list["nodes"][0];
    assert_eq!(row["nodeId"], id.as_str());
    assert_eq!(row["approvalState"], "pending-approval");
    assert_eq!(row["commands"], json!([]), "nothing before it is approved");
    assert_eq!(row["pendingRequestId"], asked["requestId"]);
    assert_eq!((&row["connected"], &row["pathEnv"]), (&json!(true), &json!("/usr/bin")));

    let which = |key: &str| json!({"nodeId": id, "command": "system.which", "params": {"bins": ["uname"]}, "idempotencyKey": key});
    let refused = operator.request("node.invoke", which("k0")).await.unwrap_err().to_string();
    assert!(refused.contains("waits for approval"), "{refused}");

    let approved =
        operator.request("node.pair.approve", json!({"requestId": asked["requestId"]})).await.unwrap();
    assert_eq!(approved["node"]["commands"], json!(["system.run", "system.which"]));
    assert_eq!(wire.event("node.pair.resolved").await["decision"], "approved");
    let again = operator.request("node.pair.approve", json!({"requestId": asked["requestId"]})).await;
    assert!(again.unwrap_err().to_string().contains("unknown requestId"));

    let (answer, asked) = tokio::join!(
        operator.request("node.invoke", which("k1")),
        wire.answer(|_| json!({"ok": true, "payloadJSON": r#"{"bins":{"uname":"/bin/uname"}}"#}))
    );
    assert_eq!(asked["paramsJSON"], r#"{"bins":["uname"]}"#);
    assert_eq!((&asked["command"], &asked["timeoutMs"].is_u64()), (&json!("system.which"), &true));
    let answer = answer.unwrap();
    assert_eq!(answer["payload"]["bins"]["uname"], "/bin/uname");
    assert_eq!(
        operator.request("node.invoke", which("k1")).await.unwrap(),
        answer,
        "the same key, the same answer"
    );

    let (failed, _) = tokio::join!(
        operator.request("node.invoke", which("k2")),
        wire.answer(
            |_| json!({"ok": false, "error": {"code": "INVALID_REQUEST", "message": "bins required"}})
        )
    );
    assert!(failed.unwrap_err().to_string().contains("INVALID_REQUEST: bins required"));
    for (command, why) in [
        ("camera.snap", "commands.allow"),
        ("dir.list", "allowlist for platform"),
        ("system.notify", "not offered"),
    ] {
        let asked = json!({"nodeId": id, "command": command, "idempotencyKey": command});
        let error = operator.request("node.invoke", asked).await.unwrap_err().to_string();
        assert!(error.contains(why), "{command}: {error}");
    }
    let nobody = json!({"nodeId": "nope", "command": "system.which", "idempotencyKey": "k"});
    assert!(
        operator.request("node.invoke", nobody).await.unwrap_err().to_string().contains("unknown nodeId")
    );
}

#[tokio::test]
async fn what_is_asked_of_a_node_ends_with_its_time_and_with_the_node() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (operator, mut events) = gateway.client().await;
    let key = DeviceKey::generate().unwrap();
    let (mut wire, _) = Wire::admitted(&gateway, &key, node(by_token(), &["system.which"])).await;
    let asked = events.next("a request", |event, _| event == "node.pair.requested").await;
    operator.request("node.pair.approve", json!({"requestId": asked["requestId"]})).await.unwrap();
    let ask = |key_: &str, ms: u64| json!({"nodeId": key.id(), "command": "system.which", "timeoutMs": ms, "idempotencyKey": key_});
    let error = operator.request("node.invoke", ask("a", 50)).await.unwrap_err().to_string();
    assert!(error.contains("TIMEOUT"), "{error}");
    let request = wire.event("node.invoke.request").await;
    assert_eq!(wire.event("node.invoke.cancel").await["invokeId"], request["id"]);
    let late = json!({"id": request["id"], "nodeId": key.id(), "ok": true});
    assert_eq!(wire.ask("node.invoke.result", late).await["ignored"], true);
    let foreign = json!({"id": "x", "nodeId": "another", "ok": true});
    assert_eq!(wire.call("node.invoke.result", foreign).await["ok"], false);

    let (gone, ()) = tokio::join!(operator.request("node.invoke", ask("b", 20_000)), async move {
        wire.event("node.invoke.request").await;
        drop(wire);
    });
    assert!(gone.unwrap_err().to_string().contains("left"), "not the whole time is waited");
    let away = operator.request("node.invoke", ask("c", 1000)).await.unwrap_err().to_string();
    assert!(away.contains("not connected"), "{away}");
}

#[tokio::test]
async fn more_than_was_approved_is_asked_for_again_and_the_rest_goes_on() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (operator, mut events) = gateway.client().await;
    let key = DeviceKey::generate().unwrap();
    let (wire, _) = Wire::admitted(&gateway, &key, node(by_token(), &["system.which"])).await;
    let asked = events.next("a request", |event, _| event == "node.pair.requested").await;
    operator.request("node.pair.approve", json!({"requestId": asked["requestId"]})).await.unwrap();
    drop(wire);
    let (wire, _) = Wire::admitted(&gateway, &key, node(by_token(), &["system.which", "system.run"])).await;
    let more = events.next("a request", |event, _| event == "node.pair.requested").await;
    let row = operator.request("node.describe", json!({"nodeId": key.id()})).await.unwrap();
    assert_eq!(row["approvalState"], "pending-reapproval");
    assert_eq!(row["commands"], json!(["system.which"]));
    drop(wire);
    // Asking for the same again is the same request; asking for less takes it back.
    let (wire, _) = Wire::admitted(&gateway, &key, node(by_token(), &["system.which"])).await;
    let resolved = events.next("its end", |event, _| event == "node.pair.resolved").await;
    let approved_first = resolved["decision"] == "approved";
    let resolved = if approved_first {
        events.next("its end", |event, _| event == "node.pair.resolved").await
    } else {
        resolved
    };
    assert_eq!((&resolved["requestId"], &resolved["decision"]), (&more["requestId"], &json!("superseded")));
    drop(wire);

    operator.request("node.rename", json!({"nodeId": key.id(), "displayName": "Kitchen"})).await.unwrap();
    let pairs = operator.request("node.pair.list", json!({})).await.unwrap();
    assert_eq!(pairs["paired"][0]["displayName"], "Kitchen");
    let (mut wire, _) = Wire::admitted(&gateway, &key, node(by_token(), &["system.which"])).await;
    operator.request("node.pair.remove", json!({"nodeId": key.id()})).await.unwrap();
    assert_eq!(wire.closed().await, 4001);
    let list = operator.request("node.list", json!({})).await.unwrap();
    assert_eq!(list["nodes"], json!([]));
    let devices = operator.request("device.pair.list", json!({})).await.unwrap();
    assert_eq!(devices["paired"], json!([]), "it was nothing but a node");
}

#[tokio::test]
async fn a_node_calls_methods_of_nodes_only_and_tells_about_itself() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (operator, mut events) = gateway.client().await;
    let key = DeviceKey::generate().unwrap();
    let (mut wire, _) = Wire::admitted(&gateway, &key, node(by_token(), &["system.which"])).await;
    for method in ["node.list", "config.get", "device.pair.list", "chat.send"] {
        let refused = wire.call(method, json!({})).await;
        assert_eq!(refused["error"]["message"], "unauthorized role: node", "{method}");
    }
    let refused = operator.request("node.event", json!({"event": "x"})).await.unwrap_err().to_string();
    assert!(refused.contains("unauthorized role: operator"), "{refused}");

    let stats = json!({"cpuCount": 2, "memoryTotalBytes": 8, "memoryFreeBytes": 4});
    let told = json!({"event": "node.host.stats", "payloadJSON": stats.to_string()});
    assert_eq!(wire.ask("node.event", told).await["reason"], "updated");
    let seen = events.next("stats", |event, _| event == "node.hostStats").await;
    assert_eq!(seen["hostStats"]["cpuCount"], 2);
    let row = operator.request("node.describe", json!({"nodeId": key.id()})).await.unwrap();
    assert!(row["hostStats"]["updatedAtMs"].is_u64());
    let bad = json!({"event": "node.host.stats", "payload": {"cpuCount": 0}});
    assert_eq!(wire.ask("node.event", bad).await["reason"], "invalid_payload");
    assert_eq!(wire.ask("node.event", json!({"event": "voice.x"})).await["handled"], false);

    let presence = operator.request("system-presence", json!({})).await.unwrap();
    let own =
        presence.as_array().unwrap().iter().find(|entry| entry["deviceId"] == key.id().as_str()).unwrap();
    assert_eq!((&own["mode"], &own["clientId"]), (&json!("node"), &json!("node-host")));
    assert_eq!(own["roles"], json!(["node"]));

    let published = wire.ask("node.skills.update", json!({"skills": []})).await;
    assert_eq!(published["nodeId"], key.id());
    // Its tools need a command that it may do.
    let tool = json!({"pluginId": "p", "name": "t", "description": "d", "command": "system.which"});
    assert_eq!(wire.ask("node.pluginTools.update", json!({"tools": [tool]})).await["tools"], json!([]));
}

#[tokio::test]
async fn work_waits_for_a_node_over_a_restart() {
    let world = World::new().await;
    let mut gateway = world.start().await;
    let key = DeviceKey::generate().unwrap();
    let (wire, _) = Wire::admitted(&gateway, &key, node(by_token(), &[])).await;
    drop(wire);
    let (operator, _events) = gateway.client().await;
    let want = json!({"nodeId": key.id(), "type": "status.request"});
    let queued = operator.request("node.pending.enqueue", want.clone()).await.unwrap();
    assert_eq!(queued["queued"]["priority"], "normal");
    let same = operator.request("node.pending.enqueue", want).await.unwrap();
    assert_eq!(same["queued"]["id"], queued["queued"]["id"], "not twice");
    let urgent = json!({"nodeId": key.id(), "type": "location.request", "priority": "high"});
    operator.request("node.pending.enqueue", urgent).await.unwrap();
    let bad = json!({"nodeId": key.id(), "type": "dance"});
    assert!(operator.request("node.pending.enqueue", bad).await.is_err());
    gateway.process.terminate();
    gateway.process.exit().await;

    let gateway = world.start().await;
    let (mut wire, _) = Wire::admitted(&gateway, &key, node(by_token(), &[])).await;
    let pulled = wire.ask("node.pending.pull", json!({})).await;
    assert_eq!(pulled["actions"].as_array().unwrap().len(), 2);
    let first = wire.ask("node.pending.drain", json!({"maxItems": 1})).await;
    assert_eq!((&first["items"][0]["type"], &first["hasMore"]), (&json!("location.request"), &json!(true)));
    let left = wire.ask("node.pending.ack", json!({"ids": [queued["queued"]["id"]]})).await;
    assert_eq!(left["remainingCount"], 0);
    assert_eq!(wire.ask("node.pending.drain", json!({})).await["items"], json!([]));
}
