//! A gateway of a few lines: it says what a test tells it to say.

use bulkhead_protocol::{ConnectParams, RequestFrame, device_auth};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

pub const NONCE: &str = "nonce-of-the-test";

pub struct Listener {
    tcp: TcpListener,
}

impl Listener {
    pub async fn bind() -> Self {
        Self { tcp: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    pub fn url(&self) -> String {
        format!("ws://{}", self.tcp.local_addr().unwrap())
    }

    pub async fn tcp(&self) -> TcpStream {
        self.tcp.accept().await.unwrap().0
    }

    pub async fn socket(&self) -> Peer {
        let ws = tokio_tungstenite::accept_async(self.tcp().await).await.unwrap();
        Peer { ws }
    }

    /// Upgrades, challenges, and answers `connect` with hello-ok.
    pub async fn admit(&self) -> (Peer, ConnectParams) {
        let mut peer = self.socket().await;
        let (id, connect) = peer.challenge().await;
        peer.send(&json!({ "type": "res", "id": id, "ok": true, "payload": hello() })).await;
        (peer, connect)
    }
}

pub struct Peer {
    ws: WebSocketStream<TcpStream>,
}

impl Peer {
    pub async fn send(&mut self, frame: &Value) {
        self.ws.send(Message::text(frame.to_string())).await.unwrap();
    }

    pub async fn challenge(&mut self) -> (String, ConnectParams) {
        self.send(&json!({
            "type": "event", "event": "connect.challenge", "payload": { "nonce": NONCE, "ts": 1, "capabilities": [] },
        }))
        .await;
        let frame = self.request().await.unwrap();
        assert_eq!(frame.method, "connect");
        let connect = ConnectParams::parse(frame.params.as_deref()).unwrap();
        if let Some(device) = &connect.device {
            device_auth::verify(&connect, device, NONCE, device.signed_at).unwrap();
        }
        (frame.id, connect)
    }

    /// The next request; `None` when the client went away.
    pub async fn request(&mut self) -> Option<RequestFrame> {
        loop {
            match self.ws.next().await {
                Some(Ok(Message::Text(text))) => return Some(RequestFrame::parse(text.as_str()).unwrap()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }

    pub async fn close(mut self, code: u16, reason: &str) {
        let frame = CloseFrame { code: code.into(), reason: reason.to_owned().into() };
        let _ = self.ws.send(Message::Close(Some(frame))).await;
        while let Some(Ok(_)) = self.ws.next().await {}
    }
}

pub fn hello() -> Value {
    json!({
        "type": "hello-ok", "protocol": 4,
        "server": { "version": "9.9.9", "connId": "c" },
        "features": { "methods": ["health"], "events": ["tick"] },
        "snapshot": { "presence": [], "health": {}, "stateVersion": { "presence": 1, "health": 1 }, "uptimeMs": 1 },
        "auth": { "role": "operator", "scopes": ["operator.admin"] },
        "policy": { "maxPayload": 26_214_400, "maxBufferedBytes": 52_428_800, "tickIntervalMs": 30_000 },
    })
}
