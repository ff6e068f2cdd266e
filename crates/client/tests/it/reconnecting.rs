use std::time::Duration;

use bulkhead_client::{Auth, Backoff, ConnectOptions, ConnectionState, ReconnectingClient};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use crate::gateway::Listener;

fn quick() -> Backoff {
    Backoff { first: Duration::from_millis(1), longest: Duration::from_millis(5), jitter: 0.2 }
}

const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn comes_back_and_its_events_go_on() {
    let gateway = Listener::bind().await;
    let client = ReconnectingClient::spawn(ConnectOptions::cli(gateway.url(), Auth::None), quick());
    let mut events = client.events();
    let (mut peer, _) = gateway.admit().await;
    client.connected(PATIENCE).await.unwrap();
    peer.send(&json!({ "type": "event", "event": "tick", "payload": {}, "seq": 1 })).await;
    assert_eq!(events.recv().await.unwrap().seq, Some(1));
    let ((), (mut peer, _)) = tokio::join!(peer.close(1012, "service restart"), gateway.admit());
    let mut state = client.state();
    state.wait_for(ConnectionState::is_connected).await.unwrap();
    peer.send(&json!({ "type": "event", "event": "tick", "payload": {}, "seq": 7 })).await;
    assert_eq!(events.recv().await.unwrap().seq, Some(7));
    let serve = async {
        let request = peer.request().await.unwrap();
        peer.send(&json!({ "type": "res", "id": request.id, "ok": true, "payload": 1 })).await;
    };
    let (answer, ()) = tokio::join!(client.request("health", ()), serve);
    assert_eq!(answer.unwrap(), json!(1));
    client.stop().await;
    assert!(matches!(*client.state().borrow(), ConnectionState::Stopped));
}

#[tokio::test]
async fn pauses_on_a_wrong_secret_until_it_gets_another() {
    let gateway = Listener::bind().await;
    let options = |token: &str| ConnectOptions::cli(gateway.url(), Auth::Token(SecretString::from(token)));
    let client = ReconnectingClient::spawn(options("wrong"), quick());
    let mut peer = gateway.socket().await;
    let (id, _) = peer.challenge().await;
    let error =
        json!({ "code": "INVALID_REQUEST", "message": "no", "details": { "code": "AUTH_TOKEN_MISMATCH" } });
    peer.send(&json!({ "type": "res", "id": id, "ok": false, "error": error })).await;
    let refused = client.connected(PATIENCE).await.unwrap_err();
    assert_eq!(refused.code(), "client.unauthorized");
    let not_connected = client.request("health", ()).await.unwrap_err();
    assert_eq!(not_connected.code(), "client.not-connected");
    assert!(not_connected.to_string().contains("AUTH_TOKEN_MISMATCH"), "{not_connected}");
    client.update(options("right"));
    let (_peer, connect) = gateway.admit().await;
    assert_eq!(connect.auth.unwrap().token.unwrap().expose_secret(), "right");
    let mut state = client.state();
    state.wait_for(ConnectionState::is_connected).await.unwrap();
}

#[tokio::test]
async fn waits_longer_while_nobody_listens() {
    let url = Listener::bind().await.url();
    let client = ReconnectingClient::spawn(ConnectOptions::cli(url, Auth::None), quick());
    let mut state = client.state();
    let third = state
        .wait_for(|state| matches!(state, ConnectionState::Waiting { failures: 3, .. }))
        .await
        .unwrap()
        .clone();
    assert_eq!(third.error().unwrap().code(), "client.refused");
    client.stop().await;
}
