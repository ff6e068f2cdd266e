//! Nodes and agents: what an agent may ask of a node, what a node may ask of an agent, and what a node tells.

use bulkhead_protocol::device_auth::DeviceKey;
use serde_json::{Value, json};

use crate::harness::{Events, Gateway, TOKEN, World, text};
use crate::wire::{Wire, node};

/// A node that may do what it offers.
async fn approved(
    gateway: &Gateway,
    key: &DeviceKey,
    offer: &[&str],
) -> (Wire, bulkhead_client::Client, Events) {
    let (operator, mut events) = gateway.client().await;
    let (wire, _) = Wire::admitted(gateway, key, node(json!({"token": TOKEN}), offer)).await;
    let asked = events.next("a request", |event, _| event == "node.pair.requested").await;
    operator.request("node.pair.approve", json!({"requestId": asked["requestId"]})).await.unwrap();
    (wire, operator, events)
}

async fn say(operator: &bulkhead_client::Client, run: &str, message: String) {
    let params = json!({"sessionKey": "main", "message": message, "idempotencyKey": run});
    operator.request("chat.send", params).await.unwrap();
}

fn tool(args: &Value) -> String {
    format!("DO: tool nodes {args}; say toolresult")
}

/// Whether the model was offered the tool in its last request.
fn offered(world: &World) -> bool {
    let last = world.model.control.chat_requests().pop().unwrap();
    last.body["tools"]
        .as_array()
        .is_some_and(|tools| tools.iter().any(|tool| tool["function"]["name"] == "nodes"))
}

#[tokio::test]
async fn an_agent_asks_a_node_for_what_is_approved_and_for_no_programs() {
    let world = World::new().await;
    let gateway = world.start().await;
    let key = DeviceKey::generate().unwrap();
    let (before, mut heard) = gateway.client().await;
    say(&before, "r0", "ECHO alone".into()).await;
    heard.end_of("r0").await;
    assert!(!offered(&world), "without a node there is nothing to ask");

    let offer = ["system.notify", "system.which", "system.run"];
    let (mut wire, operator, mut events) = approved(&gateway, &key, &offer).await;
    say(
        &operator,
        "r1",
        tool(&json!({"action": "notify", "node": "BENCH", "title": "Tea", "body": "is ready"})),
    )
    .await;
    let asked = wire.answer(|_| json!({"ok": true})).await;
    assert_eq!(asked["command"], "system.notify");
    let params: Value = serde_json::from_str(asked["paramsJSON"].as_str().unwrap()).unwrap();
    assert_eq!(params, json!({"title": "Tea", "body": "is ready"}));
    assert!(text(&events.end_of("r1").await).contains("done"));
    assert!(offered(&world));

    let which =
        json!({"action": "invoke", "node": key.id(), "command": "system.which", "params": {"bins": ["sh"]}});
    say(&operator, "r2", tool(&which)).await;
    wire.answer(|_| json!({"ok": true, "payload": {"bins": {"sh": "/bin/sh"}}})).await;
    assert!(text(&events.end_of("r2").await).contains("/bin/sh"));

    for (run, command, why) in [
        ("r3", "system.run", "not for agents"),
        ("r4", "camera.snap", "commands.allow"),
        ("r5", "device.info", "not allowed"),
    ] {
        let invoke = json!({"action": "invoke", "node": "bench", "command": command});
        say(&operator, run, tool(&invoke)).await;
        let end = events.end_of(run).await;
        assert!(text(&end).contains(why), "{command}: {end}");
    }
    say(&operator, "r6", tool(&json!({"action": "notify", "node": "nobody", "title": "x"}))).await;
    assert!(text(&events.end_of("r6").await).contains("names no device"));
    wire.ask("node.pending.pull", json!({})).await;
    assert!(!wire.saw("node.invoke.request"), "the node was not asked for what was refused");
}

#[tokio::test]
async fn the_lists_of_tools_hold_for_nodes_too() {
    let world = World::new().await;
    let mut config = world.config();
    config["tools"] = json!({"deny": ["nodes"]});
    world.write_config(&config);
    let gateway = world.start().await;
    let key = DeviceKey::generate().unwrap();
    let (_wire, operator, mut events) = approved(&gateway, &key, &["system.notify"]).await;
    say(&operator, "r", "ECHO hello".into()).await;
    events.end_of("r").await;
    assert!(!offered(&world));
}

#[tokio::test]
async fn a_node_listens_to_a_conversation_as_long_as_it_wants() {
    let world = World::new().await;
    let gateway = world.start().await;
    let key = DeviceKey::generate().unwrap();
    let (mut wire, operator, mut events) = approved(&gateway, &key, &["system.notify"]).await;
    let wish = |event: &str| json!({"event": event, "payloadJSON": r#"{"sessionKey":"main"}"#});
    say(&operator, "r1", "ECHO before".into()).await;
    events.end_of("r1").await;
    assert_eq!(wire.ask("node.event", wish("chat.subscribe")).await["handled"], true);
    assert!(!wire.saw("chat"));
    say(&operator, "r2", "ECHO meanwhile".into()).await;
    let end = loop {
        let chat = wire.event("chat").await;
        if chat["state"] == "final" {
            break chat;
        }
    };
    assert_eq!((&end["runId"], text(&end)), (&json!("r2"), "meanwhile"));
    assert_eq!(wire.ask("node.event", wish("chat.unsubscribe")).await["handled"], true);
    events.end_of("r2").await;
    say(&operator, "r3", "ECHO after".into()).await;
    events.end_of("r3").await;
    wire.ask("node.pending.pull", json!({})).await;
    assert!(!wire.saw("chat"));
    let nothing = json!({"event": "chat.subscribe", "payload": {}});
    assert_eq!(wire.ask("node.event", nothing).await["reason"], "invalid_payload");
}

#[tokio::test]
async fn a_node_asks_an_agent_once() {
    let world = World::new().await;
    let gateway = world.start().await;
    let key = DeviceKey::generate().unwrap();
    let (mut wire, _operator, mut events) = approved(&gateway, &key, &["system.notify"]).await;
    let payload = json!({"message": "ECHO from a phone", "key": "n1"});
    let ask = json!({"event": "agent.request", "payloadJSON": payload.to_string()});
    assert_eq!(wire.ask("node.event", ask.clone()).await["reason"], "accepted");
    let end = events.end_of("n1").await;
    assert_eq!(text(&end), "from a phone");
    assert!(end["sessionKey"].as_str().unwrap().starts_with("agent:main:node-"), "{end}");
    assert!(!offered(&world), "a node does not command nodes by way of an agent");
    let asked = world.model.control.chat_requests().len();
    assert_eq!(wire.ask("node.event", ask).await["handled"], true);
    let other = json!({"event": "agent.request", "payload": {"message": "ECHO again", "key": "n2", "sessionKey": "main"}});
    wire.ask("node.event", other).await;
    assert_eq!(events.end_of("n2").await["sessionKey"], "agent:main:main");
    assert_eq!(world.model.control.chat_requests().len(), asked + 1, "the same key is the same run");
    for bad in [json!({}), json!({"message": " "}), json!({"message": "x".repeat(20_001)})] {
        let ask = json!({"event": "agent.request", "payload": bad});
        assert_eq!(wire.ask("node.event", ask).await["reason"], "invalid_payload");
    }
}

#[tokio::test]
async fn a_node_that_has_begun_is_not_asked_a_second_time() {
    let world = World::new().await;
    let gateway = world.start().await;
    let key = DeviceKey::generate().unwrap();
    let (mut wire, operator, _events) = approved(&gateway, &key, &["system.which"]).await;
    let ask = |k: &str| json!({"nodeId": key.id(), "command": "system.which", "idempotencyKey": k});
    let not_ready = || json!({"ok": false, "error": {"code": "NODE_NOT_READY", "message": "later"}});

    // One that is not ready is asked again.
    let (answer, ()) = tokio::join!(operator.request("node.invoke", ask("a")), async {
        wire.answer(|_| not_ready()).await;
        wire.answer(|_| json!({"ok": true, "payload": 1})).await;
    });
    assert_eq!(answer.unwrap()["payload"], 1);

    let (answer, ()) = tokio::join!(operator.request("node.invoke", ask("b")), async {
        let asked = wire.event("node.invoke.request").await;
        let progress = |seq: u64, node: &str, chunk: &str| json!({"invokeId": asked["id"], "nodeId": node, "seq": seq, "chunk": chunk});
        let id = key.id();
        assert_eq!(wire.ask("node.invoke.progress", progress(0, &id, "half")).await["ignored"], false);
        assert_eq!(wire.ask("node.invoke.progress", progress(0, &id, "half")).await["ignored"], true);
        assert_eq!(wire.ask("node.invoke.progress", progress(1, &id, "more")).await["ignored"], false);
        assert_eq!(wire.call("node.invoke.progress", progress(2, "another", "x")).await["ok"], false);
        let long = "x".repeat(16 * 1024 + 1);
        assert_eq!(wire.call("node.invoke.progress", progress(2, &id, &long)).await["ok"], false);
        let mut result = not_ready();
        (result["id"], result["nodeId"]) = (asked["id"].clone(), id.as_str().into());
        wire.ask("node.invoke.result", result).await;
        assert_eq!(wire.ask("node.invoke.progress", progress(2, &id, "late")).await["ignored"], true);
    });
    assert!(answer.unwrap_err().to_string().contains("NODE_NOT_READY"));
    assert!(!wire.saw("node.invoke.request"));
}

#[tokio::test]
async fn a_node_says_whether_it_would_host_sessions() {
    let world = World::new().await;
    let gateway = world.start().await;
    let key = DeviceKey::generate().unwrap();
    let (mut wire, operator, mut events) = approved(&gateway, &key, &["system.which"]).await;
    let says = |host: Value| json!({"protocolFeatures": ["node-worker-supervisor-v6"], "workerHost": host});
    let method = "node.runnerInventory.update";
    assert_eq!(wire.ask(method, says(json!({"enabled": false}))).await, json!({"nodeId": key.id()}));
    for bad in [
        says(json!({"enabled": true})),
        says(json!({"enabled": true, "capacity": {"total": 2, "available": 3}})),
        says(json!({"enabled": true, "capacity": {"total": 2000, "available": 3}})),
        json!({"protocolFeatures": [], "workerHost": {"enabled": false}}),
        json!({"protocolFeatures": ["a", "b"]}),
        json!({}),
    ] {
        assert_eq!(wire.call(method, bad.clone()).await["error"]["code"], "INVALID_REQUEST", "{bad}");
    }
    let would = says(json!({"enabled": true, "capacity": {"total": 2, "available": 1}, "bundlePrewarm": 1}));
    wire.ask(method, would).await;
    let changed = events.next("a change", |event, _| event == "node.runnerInventory.changed").await;
    assert_eq!(changed, json!({"nodeId": key.id()}));
    let row = operator.request("node.describe", json!({"nodeId": key.id()})).await.unwrap();
    assert_eq!(row["sessionHost"], true);
    let refused = operator.request(method, json!({"protocolFeatures": []})).await.unwrap_err().to_string();
    assert!(refused.contains("unauthorized role"), "{refused}");
}
