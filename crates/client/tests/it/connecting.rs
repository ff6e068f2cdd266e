use std::time::Duration;

use bulkhead_client::{Auth, Client, ClientError, ConnectOptions, Timeouts};
use bulkhead_protocol::device_auth::DeviceKey;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::gateway::Listener;

const SECRET: &str = "s3cr3t-of-this-test";

fn options(url: &str) -> ConnectOptions {
    ConnectOptions::cli(
        format!("{url}/?token={SECRET}#token={SECRET}"),
        Auth::Token(SecretString::from(SECRET)),
    )
    .with_device(DeviceKey::from_seed(&[3; 32]))
}

async fn refuse(error: Value, close: u16) -> ClientError {
    let gateway = Listener::bind().await;
    let url = gateway.url();
    let serve = async {
        let mut peer = gateway.socket().await;
        let (id, _) = peer.challenge().await;
        peer.send(&json!({ "type": "res", "id": id, "ok": false, "error": error })).await;
        peer.close(close, "no").await;
    };
    let (outcome, ()) = tokio::join!(Client::connect(options(&url)), serve);
    let error = outcome.expect_err("it was refused");
    assert!(!format!("{error} {error:?}").contains(SECRET), "{error:?}");
    error
}

#[tokio::test]
async fn says_who_it_is_and_proves_its_device() {
    let gateway = Listener::bind().await;
    let url = gateway.url();
    let (client, (_peer, connect)) = tokio::join!(Client::connect(options(&url)), gateway.admit());
    let (client, hello) = client.unwrap();
    assert_eq!((hello.server.version.as_str(), client.url()), ("9.9.9", url.as_str()));
    assert_eq!((connect.client.id.as_str(), connect.client.mode.as_str()), ("cli", "cli"));
    assert_eq!((connect.min_protocol, connect.max_protocol), (4, 4));
    assert_eq!(connect.auth.unwrap().token.unwrap().expose_secret(), SECRET);
    assert!(connect.device.is_some());
}

#[tokio::test]
async fn nobody_listens() {
    let url = Listener::bind().await.url();
    let error = Client::connect(options(&url)).await.unwrap_err();
    assert_eq!(error, ClientError::Refused { url: url.clone() });
    assert!(error.to_string().contains("bulkhead gateway run"), "{error}");
}

#[tokio::test]
async fn somebody_else_listens() {
    for (answer, found) in [
        ("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", "404"),
        ("SSH-2.0-OpenSSH_9.6\r\n", "no WebSocket upgrade"),
        ("", "ends during the upgrade"),
    ] {
        let other = Listener::bind().await;
        let url = other.url();
        let serve = async {
            let mut tcp = other.tcp().await;
            let mut request = [0; 2048];
            let _ = tcp.read(&mut request).await;
            tcp.write_all(answer.as_bytes()).await.unwrap();
            let _ = tcp.shutdown().await;
        };
        let (outcome, ()) = tokio::join!(Client::connect(options(&url)), serve);
        let error = outcome.unwrap_err();
        assert_eq!(error.code(), "client.not-a-gateway", "{error}");
        assert!(error.to_string().contains(found), "{error}");
        assert!(!error.to_string().contains(SECRET), "{error}");
    }
}

#[tokio::test]
async fn a_websocket_that_speaks_otherwise() {
    let other = Listener::bind().await;
    let url = other.url();
    let serve = async {
        let mut peer = other.socket().await;
        peer.send(&json!({ "hello": "world" })).await;
        peer
    };
    let (outcome, _peer) = tokio::join!(Client::connect(options(&url)), serve);
    assert_eq!(outcome.unwrap_err().code(), "client.not-a-gateway");
}

#[tokio::test]
async fn too_many_connections() {
    let gateway = Listener::bind().await;
    let url = gateway.url();
    let serve = async {
        let mut tcp = gateway.tcp().await;
        let mut request = [0; 2048];
        let _ = tcp.read(&mut request).await;
        tcp.write_all(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    };
    let (outcome, ()) = tokio::join!(Client::connect(options(&url)), serve);
    assert_eq!(outcome.unwrap_err(), ClientError::Busy { url });
}

#[tokio::test]
async fn the_token_is_wrong() {
    let error = refuse(
        json!({ "code": "INVALID_REQUEST", "message": "unauthorized", "details": { "code": "AUTH_TOKEN_MISMATCH" } }),
        1008,
    )
    .await;
    assert!(
        matches!(&error, ClientError::Unauthorized { code, .. } if code == "AUTH_TOKEN_MISMATCH"),
        "{error:?}"
    );
    assert!(error.is_permanent());
    assert!(error.to_string().contains("--token"), "{error}");
}

#[tokio::test]
async fn the_device_waits_for_approval() {
    let error = refuse(
        json!({
            "code": "NOT_PAIRED", "message": "device pairing required",
            "details": { "code": "PAIRING_REQUIRED", "requestId": "r-1", "reason": "not-paired" },
        }),
        1008,
    )
    .await;
    assert!(
        matches!(&error, ClientError::PairingRequired { request_id: Some(id), .. } if id == "r-1"),
        "{error:?}"
    );
    assert!(!error.is_permanent());
}

#[tokio::test]
async fn the_versions_do_not_meet() {
    let error = refuse(
        json!({
            "code": "INVALID_REQUEST", "message": "protocol mismatch",
            "details": { "code": "PROTOCOL_MISMATCH", "expectedProtocol": 5 },
        }),
        1002,
    )
    .await;
    assert!(error.to_string().contains("version 4, the gateway expects 5"), "{error}");
}

#[tokio::test]
async fn the_gateway_still_starts() {
    let error = refuse(
        json!({ "code": "UNAVAILABLE", "message": "starting", "retryable": true, "retryAfterMs": 500 }),
        1013,
    )
    .await;
    assert!(matches!(error, ClientError::Starting { retry_after_ms: Some(500), .. }), "{error:?}");
}

#[tokio::test]
async fn a_silent_listener_costs_no_more_than_the_patience() {
    let silent = Listener::bind().await;
    let url = silent.url();
    let mut options = options(&url);
    options.timeouts = Timeouts { connect: Duration::from_millis(80), ..Timeouts::default() };
    let (outcome, _tcp) = tokio::join!(Client::connect(options), silent.tcp());
    let error = outcome.unwrap_err();
    assert!(error.to_string().contains("within 80 ms while waiting for the WebSocket upgrade"), "{error}");
}
