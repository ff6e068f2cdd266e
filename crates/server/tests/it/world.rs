//! A server with a small handler, and clients for it.

use std::net::SocketAddr;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};
use bulkhead_protocol::device_auth::DeviceKey;
use bulkhead_server::{
    AuthPolicy, BindOptions, EventHub, Limits, Server, ServerInfo, ServerParts, UiAsset, UiSource,
};
use futures::{SinkExt, StreamExt};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tokio_util::sync::CancellationToken;

use crate::play::{Doorman, Handler};

pub(crate) const TOKEN: &str = "test-token-0123456789";
/// Long enough for a loaded machine, short enough to fail a test.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct World {
    pub(crate) addr: SocketAddr,
    pub(crate) addrs: Vec<SocketAddr>,
    pub(crate) handler: Arc<Handler>,
    pub(crate) doorman: Arc<Doorman>,
    pub(crate) hub: EventHub,
    pub(crate) info: ServerInfo,
    pub(crate) stop: CancellationToken,
    pub(crate) served: tokio::task::JoinHandle<()>,
}

pub(crate) async fn world() -> World {
    world_with(quick(), |_| {}).await
}

/// The real limits, but no waiting for failed attempts.
pub(crate) fn quick() -> Limits {
    Limits { loopback_delay: Duration::ZERO, loopback_delay_max: Duration::ZERO, ..Limits::default() }
}

pub(crate) async fn limited(limits: Limits) -> World {
    world_with(limits, |_| {}).await
}

pub(crate) async fn with_policy(change: impl FnOnce(&mut AuthPolicy)) -> World {
    world_with(quick(), change).await
}

/// A gateway that says which build its web UI is of.
pub(crate) async fn with_build(build: Option<&str>) -> World {
    let bound = Server::bind(BindOptions::loopback(0)).await.unwrap();
    let mut info = ServerInfo::new("1.2.3");
    info.build_id = build.map(str::to_owned);
    let world = begin_as(bound, quick(), |_| {}, UiSource::Embedded(ASSETS), "", routes(), info).await;
    world.info.lifecycle().set_started();
    world
}

static ASSETS: &[UiAsset] = &[
    UiAsset {
        path: "index.html",
        content_type: "text/html; charset=utf-8",
        etag: "\"page\"",
        bytes: b"<!doctype html>the app",
        gzip: None,
        brotli: None,
        immutable: false,
    },
    UiAsset {
        path: "assets/app-1.js",
        content_type: "text/javascript; charset=utf-8",
        etag: "\"app\"",
        bytes: b"plain script",
        gzip: Some(b"gzip script"),
        brotli: Some(b"brotli script"),
        immutable: true,
    },
];

pub(crate) async fn world_with(limits: Limits, change: impl FnOnce(&mut AuthPolicy)) -> World {
    let world = begin(limits, change).await;
    world.info.lifecycle().set_started();
    world
}

/// A world that has not come up yet.
pub(crate) async fn starting() -> World {
    begin(quick(), |_| {}).await
}

pub(crate) async fn with_ui(ui: UiSource) -> World {
    let world = begin_with(quick(), |_| {}, ui, routes()).await;
    world.info.lifecycle().set_started();
    world
}

/// A gateway that brings no routes and no UI.
pub(crate) async fn bare() -> World {
    let world = begin_with(quick(), |_| {}, UiSource::Off, Router::new()).await;
    world.info.lifecycle().set_started();
    world
}

fn routes() -> Router {
    Router::new()
        .route("/v1/models", get(|| async { "models" }))
        .route("/v1/echo", post(|body: Bytes| async move { body.len().to_string() }))
}

async fn begin(limits: Limits, change: impl FnOnce(&mut AuthPolicy)) -> World {
    begin_with(limits, change, UiSource::Embedded(ASSETS), routes()).await
}

/// A server with another web UI, below a path.
pub(crate) async fn with_ui_below(static_ui: UiSource, base: &str) -> World {
    let bound = Server::bind(BindOptions::loopback(0)).await.unwrap();
    begin_on(bound, Limits::default(), |_| {}, static_ui, base, routes()).await
}

/// A server that speaks TLS.
pub(crate) async fn encrypted(config: std::sync::Arc<tokio_rustls::rustls::ServerConfig>) -> World {
    let bound = Server::bind(BindOptions::loopback(0)).await.unwrap().with_tls(config);
    begin_on(bound, Limits::default(), |_| {}, UiSource::Embedded(ASSETS), "", routes()).await
}

async fn begin_with(
    limits: Limits,
    change: impl FnOnce(&mut AuthPolicy),
    static_ui: UiSource,
    http_routes: Router,
) -> World {
    let bound = Server::bind(BindOptions::loopback(0)).await.unwrap();
    begin_on(bound, limits, change, static_ui, "", http_routes).await
}

async fn begin_on(
    bound: bulkhead_server::Bound,
    limits: Limits,
    change: impl FnOnce(&mut AuthPolicy),
    static_ui: UiSource,
    base: &str,
    http_routes: Router,
) -> World {
    begin_as(bound, limits, change, static_ui, base, http_routes, ServerInfo::new("1.2.3")).await
}

#[allow(clippy::unused_async, reason = "it spawns on the runtime of its caller")]
async fn begin_as(
    bound: bulkhead_server::Bound,
    limits: Limits,
    change: impl FnOnce(&mut AuthPolicy),
    static_ui: UiSource,
    base: &str,
    http_routes: Router,
    info: ServerInfo,
) -> World {
    let mut policy = AuthPolicy::token(TOKEN);
    policy.device_token_key = Some(SecretString::from("device-token-key".to_owned()));
    change(&mut policy);
    let handler = Arc::new(Handler {
        release: Notify::new(),
        calls: AtomicUsize::new(0),
        connected: AtomicUsize::new(0),
        disconnected: AtomicUsize::new(0),
    });
    let doorman = Arc::new(Doorman {
        policy: Mutex::new(policy),
        devices: Mutex::default(),
        requests: Mutex::default(),
    });
    let hub = EventHub::new(&limits);
    let parts = ServerParts {
        handler: Arc::clone(&handler) as _,
        authenticator: Arc::clone(&doorman) as _,
        hub: hub.clone(),
        http_routes,
        open_routes: Router::new().route("/open", get(|| async { "open" })),
        static_ui,
        ui_base_path: base.to_owned(),
        limits,
        server_info: info.clone(),
    };
    let stop = CancellationToken::new();
    let addrs = bound.addrs().to_vec();
    let served = tokio::spawn(bound.serve(parts, stop.clone()));
    World { addr: addrs[0], addrs, handler, doorman, hub, info, stop, served }
}

pub(crate) type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A client that says what it is told.
pub(crate) struct Client {
    pub(crate) ws: Stream,
    pub(crate) nonce: String,
    next_id: usize,
}

/// How a socket ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) code: u16,
    pub(crate) reason: String,
}

impl World {
    /// Connects and reads the challenge.
    pub(crate) async fn dial(&self) -> Client {
        self.dial_with(&[]).await.unwrap()
    }

    pub(crate) async fn dial_with(&self, headers: &[(&'static str, &str)]) -> Result<Client, Error> {
        let mut request = format!("ws://{}/any/path", self.addr).into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let (ws, _) = connect_async(request).await?;
        let mut client = Client { ws, nonce: String::new(), next_id: 0 };
        let challenge = client.read().await;
        assert_eq!(challenge["event"], "connect.challenge");
        let nonce = challenge["payload"]["nonce"].as_str().unwrap().to_owned();
        Ok(Client { nonce, ..client })
    }

    /// Connects as a program of this machine with all scopes.
    pub(crate) async fn admin(&self) -> Client {
        self.operator(&["operator.admin"]).await
    }

    pub(crate) async fn operator(&self, scopes: &[&str]) -> Client {
        let mut client = self.dial().await;
        let mut params = cli();
        params["scopes"] = json!(scopes);
        let hello = client.request("connect", params).await;
        assert_eq!(hello["ok"], true, "{hello}");
        client
    }

    /// One connect request; the error and the end of the socket.
    pub(crate) async fn refused(&self, params: Value) -> (Value, End) {
        let mut client = self.dial().await;
        client.refused(params).await
    }

    pub(crate) async fn device_connect(&self, key: &DeviceKey, mut params: Value) -> (Value, Client) {
        let mut client = self.dial().await;
        sign(key, &mut params, &client.nonce);
        let answer = client.request("connect", params).await;
        (answer, client)
    }
}

impl Client {
    pub(crate) async fn send(&mut self, frame: &Value) {
        self.send_text(frame.to_string()).await;
    }

    pub(crate) async fn send_text(&mut self, text: impl Into<String>) {
        self.ws.send(Message::Text(text.into().into())).await.unwrap();
    }

    /// The next frame, events too.
    pub(crate) async fn read(&mut self) -> Value {
        match tokio::time::timeout(PATIENCE, self.next()).await.expect("a frame in time") {
            Ok(frame) => frame,
            Err(end) => panic!("the socket ended: {end:?}"),
        }
    }

    async fn next(&mut self) -> Result<Value, End> {
        loop {
            match self.ws.next().await {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => return Err(end(frame)),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(End { code: 1006, reason: error.to_string() }),
                None => return Err(End { code: 1006, reason: "stream ended".into() }),
            }
        }
    }

    /// The next response to `id`, events passed over.
    pub(crate) async fn response(&mut self, id: &str) -> Value {
        loop {
            let frame = self.read().await;
            if frame["type"] == "res" && frame["id"] == id {
                return frame;
            }
        }
    }

    /// The next event of a name.
    pub(crate) async fn event(&mut self, name: &str) -> Value {
        loop {
            let frame = self.read().await;
            if frame["event"] == name {
                return frame;
            }
        }
    }

    pub(crate) async fn ask(&mut self, method: &str, params: Value) -> String {
        self.next_id += 1;
        let id = format!("r{}", self.next_id);
        self.send(&json!({ "type": "req", "id": id, "method": method, "params": params })).await;
        id
    }

    pub(crate) async fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.ask(method, params).await;
        self.response(&id).await
    }

    /// Reads until the socket ends.
    pub(crate) async fn end(&mut self) -> End {
        tokio::time::timeout(PATIENCE, async {
            loop {
                if let Err(end) = self.next().await {
                    return end;
                }
            }
        })
        .await
        .expect("the socket ends in time")
    }

    pub(crate) async fn refused(&mut self, params: Value) -> (Value, End) {
        let answer = self.request("connect", params).await;
        assert_eq!(answer["ok"], false, "{answer}");
        (answer["error"].clone(), self.end().await)
    }
}

fn end(frame: Option<CloseFrame>) -> End {
    frame.map_or(End { code: 1005, reason: String::new() }, |frame| End {
        code: frame.code.into(),
        reason: frame.reason.to_string(),
    })
}

/// A connect of the command line with the right token.
pub(crate) fn cli() -> Value {
    json!({
        "minProtocol": 4, "maxProtocol": 4,
        "client": { "id": "cli", "version": "1", "platform": "linux", "mode": "cli" },
        "role": "operator", "scopes": ["operator.read"],
        "auth": { "token": TOKEN },
    })
}

/// A connect of a client with a person in front of it.
pub(crate) fn ui() -> Value {
    let mut params = cli();
    params["client"]["id"] = "openclaw-control-ui".into();
    params["client"]["mode"] = "webchat".into();
    params
}

/// Signs a connect request as a device does.
pub(crate) fn sign(key: &DeviceKey, params: &mut Value, nonce: &str) {
    sign_at(key, params, nonce, now_ms());
}

pub(crate) fn sign_at(key: &DeviceKey, params: &mut Value, nonce: &str, signed_at: u64) {
    let parsed: bulkhead_protocol::ConnectParams = serde_json::from_value(params.clone()).unwrap();
    params["device"] = serde_json::to_value(key.prove(&parsed, nonce, signed_at)).unwrap();
}

pub(crate) fn now_ms() -> u64 {
    u64::try_from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis())
        .unwrap()
}
