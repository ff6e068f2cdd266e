//! What a web page that the person visits, or a message that a stranger wrote, can't do.

use crate::outside::{Outside, client};
use bulkhead_tests::World;
use futures::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

async fn raw(port: u16, request: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.expect("connect");
    stream.write_all(request.as_bytes()).await.expect("write");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebound_host_and_a_foreign_origin_get_nothing() {
    let outside = Outside::new().await;
    let world = World::new();
    let main = outside.onboard(&world, "main", None, "file");
    let _gateway = main.running(&world).await;

    for host in ["evil.example", "evil.example:80", "127.0.0.1.evil.example"] {
        let answer =
            raw(main.port, &format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{host}: {answer}");
    }
    let mut request = format!("ws://127.0.0.1:{}/", main.port).into_client_request().expect("request");
    request.headers_mut().insert("Origin", "https://evil.example".parse().expect("header"));
    match tokio_tungstenite::connect_async(request).await {
        Err(_) => {}
        Ok((mut socket, _)) => {
            // The socket may open; with this origin nothing but a refusal comes over it.
            let connect = serde_json::json!({ "type": "req", "id": "1", "method": "connect", "params": {
                "minProtocol": 4, "maxProtocol": 4, "role": "operator", "scopes": ["operator.admin"], "caps": [],
                "client": { "id": "cli", "version": "1", "platform": "linux", "mode": "cli" },
                "auth": { "token": main.token } } });
            futures::SinkExt::send(&mut socket, Message::text(connect.to_string())).await.expect("send");
            let mut said = String::new();
            while let Some(Ok(message)) = socket.next().await {
                said.push_str(&message.to_string());
            }
            assert!(!said.contains("hello-ok"), "{said}");
            assert!(said.contains("CONTROL_UI_ORIGIN_NOT_ALLOWED"), "{said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_web_ui_comes_with_its_shields() {
    let outside = Outside::new().await;
    let world = World::new();
    let main = outside.onboard(&world, "main", None, "file");
    let _gateway = main.running(&world).await;
    let page = client().get(format!("http://127.0.0.1:{}/", main.port)).send().await.expect("page");
    assert!(page.status().is_success());
    let header = |name: &str| {
        page.headers().get(name).map(|v| v.to_str().unwrap_or_default().to_owned()).unwrap_or_default()
    };
    let csp = header("content-security-policy");
    for rule in ["default-src 'self'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"] {
        assert!(csp.contains(rule), "{rule} is not in {csp}");
    }
    assert!(!csp.contains("unsafe-eval"), "{csp}");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("referrer-policy"), "no-referrer");
    assert_eq!(header("x-frame-options").to_uppercase(), "DENY");
}
