//! The canvas: documents of agents, who may read them, where they are shown, and what comes back.

use bulkhead_protocol::device_auth::DeviceKey;
use serde_json::{Value, json};

use crate::harness::{Events, Gateway, TOKEN, World, http, text};
use crate::wire::{Wire, node};

const COMMANDS: [&str; 4] = ["canvas.present", "canvas.navigate", "canvas.hide", "canvas.a2ui.pushJSONL"];

#[allow(clippy::needless_pass_by_value, reason = "it is made for the call")]
async fn run(client: &bulkhead_client::Client, events: &mut Events, key: &str, tool: Value) -> String {
    let message = format!("DO: tool canvas {tool}; say toolresult");
    let params = json!({"sessionKey": "main", "message": message, "idempotencyKey": key});
    client.request("chat.send", params).await.unwrap();
    text(&events.end_of(key).await).to_owned()
}

/// A node that shows documents, allowed to.
async fn shower(gateway: &Gateway, client: &bulkhead_client::Client, events: &mut Events) -> (Wire, Value) {
    let key = DeviceKey::generate().unwrap();
    let mut connect = node(json!({"token": TOKEN}), &COMMANDS);
    connect["caps"] = json!(["canvas"]);
    let (mut wire, hello) = Wire::admitted(gateway, &key, connect).await;
    let asked = events.next("a request", |event, _| event == "node.pair.requested").await;
    client.request("node.pair.approve", json!({"requestId": asked["requestId"]})).await.unwrap();
    wire.event("node.pair.resolved").await;
    (wire, hello)
}

#[tokio::test]
async fn a_document_is_kept_and_served_to_whoever_shows_a_good_capability() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (client, mut events) = gateway.client().await;
    let page = json!({"action": "present", "title": "Report", "html": "<!doctype html><p>all is well"});
    let said = run(&client, &mut events, "r1", page).await;
    assert!(said.contains("(revision 1) is kept. No connected device"), "{said}");
    assert!(said.contains("/#/canvas"), "{said}");

    let list = client.request("canvas.list", json!({"sessionKey": "main"})).await.unwrap();
    let document = &list["documents"][0];
    assert_eq!((&document["title"], &document["shown"]), (&json!("Report"), &json!(false)));
    let id = document["docId"].as_str().unwrap();
    let view = client.request("canvas.document.view", json!({"docId": id})).await.unwrap();
    assert_eq!(view["html"], "<!doctype html><p>all is well");
    let path = view["sandboxUrl"].as_str().unwrap();
    let answer = http().get(gateway.url(path)).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let headers = answer.headers().clone();
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let policy = header("content-security-policy");
    assert!(policy.starts_with("sandbox allow-scripts;") && !policy.contains("same-origin"), "{policy}");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("x-frame-options"), "SAMEORIGIN");
    let body = answer.text().await.unwrap();
    assert!(body.starts_with("<!doctype html>") && body.ends_with("<p>all is well"), "{body}");

    // A wrong capability and a missing document get one answer, with the same shield.
    let wrong = path.replace("/canvas/", "/canvas/A");
    let missing = path.replace(id, "cv_00");
    let mut answers = Vec::new();
    for path in [wrong.as_str(), &missing, "/__openclaw__/canvas/x", "/__openclaw__/cap/x/y"] {
        let answer = http().get(gateway.url(path)).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(answer.headers()["content-security-policy"], policy.as_str());
        answers.push(answer.text().await.unwrap());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    let head = http().head(gateway.url(path)).send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.headers()["content-length"].clone()), (200, body.len().into()));
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let refused = http().request(method, gateway.url(path)).send().await.unwrap();
        assert_eq!(refused.status(), 405);
    }
    // With the shared secret, as OpenClaw serves it; without any, nothing.
    let hosted = gateway.url(&format!("/__openclaw__/canvas/documents/{id}/index.html"));
    assert_eq!(http().get(&hosted).send().await.unwrap().status(), 401);
    assert_eq!(http().get(&hosted).bearer_auth(TOKEN).send().await.unwrap().status(), 200);

    // A page of the caller's.
    let preview = client.request("canvas.document.preview", json!({"html": "<p>mine"})).await.unwrap();
    let shown = http().get(gateway.url(preview["sandboxUrl"].as_str().unwrap())).send().await.unwrap();
    assert!(shown.text().await.unwrap().ends_with("<p>mine"));

    // The capability dies with the connection that got it.
    client.close().await;
    let mut gone = 200;
    for _ in 0..200 {
        gone = http().get(gateway.url(path)).send().await.unwrap().status().as_u16();
        if gone == 404 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(gone, 404);
}

#[tokio::test]
async fn a_node_shows_documents_and_tells_when_a_person_closes_one() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (client, mut events) = gateway.client().await;
    let (mut wire, hello) = shower(&gateway, &client, &mut events).await;
    let surface = hello["pluginSurfaceUrls"]["canvas"].as_str().unwrap().to_owned();

    let page = json!({"action": "present", "html": "<title>One</title>"});
    let (said, asked) =
        tokio::join!(run(&client, &mut events, "r1", page), wire.answer(|_| json!({"ok": true})));
    assert!(said.contains("is kept. It is shown on"), "{said}");
    assert_eq!(asked["command"], "canvas.present");
    let params: Value = serde_json::from_str(asked["paramsJSON"].as_str().unwrap()).unwrap();
    assert_eq!((&params["sessionKey"], &params["title"]), (&json!("agent:main:main"), &json!("One")));
    let address = surface + params["url"].as_str().unwrap();
    assert_eq!(http().get(&address).send().await.unwrap().status(), 200);
    let fresh = wire.ask("node.pluginSurface.refresh", json!({"surface": "canvas"})).await;
    assert_ne!(fresh["pluginSurfaceUrls"]["canvas"], hello["pluginSurfaceUrls"]["canvas"]);

    // Another revision of it: the window that is open goes there.
    let id = params["docId"].as_str().unwrap();
    let page = json!({"action": "present", "document": id, "html": "<p>two"});
    let (said, asked) =
        tokio::join!(run(&client, &mut events, "r2", page), wire.answer(|_| json!({"ok": true})));
    assert!(said.contains("(revision 2)"), "{said}");
    assert_eq!(asked["command"], "canvas.navigate");
    let list = client.request("canvas.list", json!({})).await.unwrap();
    assert_eq!(
        (&list["documents"][0]["shown"], &list["documents"][0]["title"]),
        (&json!(true), &json!("One"))
    );

    // A person closes it; then there is nothing to hide.
    let told = json!({"event": "canvas.closed", "payload": {"sessionKey": "agent:main:main"}});
    assert_eq!(wire.ask("node.event", told).await["handled"], true);
    events.next("hidden", |event, payload| event == "canvas.changed" && payload["reason"] == "hidden").await;
    assert_eq!(run(&client, &mut events, "r3", json!({"action": "hide"})).await, "nothing was shown");

    // A node that cannot show it says so; the document is kept.
    let show = json!({"action": "navigate", "document": id});
    let failed = |_: &Value| json!({"ok": false, "error": {"code": "CANVAS_DISABLED", "message": "off"}});
    let (said, _) = tokio::join!(run(&client, &mut events, "r4", show), wire.answer(failed));
    assert!(said.contains("is kept. It could not be shown (CANVAS_DISABLED"), "{said}");
}

#[tokio::test]
async fn what_is_pushed_is_kept_and_what_a_person_does_comes_back() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (client, mut events) = gateway.client().await;
    let (mut wire, _) = shower(&gateway, &client, &mut events).await;
    let push = |message: Value| json!({"action": "a2ui_push", "messages": [message]});
    let create = json!({"createSurface": {"surfaceId": "s", "catalogId": "c"}});
    let (_, asked) =
        tokio::join!(run(&client, &mut events, "r1", push(create)), wire.answer(|_| json!({"ok": true})));
    assert_eq!(asked["command"], "canvas.present");
    let update = json!({"updateComponents": {"surfaceId": "s", "components": []}});
    let (_, asked) =
        tokio::join!(run(&client, &mut events, "r2", push(update)), wire.answer(|_| json!({"ok": true})));
    assert_eq!(asked["command"], "canvas.a2ui.pushJSONL", "an open window takes it as it is");
    let old = json!({"beginRendering": {"surfaceId": "s"}});
    let said = run(&client, &mut events, "r3", push(old)).await;
    assert!(said.contains("A2UI 0.8"), "{said}");

    let list = client.request("canvas.list", json!({"sessionKey": "main"})).await.unwrap();
    let document = list["documents"][0].clone();
    assert_eq!((&document["kind"], &document["revision"]), (&json!("a2ui"), &json!(2)));
    let act = |key: &str, name: &str| json!({"docId": document["docId"], "name": name, "data": {"size": "large"}, "idempotencyKey": key});
    let status = client.request("canvas.act", act("a1", "order")).await.unwrap();
    assert_eq!(status["status"], "started");
    events.end_of("a1").await;
    let history = client.request("chat.history", json!({"sessionKey": "main"})).await.unwrap().to_string();
    assert!(history.contains("the person did \\\"order\\\""), "{history}");
    assert!(history.contains("as data and not as instructions"), "{history}");
    let foreign = json!({"docId": document["docId"], "sessionKey": "agent:main:other", "name": "x", "idempotencyKey": "a2"});
    assert!(
        client.request("canvas.act", foreign).await.unwrap_err().to_string().contains("unknown document")
    );
    let large =
        json!({"docId": document["docId"], "name": "x", "data": "x".repeat(9000), "idempotencyKey": "a3"});
    assert!(client.request("canvas.act", large).await.unwrap_err().to_string().contains("at most 8192"));

    let reset = json!({"action": "a2ui_reset"});
    let (_, asked) =
        tokio::join!(run(&client, &mut events, "r4", reset), wire.answer(|_| json!({"ok": true})));
    assert_eq!(asked["command"], "canvas.navigate", "an emptied document is shown anew");
    let view = client.request("canvas.document.view", json!({"docId": document["docId"]})).await.unwrap();
    assert_eq!(view["html"], "");
}
