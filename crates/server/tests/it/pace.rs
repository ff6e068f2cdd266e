//! How quick an answer from memory is, beside a bare axum WebSocket server that sends as many bytes.
//! Measures, so it is run by hand: `cargo test -p bulkhead-server --test it -- --ignored --nocapture --test-threads=1`.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::extract::ws::{Message as AxumMessage, WebSocketUpgrade};
use futures::{SinkExt, StreamExt};
use serde_json::json;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::world::{Stream, cli, world};

const CLIENTS: usize = 100;
const ROUNDS: usize = 200;

/// Answers per second over all clients.
async fn pace(clients: Vec<Stream>) -> f64 {
    let request = Message::Text(json!({ "type": "req", "id": "1", "method": "health" }).to_string().into());
    let begin = Instant::now();
    let running: Vec<_> = clients
        .into_iter()
        .map(|mut ws| {
            let request = request.clone();
            tokio::spawn(async move {
                for _ in 0..ROUNDS {
                    ws.send(request.clone()).await.unwrap();
                    while !matches!(ws.next().await.unwrap().unwrap(), Message::Text(_)) {}
                }
            })
        })
        .collect();
    for client in running {
        client.await.unwrap();
    }
    #[allow(clippy::cast_precision_loss)]
    let answers = (CLIENTS * ROUNDS) as f64;
    answers / begin.elapsed().as_secs_f64()
}

async fn bare(size: usize) -> SocketAddr {
    let payload: axum::extract::ws::Utf8Bytes = "x".repeat(size).into();
    let upgrade = move |ws: WebSocketUpgrade| {
        let payload = payload.clone();
        async move {
            ws.on_upgrade(move |mut socket| async move {
                while let Some(Ok(AxumMessage::Text(_))) = socket.recv().await {
                    if socket.send(AxumMessage::Text(payload.clone())).await.is_err() {
                        return;
                    }
                }
            })
        }
    };
    let app = axum::Router::new().route("/", axum::routing::any(upgrade));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    addr
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn health_at_a_hundred_connections() {
    let world = world().await;
    let mut size = 0;
    let mut ours = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = world.dial().await;
        client.request("connect", cli()).await;
        size = client.request("health", json!(null)).await.to_string().len();
        ours.push(client.ws);
    }
    let bare = bare(size).await;
    let mut theirs = Vec::new();
    for _ in 0..CLIENTS {
        theirs.push(connect_async(format!("ws://{bare}/")).await.unwrap().0);
    }
    let theirs = pace(theirs).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let ours = pace(ours).await;
    println!("bare {theirs:.0}/s, ours {ours:.0}/s: {:.0} %", ours / theirs * 100.0);
    assert!(ours >= theirs / 2.0);
}

/// Resident bytes of this process.
#[cfg(target_os = "linux")]
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn memory_of_a_thousand_idle_connections() {
    let world = world().await;
    let frame = json!({ "type": "req", "id": "1", "method": "connect", "params": cli() }).to_string();
    let mut open = Vec::new();
    let mut before = 0;
    for n in 0..1100 {
        if n == 100 {
            before = resident();
        }
        let mut stream = crate::abuse::upgraded(&world).await;
        crate::abuse::send_masked(&mut stream, frame.as_bytes()).await;
        open.push(stream);
        while world.hub.len() <= n {
            tokio::task::yield_now().await;
        }
    }
    let each = (resident() - before) / 1000;
    println!("{each} bytes per connection, both ends");
    assert!(each < 32 * 1024);
}
