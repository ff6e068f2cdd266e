//! A client that says exactly what it is told: for devices, nodes and what they get wrong.

use bulkhead_protocol::ConnectParams;
use bulkhead_protocol::device_auth::DeviceKey;
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::harness::{Gateway, PATIENCE};

pub struct Wire {
    ws: WebSocketStream<MaybeTlsStream<TcpStream>>,
    next_id: u64,
    passed: Vec<Value>,
}

/// A connect request as a node host sends it.
#[allow(clippy::needless_pass_by_value, reason = "it is made for the call")]
pub fn node(auth: Value, commands: &[&str]) -> Value {
    json!({
        "minProtocol": 4, "maxProtocol": 4,
        "client": {
            "id": "node-host", "displayName": "bench", "version": "9", "platform": "linux", "deviceFamily": "Linux",
            "mode": "node", "instanceId": "11111111-2222-4333-8444-555555555555",
        },
        "caps": ["system"], "commands": commands, "pathEnv": "/usr/bin", "role": "node", "scopes": [], "auth": auth,
    })
}

/// A connect request as an app sends it.
#[allow(clippy::needless_pass_by_value, reason = "it is made for the call")]
pub fn app(auth: Value, scopes: &[&str]) -> Value {
    json!({
        "minProtocol": 4, "maxProtocol": 4,
        "client": {"id": "openclaw-ios", "displayName": "Phone", "version": "9", "platform": "iOS 18.4.0",
            "deviceFamily": "iPhone", "mode": "ui"},
        "role": "operator", "scopes": scopes, "auth": auth,
    })
}

impl Wire {
    /// Connects with a device's proof; the answer to `connect` comes back too.
    pub async fn connect(gateway: &Gateway, key: &DeviceKey, mut params: Value) -> (Self, Value) {
        let (ws, _) = connect_async(format!("ws://127.0.0.1:{}/", gateway.port)).await.unwrap();
        let mut wire = Self { ws, next_id: 0, passed: Vec::new() };
        let challenge = wire.event("connect.challenge").await;
        let parsed: ConnectParams = serde_json::from_value(params.clone()).unwrap();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let proof =
            key.prove(&parsed, challenge["nonce"].as_str().unwrap(), u64::try_from(now.as_millis()).unwrap());
        params["device"] = serde_json::to_value(proof).unwrap();
        let answer = wire.call("connect", params).await;
        (wire, answer)
    }

    /// One that has to come in.
    pub async fn admitted(gateway: &Gateway, key: &DeviceKey, params: Value) -> (Self, Value) {
        let (wire, answer) = Self::connect(gateway, key, params).await;
        assert_eq!(answer["ok"], true, "{answer}");
        (wire, answer["payload"].clone())
    }

    /// Asks, and returns the whole response; events that come before it are kept.
    pub async fn call(&mut self, method: &str, params: Value) -> Value {
        self.next_id += 1;
        let id = format!("w{}", self.next_id);
        let frame = json!({"type": "req", "id": id, "method": method, "params": params});
        self.ws.send(Message::Text(frame.to_string().into())).await.unwrap();
        loop {
            let frame = self.read().await.expect("an answer");
            if frame["type"] == "res" && frame["id"] == id.as_str() {
                return frame;
            }
            self.passed.push(frame);
        }
    }

    /// The payload of a call that has to succeed.
    pub async fn ask(&mut self, method: &str, params: Value) -> Value {
        let answer = self.call(method, params).await;
        assert_eq!(answer["ok"], true, "{method}: {answer}");
        answer["payload"].clone()
    }

    /// The payload of the next event of a name.
    pub async fn event(&mut self, name: &str) -> Value {
        if let Some(at) = self.passed.iter().position(|frame| frame["event"] == name) {
            return self.passed.remove(at)["payload"].clone();
        }
        loop {
            let frame = self.read().await.unwrap_or_else(|code| panic!("closed with {code}, no {name}"));
            if frame["event"] == name {
                return frame["payload"].clone();
            }
            self.passed.push(frame);
        }
    }

    /// Whether an event of a name came that nobody looked at yet, before the last answer.
    pub fn saw(&self, name: &str) -> bool {
        self.passed.iter().any(|frame| frame["event"] == name)
    }

    /// Answers the next request for this node.
    pub async fn answer(&mut self, with: impl FnOnce(&Value) -> Value) -> Value {
        let asked = self.event("node.invoke.request").await;
        let mut result = json!({"id": asked["id"], "nodeId": asked["nodeId"]});
        for (name, value) in with(&asked).as_object().unwrap() {
            result[name] = value.clone();
        }
        self.ask("node.invoke.result", result).await;
        asked
    }

    /// The code that the socket is closed with.
    pub async fn closed(&mut self) -> u16 {
        loop {
            if let Err(code) = self.read().await {
                return code;
            }
        }
    }

    async fn read(&mut self) -> Result<Value, u16> {
        let next = async {
            loop {
                match self.ws.next().await {
                    Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                    Some(Ok(Message::Close(frame))) => {
                        return Err(frame.map_or(1005, |frame| frame.code.into()));
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return Err(1006),
                }
            }
        };
        tokio::time::timeout(PATIENCE, next).await.expect("a frame in time")
    }
}
