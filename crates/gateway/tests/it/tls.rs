//! A gateway with a certificate of its own, and clients that pin it.

use bulkhead_client::{Auth, Client, ClientError, ConnectOptions, Fingerprint};
use serde_json::json;

use crate::harness::{TOKEN, World};

#[tokio::test]
async fn a_pinned_certificate_is_taken_and_another_one_is_not() {
    let world = World::new().await;
    let mut config = world.config();
    config["gateway"]["tls"]["enabled"] = json!(true);
    world.write_config(&config);
    let gateway = world.start().await;
    let pem = std::fs::read(world.place().certificate_path()).unwrap();
    let own = Fingerprint::of_pem(&pem).unwrap();
    let connect = async |url: String, pin: Option<Fingerprint>| {
        let options = ConnectOptions::cli(url, Auth::Token(TOKEN.to_owned().into())).pinned_to(pin);
        Client::connect(options).await
    };
    let url = |scheme: &str| format!("{scheme}://localhost:{}", gateway.port);

    let (client, hello) = connect(url("wss"), Some(own)).await.unwrap();
    assert!(!hello.auth.scopes.is_empty());
    client.request("health", json!({})).await.unwrap();
    client.close().await;

    let other = Fingerprint::of(b"another certificate");
    let refused = connect(url("wss"), Some(other)).await.unwrap_err();
    assert_eq!(
        refused,
        ClientError::OtherCertificate { url: url("wss"), expected: other, found: own },
        "both are told: {refused}"
    );
    let unknown = connect(url("wss"), None).await.unwrap_err();
    assert_eq!(unknown.code(), "client.tls", "nobody vouches for it: {unknown}");
    let plain = connect(url("ws"), Some(own)).await.unwrap_err();
    assert_eq!(plain.code(), "client.not-encrypted");
    // Programs of this machine find it as ever.
    assert!(connect(url("ws"), None).await.is_ok());
    assert_eq!(gateway.get("/healthz").await["ok"], true);
}
