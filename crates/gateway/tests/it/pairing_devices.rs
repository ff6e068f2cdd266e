//! Devices: setup codes, approvals, tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bulkhead_protocol::device_auth::DeviceKey;
use serde_json::{Value, json};

use crate::harness::{Gateway, TOKEN, World};
use crate::wire::{Wire, app, node};

async fn setup(gateway: &Gateway, profile: Option<&str>) -> (Value, Value) {
    let (operator, _) = gateway.client().await;
    let mut params = json!({"publicUrl": format!("ws://127.0.0.1:{}", gateway.port)});
    if let Some(profile) = profile {
        params["bootstrapProfile"] = profile.into();
    }
    let made = operator.request("device.pair.setupCode", params).await.unwrap();
    let content = URL_SAFE_NO_PAD.decode(made["setupCode"].as_str().unwrap()).unwrap();
    let content: Value = serde_json::from_slice(&content).unwrap();
    assert_eq!(content["url"], made["gatewayUrl"]);
    (made.clone(), json!({"bootstrapToken": content["bootstrapToken"]}))
}

#[tokio::test]
async fn a_setup_code_lets_one_device_in_once_and_hands_it_its_tokens() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (operator, mut events) = gateway.client().await;
    let (made, auth) = setup(&gateway, None).await;
    assert_eq!((&made["access"], &made["urlSource"]), (&json!("full"), &json!("request.publicUrl")));
    assert!(made["qrDataUrl"].as_str().unwrap().starts_with("data:image/png;base64,"));
    let asked = json!({"setupId": made["setupId"]});
    assert_eq!(operator.request("device.pair.setupStatus", asked.clone()).await.unwrap(), json!({}));

    let phone = DeviceKey::generate().unwrap();
    let (mut wire, hello) = Wire::admitted(&gateway, &phone, node(auth.clone(), &["system.notify"])).await;
    let operator_token = hello["auth"]["deviceTokens"][0].clone();
    assert_eq!(operator_token["role"], "operator");
    assert!(!operator_token["scopes"].as_array().unwrap().contains(&json!("operator.pairing")));
    assert_ne!(operator_token["deviceToken"], hello["auth"]["deviceToken"]);
    wire.ask("node.pending.pull", json!({})).await;
    let done = events.next("completion", |event, _| event == "device.pair.setup.completed").await;
    assert_eq!(done["deviceId"], phone.id());
    assert_eq!(operator.request("device.pair.setupStatus", asked).await.unwrap()["completion"], done);

    // Nobody else, and not the same once more.
    for key in [&DeviceKey::generate().unwrap(), &phone] {
        let (mut wire, answer) = Wire::connect(&gateway, key, node(auth.clone(), &[])).await;
        assert_eq!(answer["error"]["details"]["code"], "AUTH_BOOTSTRAP_TOKEN_INVALID", "{answer}");
        assert_eq!(wire.closed().await, 1008);
    }
    // The tokens hold.
    let own = json!({"deviceToken": hello["auth"]["deviceToken"]});
    Wire::admitted(&gateway, &phone, node(own, &["system.notify"])).await;
    let as_operator = json!({"deviceToken": operator_token["deviceToken"]});
    let mut params = app(as_operator, &["operator.read"]);
    params["client"]["platform"] = "linux".into();
    params["client"]["deviceFamily"] = "Linux".into();
    let (mut wire, _) = Wire::admitted(&gateway, &phone, params).await;
    wire.ask("node.list", json!({})).await;
}

#[tokio::test]
async fn a_code_is_worth_nothing_once_its_device_came_by_a_token() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (_operator, mut events) = gateway.client().await;
    let (_, auth) = setup(&gateway, None).await;
    let phone = DeviceKey::generate().unwrap();
    let (_silent, hello) = Wire::admitted(&gateway, &phone, node(auth.clone(), &[])).await;
    // It may not have heard the answer: the same device may try again.
    Wire::admitted(&gateway, &phone, node(auth.clone(), &[])).await;
    let own = json!({"deviceToken": hello["auth"]["deviceToken"]});
    Wire::admitted(&gateway, &phone, node(own, &[])).await;
    events.next("completion", |event, _| event == "device.pair.setup.completed").await;
    let (_, answer) = Wire::connect(&gateway, &phone, node(auth, &[])).await;
    assert_eq!(answer["error"]["details"]["code"], "AUTH_BOOTSTRAP_TOKEN_INVALID", "{answer}");
}

#[tokio::test]
async fn a_code_for_a_node_approves_what_it_offers_first() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (operator, _events) = gateway.client().await;
    let (made, auth) = setup(&gateway, Some("node")).await;
    assert_eq!(made["access"], "node");
    let key = DeviceKey::generate().unwrap();
    let wants = app(auth.clone(), &["operator.read"]);
    let (_, answer) = Wire::connect(&gateway, &key, wants).await;
    assert_eq!(answer["error"]["details"]["code"], "AUTH_SCOPE_MISMATCH", "it gives no operator");
    let (mut wire, hello) = Wire::admitted(&gateway, &key, node(auth, &["system.which"])).await;
    assert_eq!(hello["auth"].get("deviceTokens"), None);
    let ask = json!({"nodeId": key.id(), "command": "system.which", "idempotencyKey": "k"});
    // The approval is recorded while the node is greeted.
    let row = loop {
        let row = operator.request("node.describe", json!({"nodeId": key.id()})).await.unwrap();
        if row["approvalState"] == "approved" {
            break row;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(row["commands"], json!(["system.which"]));
    let (answer, _) = tokio::join!(
        operator.request("node.invoke", ask),
        wire.answer(|_| json!({"ok": true, "payload": 7}))
    );
    assert_eq!(answer.unwrap()["payload"], 7);
}

#[tokio::test]
async fn a_changed_device_waits_and_its_request_is_answered_or_replaced() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (operator, mut events) = gateway.client().await;
    let key = DeviceKey::generate().unwrap();
    let auth = json!({"token": TOKEN});
    Wire::admitted(&gateway, &key, app(auth.clone(), &["operator.read"])).await;
    let mut changed = app(auth.clone(), &["operator.read"]);
    changed["client"]["deviceFamily"] = "iPad".into();
    let (_, first) = Wire::connect(&gateway, &key, changed.clone()).await;
    let first_id = first["error"]["details"]["requestId"].clone();
    assert_eq!(first["error"]["details"]["code"], "PAIRING_REQUIRED");
    let (_, same) = Wire::connect(&gateway, &key, changed.clone()).await;
    assert_eq!(same["error"]["details"]["requestId"], first_id, "asking again is the same request");
    changed["client"]["platform"] = "iPadOS 18".into();
    let (_, other) = Wire::connect(&gateway, &key, changed.clone()).await;
    let id = other["error"]["details"]["requestId"].clone();
    assert_ne!(id, first_id);
    let gone = events.next("its end", |event, _| event == "device.pair.resolved").await;
    assert_eq!((&gone["requestId"], &gone["decision"]), (&first_id, &json!("superseded")));
    let requested = operator.request("device.pair.list", json!({})).await.unwrap();
    assert_eq!(requested["pending"][0]["requestId"], id);
    let approved = operator.request("device.pair.approve", json!({"requestId": id})).await.unwrap();
    assert_eq!(approved["device"]["deviceFamily"], "iPad");
    let (mut wire, _) = Wire::admitted(&gateway, &key, changed).await;
    let label = json!({"deviceId": key.id(), "label": " Tablet "});
    operator.request("device.pair.rename", label).await.unwrap();
    let list = operator.request("device.pair.list", json!({})).await.unwrap();
    assert_eq!(list["paired"][0]["operatorLabel"], "Tablet");
    operator.request("device.token.revoke", json!({"deviceId": key.id(), "role": "operator"})).await.unwrap();
    assert_eq!(wire.closed().await, 4001);
}

#[tokio::test]
async fn a_device_manages_itself_only() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (mine, other) = (DeviceKey::generate().unwrap(), DeviceKey::generate().unwrap());
    let scopes = ["operator.read", "operator.pairing"];
    Wire::admitted(&gateway, &other, app(json!({"token": TOKEN}), &scopes)).await;
    let (_, hello) = Wire::admitted(&gateway, &mine, app(json!({"token": TOKEN}), &scopes)).await;
    let token = hello["auth"]["deviceToken"].clone();
    let (mut wire, _) = Wire::admitted(&gateway, &mine, app(json!({"deviceToken": token}), &scopes)).await;
    for (method, params) in [
        ("device.pair.remove", json!({"deviceId": other.id()})),
        ("device.pair.rename", json!({"deviceId": other.id(), "label": "x"})),
        ("device.token.rotate", json!({"deviceId": other.id(), "role": "operator"})),
        ("device.token.revoke", json!({"deviceId": other.id(), "role": "operator"})),
        ("device.token.revoke", json!({"deviceId": mine.id(), "role": "node"})),
        ("device.pair.setupCode", json!({})),
    ] {
        let refused = wire.call(method, params).await;
        assert_eq!(refused["error"]["details"]["missingScope"], "operator.admin", "{method}: {refused}");
    }
    let wider = json!({"deviceId": mine.id(), "role": "operator", "scopes": ["operator.write"]});
    assert_eq!(wire.call("device.token.rotate", wider).await["ok"], false);
    let narrower = json!({"deviceId": mine.id(), "role": "operator", "scopes": ["operator.read"]});
    let rotated = wire.ask("device.token.rotate", narrower).await;
    assert_eq!(rotated["tokenDelivery"], "in-band");
    assert_ne!(rotated["token"], token);
    assert_eq!(wire.closed().await, 4001, "the old token's sockets end, after the answer");
    let (_, answer) =
        Wire::connect(&gateway, &mine, app(json!({"deviceToken": token}), &["operator.read"])).await;
    assert_eq!(answer["error"]["details"]["code"], "AUTH_DEVICE_TOKEN_MISMATCH");
    let fresh = json!({"deviceToken": rotated["token"]});
    let (_, answer) = Wire::connect(&gateway, &mine, app(fresh.clone(), &scopes)).await;
    assert_eq!(answer["error"]["details"]["code"], "AUTH_SCOPE_MISMATCH");
    Wire::admitted(&gateway, &mine, app(fresh, &["operator.read"])).await;
}

#[tokio::test]
async fn a_connected_device_asks_for_more_and_is_told_the_answer() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (operator, mut events) = gateway.client().await;
    let (key, other) = (DeviceKey::generate().unwrap(), DeviceKey::generate().unwrap());
    let auth = json!({"token": TOKEN});
    let (mut wire, _) = Wire::admitted(&gateway, &key, app(auth.clone(), &["operator.read"])).await;
    let (mut stranger, _) = Wire::admitted(&gateway, &other, app(auth, &["operator.read"])).await;
    let request = "device.scopes.requestUpgrade";
    for bad in [
        json!([]),
        json!(["operator.read", "operator.king"]),
        json!(["operator.read", "operator.read"]),
        json!(["operator.read", "node"]),
        json!(["operator.approvals"]),
    ] {
        let refused = wire.call(request, json!({"scopes": bad})).await;
        assert_eq!(refused["error"]["code"], "INVALID_REQUEST", "{bad}: {refused}");
    }
    let without = operator.request(request, json!({"scopes": ["operator.admin"]})).await.unwrap_err();
    assert!(without.to_string().contains("paired device"), "{without}");

    let wanted = json!({"scopes": ["operator.write"]});
    let asked = wire.ask(request, wanted.clone()).await;
    let filed = events.next("a request", |event, _| event == "device.pair.requested").await;
    assert_eq!((&filed["requestId"], &filed["deviceId"]), (&asked["requestId"], &json!(key.id())));
    assert_eq!(wire.ask(request, wanted.clone()).await, asked, "asking again is the same request");
    let foreign = stranger.call("device.scopes.waitUpgrade", asked.clone()).await;
    assert_eq!(foreign["error"]["code"], "INVALID_REQUEST", "it is told to the device that asked");
    let (rejected, _) = tokio::join!(
        wire.ask("device.scopes.waitUpgrade", asked.clone()),
        operator.request("device.pair.reject", asked.clone())
    );
    assert_eq!(rejected, json!({"status": "rejected", "requestId": asked["requestId"]}));

    // Another wish takes the place of the first, and the answer may come before somebody waits for it.
    let first = wire.ask(request, wanted).await;
    let wider = json!({"scopes": ["operator.write", "operator.approvals"]});
    let second = wire.ask(request, wider).await;
    assert_eq!(wire.ask("device.scopes.waitUpgrade", first).await["status"], "rejected");
    operator.request("device.pair.approve", second.clone()).await.unwrap();
    let approved = wire.ask("device.scopes.waitUpgrade", second).await;
    assert_eq!(approved["status"], "approved");
    let scopes: Vec<&str> = approved["scopes"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(scopes, ["operator.write", "operator.approvals"]);
    assert_eq!(
        wire.call("device.pair.list", json!({})).await["ok"],
        false,
        "this connection stays what it is"
    );
    let fresh = json!({"deviceToken": approved["deviceToken"]});
    let wanted = app(fresh, &["operator.read", "operator.write", "operator.approvals"]);
    Wire::admitted(&gateway, &key, wanted).await;
}
