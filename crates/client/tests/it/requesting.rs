use std::time::Duration;

use bulkhead_client::{Auth, Client, ClientError, ConnectOptions};
use bulkhead_protocol::RequestFrame;
use serde_json::{Value, json};

use crate::gateway::{Listener, Peer};

async fn pair() -> (Client, Peer) {
    let gateway = Listener::bind().await;
    let url = gateway.url();
    let (client, (peer, _)) =
        tokio::join!(Client::connect(ConnectOptions::cli(url, Auth::None)), gateway.admit());
    (client.unwrap().0, peer)
}

async fn answer(peer: &mut Peer, request: &RequestFrame, payload: Value) {
    peer.send(&json!({ "type": "res", "id": request.id, "ok": true, "payload": payload })).await;
}

#[tokio::test]
async fn answers_find_their_requests_in_any_order() {
    let (client, mut peer) = pair().await;
    let serve = async {
        let first = peer.request().await.unwrap();
        let second = peer.request().await.unwrap();
        let name = |frame: &RequestFrame| json!(frame.method);
        answer(&mut peer, &second, name(&second)).await;
        answer(&mut peer, &first, name(&first)).await;
        assert!(first.params.is_none());
        assert_eq!(second.params.unwrap().get(), r#"{"x":1}"#);
    };
    let ask = async { tokio::join!(client.request("one", ()), client.request("two", json!({ "x": 1 }))) };
    let ((one, two), ()) = tokio::join!(ask, serve);
    assert_eq!((one.unwrap(), two.unwrap()), (json!("one"), json!("two")));
}

#[tokio::test]
async fn two_answers_come_as_a_stream() {
    let (client, mut peer) = pair().await;
    let serve = async {
        let request = peer.request().await.unwrap();
        answer(&mut peer, &request, json!({ "status": "accepted", "runId": "r" })).await;
        answer(&mut peer, &request, json!({ "status": "ok", "runId": "r" })).await;
    };
    let ask = async {
        let mut streamed = client
            .request_streamed("agent", json!({ "message": "hi" }), Duration::from_secs(5))
            .await
            .unwrap();
        let first = streamed.next().await.unwrap().unwrap();
        let last = streamed.next().await.unwrap().unwrap();
        assert!(streamed.next().await.is_none());
        (first["status"].clone(), last["status"].clone())
    };
    let (statuses, ()) = tokio::join!(ask, serve);
    assert_eq!(statuses, (json!("accepted"), json!("ok")));
}

#[tokio::test]
async fn a_refused_stream_has_one_answer() {
    let (client, mut peer) = pair().await;
    let serve = async {
        let request = peer.request().await.unwrap();
        let error = json!({ "code": "INVALID_REQUEST", "message": "no" });
        peer.send(&json!({ "type": "res", "id": request.id, "ok": false, "error": error })).await;
    };
    let ask = async {
        let streamed = client.request_streamed("agent", (), Duration::from_secs(5)).await.unwrap();
        streamed.last().await.unwrap_err()
    };
    let (error, ()) = tokio::join!(ask, serve);
    assert_eq!(error.to_string(), "agent failed: INVALID_REQUEST: no");
}

#[tokio::test]
async fn events_reach_every_receiver() {
    let (client, mut peer) = pair().await;
    let (mut one, mut two) = (client.events(), client.events());
    peer.send(&json!({ "type": "event", "event": "tick", "payload": { "ts": 1 }, "seq": 1 })).await;
    assert_eq!(one.recv().await.unwrap().event, "tick");
    assert_eq!(two.recv().await.unwrap().seq, Some(1));
}

#[tokio::test]
async fn no_answer_in_time() {
    let (client, _peer) = pair().await;
    let error = client.request_within("health", (), Duration::from_millis(30)).await.unwrap_err();
    assert_eq!(error.code(), "client.request-timeout");
    assert!(error.to_string().contains("within 30 ms"), "{error}");
}

#[tokio::test]
async fn the_end_is_told_to_those_who_wait() {
    let (client, mut peer) = pair().await;
    let serve = async {
        peer.request().await.unwrap();
        peer.close(1012, "service restart").await;
    };
    let (outcome, ()) = tokio::join!(client.request("health", ()), serve);
    let error = outcome.unwrap_err();
    assert!(matches!(&error, ClientError::Closed { closed, .. } if closed.code == Some(1012)), "{error:?}");
    assert!(error.to_string().contains("service restart"), "{error}");
    assert_eq!(client.closed().await.code, Some(1012));
    assert_eq!(client.request("health", ()).await.unwrap_err().code(), "client.closed");
}

#[tokio::test]
async fn closing_ends_the_socket() {
    let (client, mut peer) = pair().await;
    let serve = async { assert!(peer.request().await.is_none()) };
    tokio::join!(client.close(), serve);
}

#[tokio::test]
async fn dropping_ends_the_socket() {
    let (client, mut peer) = pair().await;
    drop(client);
    assert!(peer.request().await.is_none());
}
