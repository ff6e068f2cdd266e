//! From an open stream to `hello-ok`.

use std::time::{SystemTime, UNIX_EPOCH};

use bulkhead_protocol::{
    Challenge, ConnectAuth, ConnectClient, ConnectParams, Frame, HelloOk, PROTOCOL_VERSION, RequestFrame,
    limits,
};
use futures::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

use crate::error::Closed;
use crate::stream::{self, Wire};
use crate::{Auth, ClientError, ConnectOptions, GatewayUrl, options};

pub(crate) type Socket = WebSocketStream<Box<dyn Wire>>;

/// The id of the `connect` request; ids of later requests are numbers.
const CONNECT_ID: &str = "connect";

pub(crate) async fn connect(
    url: &GatewayUrl,
    options: &ConnectOptions,
) -> Result<(Socket, HelloOk), ClientError> {
    let mut step = "opening the connection";
    let patience = options.timeouts.connect;
    match tokio::time::timeout(patience, run(url, options, &mut step)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(ClientError::ConnectTimeout { url: url.to_string(), step, after: patience }),
    }
}

async fn run(
    url: &GatewayUrl,
    options: &ConnectOptions,
    step: &mut &'static str,
) -> Result<(Socket, HelloOk), ClientError> {
    let wire = stream::open(url, options.through, options.tls_fingerprint).await?;
    *step = "waiting for the WebSocket upgrade";
    let mut socket = upgrade(url, wire).await?;
    *step = "waiting for the gateway's challenge";
    let challenge = challenge(url, &mut socket).await?;
    *step = "waiting for hello-ok";
    let params = params(options, &challenge);
    let request = RequestFrame {
        id: CONNECT_ID.to_owned(),
        method: "connect".to_owned(),
        params: serde_json::value::to_raw_value(&params).ok(),
    };
    let text = serde_json::to_string(&request).map_err(|error| ClientError::Unsendable {
        method: "connect".to_owned(),
        problem: error.to_string(),
    })?;
    socket.send(Message::text(text)).await.map_err(|error| broken(url, &error))?;
    let hello = hello(url, &mut socket).await?;
    Ok((socket, hello))
}

pub(crate) async fn upgrade(url: &GatewayUrl, wire: Box<dyn Wire>) -> Result<Socket, ClientError> {
    let request = url
        .to_string()
        .into_client_request()
        .map_err(|error| ClientError::BadUrl { found: url.to_string(), problem: error.to_string() })?;
    let config = WebSocketConfig::default()
        .read_buffer_size(16 * 1024)
        .max_message_size(Some(limits::MAX_PAYLOAD))
        .max_frame_size(Some(limits::MAX_PAYLOAD));
    let not_a_gateway = |found: String| ClientError::NotAGateway { url: url.to_string(), found };
    match tokio_tungstenite::client_async_with_config(request, wire, Some(config)).await {
        Ok((socket, _)) => Ok(socket),
        Err(WsError::Http(response)) if response.status().as_u16() == 503 => {
            Err(ClientError::Busy { url: url.to_string() })
        }
        Err(WsError::Http(response)) => Err(not_a_gateway(format!(
            "an HTTP server that answers {} to a WebSocket upgrade",
            response.status()
        ))),
        Err(WsError::Io(_) | WsError::Protocol(ProtocolError::HandshakeIncomplete)) => {
            Err(not_a_gateway("a connection that ends during the upgrade".to_owned()))
        }
        Err(error) => Err(not_a_gateway(format!("an answer that is no WebSocket upgrade ({error})"))),
    }
}

pub(crate) async fn challenge(url: &GatewayUrl, socket: &mut Socket) -> Result<Challenge, ClientError> {
    let not_a_gateway =
        |found: &str| ClientError::NotAGateway { url: url.to_string(), found: found.to_owned() };
    let Some(text) = next_text(url, socket).await? else {
        return Err(not_a_gateway("a WebSocket server that closes the connection at once"));
    };
    match Frame::parse(&text) {
        Ok(Frame::Event(frame)) if frame.event == "connect.challenge" => frame
            .payload
            .and_then(|payload| serde_json::from_str(payload.get()).ok())
            .ok_or_else(|| not_a_gateway("a connect.challenge without a nonce")),
        Ok(_) | Err(_) => {
            Err(not_a_gateway("a WebSocket server whose first message is no connect.challenge"))
        }
    }
}

async fn hello(url: &GatewayUrl, socket: &mut Socket) -> Result<HelloOk, ClientError> {
    let bad =
        |problem: String| ClientError::BadAnswer { method: "connect".into(), url: url.to_string(), problem };
    while let Some(text) = next_text(url, socket).await? {
        match Frame::parse(&text).map_err(|error| bad(error.to_string()))? {
            Frame::Response(frame) if frame.id == CONNECT_ID => {
                if let Some(error) = frame.error {
                    return Err(ClientError::from_refusal(&url.to_string(), error));
                }
                let payload = frame.payload.ok_or_else(|| bad("it is empty".to_owned()))?;
                return serde_json::from_str(payload.get()).map_err(|error| bad(error.to_string()));
            }
            // Events may come before hello-ok; nobody listens yet.
            Frame::Event(_) | Frame::Response(_) | Frame::Request(_) => {}
        }
    }
    let closed = Closed { code: None, reason: "it ended before hello-ok".to_owned() };
    Err(ClientError::Closed { url: url.to_string(), closed })
}

/// The next text message; `None` when the peer closed without saying why.
pub(crate) async fn next_text(url: &GatewayUrl, socket: &mut Socket) -> Result<Option<String>, ClientError> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return Ok(Some(text.as_str().to_owned())),
            Some(Ok(Message::Close(Some(frame)))) => {
                let closed =
                    Closed { code: Some(frame.code.into()), reason: frame.reason.as_str().to_owned() };
                return Err(ClientError::Closed { url: url.to_string(), closed });
            }
            Some(Ok(Message::Close(None))) | None => return Ok(None),
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(broken(url, &error)),
        }
    }
}

pub(crate) fn broken(url: &GatewayUrl, error: &WsError) -> ClientError {
    ClientError::Closed { url: url.to_string(), closed: Closed { code: None, reason: error.to_string() } }
}

fn params(options: &ConnectOptions, challenge: &Challenge) -> ConnectParams {
    let (platform, family) = options::platform();
    let identity = &options.identity;
    let auth = match options.auth.clone() {
        Auth::None => None,
        Auth::Token(token) => Some(ConnectAuth { token: Some(token), ..ConnectAuth::default() }),
        Auth::Password(password) => Some(ConnectAuth { password: Some(password), ..ConnectAuth::default() }),
        Auth::DeviceToken(token) => Some(ConnectAuth { device_token: Some(token), ..ConnectAuth::default() }),
    };
    let mut params = ConnectParams {
        min_protocol: options.min_protocol,
        max_protocol: PROTOCOL_VERSION,
        client: ConnectClient {
            id: identity.id,
            display_name: identity.display_name.clone(),
            version: identity.version.clone(),
            build_id: None,
            platform: platform.to_owned(),
            device_family: Some(family.to_owned()),
            model_identifier: None,
            time_zone: None,
            mode: identity.mode,
            instance_id: identity.instance_id.clone(),
        },
        caps: options.caps.clone(),
        commands: options.commands.clone(),
        permissions: None,
        path_env: None,
        role: Some(if options.commands.is_some() { "node" } else { "operator" }.to_owned()),
        scopes: Some(options.scopes.iter().map(|scope| scope.as_str().to_owned()).collect()),
        device: None,
        auth,
        locale: None,
        user_agent: None,
    };
    if let Some(key) = &options.device {
        params.device = Some(key.prove(&params, &challenge.nonce, now_ms()));
    }
    params
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
