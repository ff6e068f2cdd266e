//! The baseline: an axum WebSocket server that does nothing but answer. `bare-server PORT PAYLOAD_BYTES`.
#![allow(clippy::expect_used, reason = "a baseline that can't start ends here, loudly")]

use axum::Router;
use axum::extract::ws::{Message, Utf8Bytes, WebSocketUpgrade};
use axum::routing::get;

#[tokio::main(worker_threads = 2)]
async fn main() {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<usize>().expect("a number"));
    let port = u16::try_from(args.next().expect("a port")).expect("a port");
    let size = args.next().expect("a size");
    // The shape of a response frame, filled up to the size of the real one.
    let filler = "x".repeat(size.saturating_sub(52));
    let payload =
        Utf8Bytes::from(format!(r#"{{"type":"res","id":"b","ok":true,"payload":{{"x":"{filler}"}}}}"#));
    let app = Router::new().route("/healthz", get(|| async { r#"{"ok":true}"# })).route(
        "/",
        get(move |upgrade: WebSocketUpgrade| {
            let payload = payload.clone();
            async move {
                upgrade.on_upgrade(move |mut socket| async move {
                    while let Some(Ok(message)) = socket.recv().await {
                        if matches!(message, Message::Text(_))
                            && socket.send(Message::Text(payload.clone())).await.is_err()
                        {
                            return;
                        }
                    }
                })
            }
        }),
    );
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
    axum::serve(listener, app).await.expect("serves");
}
