//! What happens to requests after hello.

use std::sync::atomic::Ordering;

use bulkhead_server::Limits;
use serde_json::{Value, json};

use crate::world::{limited, quick, world};

#[tokio::test]
async fn what_is_wrong_is_answered_and_the_socket_stays_open() {
    let world = world().await;
    let mut client = world.admin().await;
    let second = client.request("connect", crate::world::cli()).await;
    assert_eq!(second["error"]["code"], "INVALID_REQUEST");
    let unknown = client.request("no.such.method", Value::Null).await;
    assert_eq!(
        unknown["error"],
        json!({ "code": "INVALID_REQUEST", "message": "unknown method: no.such.method" })
    );
    for (text, id) in [
        ("nonsense", "invalid"),
        ("{\"type\":\"req\"}", "invalid"),
        ("{\"type\":\"req\",\"id\":\"a\"}", "a"),
        ("{\"type\":\"res\",\"id\":\"b\",\"method\":\"health\"}", "b"),
        ("{\"type\":\"req\",\"id\":\"c\",\"method\":5}", "c"),
        ("[1,2]", "invalid"),
    ] {
        client.send_text(text).await;
        let answer = client.response(id).await;
        assert_eq!(answer["error"]["code"], "INVALID_REQUEST", "{text}");
    }
    assert_eq!(client.request("health", Value::Null).await["ok"], true);
}

#[tokio::test]
async fn missing_scopes_are_named() {
    let world = world().await;
    let mut client = world.operator(&["operator.read"]).await;
    let answer = client.request("config.patch", json!({})).await;
    assert_eq!(answer["error"]["code"], "FORBIDDEN");
    assert_eq!(
        answer["error"]["details"],
        json!({ "code": "MISSING_SCOPE", "missingScope": "operator.admin", "requiredScopes": ["operator.admin"] })
    );
    assert_eq!(client.request("health", Value::Null).await["ok"], true);
}

#[tokio::test]
async fn parameters_arrive_untouched() {
    let world = world().await;
    let mut client = world.admin().await;
    let params = json!({ "text": "ü\n\u{0}\"", "list": [1, 2.5, null], "deep": { "a": { "b": [] } } });
    assert_eq!(client.request("chat.history", params.clone()).await["payload"], params);
    client.send_text(r#"{"type":"req","id":"none","method":"chat.history"}"#).await;
    assert_eq!(client.response("none").await["payload"], Value::Null);
}

#[tokio::test]
async fn two_answers_to_one_request() {
    let world = world().await;
    let mut client = world.admin().await;
    let id = client.ask("agent", json!({})).await;
    assert_eq!(client.response(&id).await["payload"]["status"], "accepted");
    assert_eq!(client.response(&id).await["payload"]["status"], "ok");
}

#[tokio::test]
async fn slow_calls_hold_nobody_up_and_end_without_their_client() {
    let world = world().await;
    let mut client = world.admin().await;
    let slow = client.ask("status", Value::Null).await;
    assert_eq!(client.request("health", Value::Null).await["ok"], true);
    world.handler.release.notify_one();
    assert_eq!(client.response(&slow).await["payload"]["released"], true);
}

#[tokio::test]
async fn a_broken_handler_breaks_one_answer() {
    let world = world().await;
    let mut client = world.admin().await;
    let answer = client.request("sessions.list", json!({})).await;
    assert_eq!(answer["error"]["code"], "UNAVAILABLE");
    assert_eq!(client.request("health", Value::Null).await["ok"], true);
}

#[tokio::test]
async fn too_many_waiting_requests() {
    let world = world().await;
    let mut client = world.admin().await;
    for _ in 0..256 {
        client.ask("status", Value::Null).await;
    }
    let refused = client.request("status", Value::Null).await;
    assert_eq!(refused["error"]["code"], "UNAVAILABLE");
    assert_eq!(refused["error"]["retryable"], true);
    let mut other = world.admin().await;
    assert_eq!(other.request("health", Value::Null).await["ok"], true, "others are not concerned");
    for _ in 0..256 {
        world.handler.release.notify_one();
        // One permit is stored at most: let the woken call take it.
        client.read().await;
    }
    assert_eq!(client.request("health", Value::Null).await["ok"], true);
}

#[tokio::test]
async fn control_plane_writes_are_limited_per_method() {
    let world = world().await;
    let mut client = world.admin().await;
    for n in 0..30 {
        assert_eq!(client.request("config.patch", json!({})).await["ok"], true, "write {n}");
    }
    let refused = client.request("config.patch", json!({})).await["error"].clone();
    assert_eq!((refused["code"].as_str(), refused["retryable"].as_bool()), (Some("UNAVAILABLE"), Some(true)));
    assert!(refused["retryAfterMs"].as_u64().unwrap() <= 2000, "{refused}");
    assert_eq!(refused["details"]["method"], "config.patch");
    let mut again = world.admin().await;
    assert_eq!(
        again.request("config.patch", json!({})).await["ok"],
        false,
        "a new connection changes nothing"
    );
    assert_eq!(again.request("config.get", json!({})).await["ok"], true, "reading is not limited");
}

#[tokio::test]
async fn coming_and_going_is_told_once() {
    let world = limited(Limits { ..quick() }).await;
    for _ in 0..3 {
        let client = world.admin().await;
        drop(client);
    }
    world.dial().await;
    while world.handler.disconnected.load(Ordering::SeqCst) < 3 {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.handler.connected.load(Ordering::SeqCst), 3);
    assert!(world.hub.is_empty());
}
