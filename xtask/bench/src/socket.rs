//! The shortest client that can measure: raw HTTP for health, one WebSocket per connection.

use anyhow::{Context, Result, bail};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

/// A WebSocket to a gateway or to the baseline.
pub type Socket = WebSocketStream<TcpStream>;

/// Waits until `/healthz` answers 200.
pub async fn healthy(port: u16, limit: Duration) -> Result<()> {
    let deadline = Instant::now() + limit;
    while Instant::now() < deadline {
        if health_once(port).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
    bail!("nothing healthy on port {port} within {limit:?}")
}

async fn health_once(port: u16) -> Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let request = format!("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut head = [0_u8; 12];
    stream.read_exact(&mut head).await?;
    anyhow::ensure!(&head == b"HTTP/1.1 200", "not healthy");
    Ok(())
}

/// Opens a WebSocket without any protocol on it.
pub async fn open(port: u16) -> Result<Socket> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let (socket, _) = client_async(format!("ws://127.0.0.1:{port}/"), stream).await?;
    Ok(socket)
}

/// Opens a WebSocket and says hello by protocol v4.
pub async fn hello(port: u16, token: &str) -> Result<Socket> {
    let mut socket = open(port).await?;
    next_text(&mut socket).await.context("no challenge")?;
    let connect = json!({ "type": "req", "id": "hello", "method": "connect", "params": {
        "minProtocol": 4, "maxProtocol": 4,
        "client": { "id": "gateway-client", "version": "0.1.0", "platform": "linux", "mode": "backend" },
        "role": "operator", "scopes": ["operator.read", "operator.write"], "caps": [], "auth": { "token": token },
    }});
    socket.send(Message::text(connect.to_string())).await?;
    loop {
        let text = next_text(&mut socket).await?;
        let frame: Value = serde_json::from_str(&text)?;
        if frame["id"] == "hello" {
            anyhow::ensure!(frame["ok"] == true, "the gateway refused: {text}");
            return Ok(socket);
        }
    }
}

/// The next text message; pings answer themselves.
pub async fn next_text(socket: &mut Socket) -> Result<String> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return Ok(text.to_string()),
            Some(Ok(Message::Close(frame))) => bail!("closed: {frame:?}"),
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(error.into()),
            None => bail!("closed"),
        }
    }
}

/// Sends one request and waits for its answer; events in between are skipped.
pub async fn request(socket: &mut Socket, frame: &str, marker: &str) -> Result<usize> {
    socket.send(Message::text(frame)).await?;
    loop {
        let text = next_text(socket).await?;
        if text.starts_with(marker) {
            return Ok(text.len());
        }
    }
}
