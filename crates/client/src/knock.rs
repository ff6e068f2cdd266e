//! A look at the door: does a gateway speak the protocol there? Without any credential, and without a session.

use std::time::Duration;

use bulkhead_protocol::{Frame, RequestFrame};
use futures::SinkExt as _;
use tokio_tungstenite::tungstenite::Message;

use crate::{ClientError, GatewayUrl, handshake, stream};

/// Opens the WebSocket and waits for the challenge. With `ask` it also says something that is no `connect`, and waits
/// for the refusal: the whole way through the gateway and back, which counts nowhere as a failed login.
pub async fn knock(url: &GatewayUrl, ask: bool, patience: Duration) -> Result<(), ClientError> {
    let mut step = "opening the connection";
    match tokio::time::timeout(patience, run(url, ask, &mut step)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(ClientError::ConnectTimeout { url: url.to_string(), step, after: patience }),
    }
}

async fn run(url: &GatewayUrl, ask: bool, step: &mut &'static str) -> Result<(), ClientError> {
    let wire = stream::open(url, None, None).await?;
    *step = "waiting for the WebSocket upgrade";
    let mut socket = handshake::upgrade(url, wire).await?;
    *step = "waiting for the gateway's challenge";
    handshake::challenge(url, &mut socket).await?;
    if ask {
        *step = "waiting for a refusal";
        let request = RequestFrame { id: "knock".to_owned(), method: "health".to_owned(), params: None };
        let text = serde_json::to_string(&request).map_err(|error| ClientError::Unsendable {
            method: "health".to_owned(),
            problem: error.to_string(),
        })?;
        socket.send(Message::text(text)).await.map_err(|error| handshake::broken(url, &error))?;
        match handshake::next_text(url, &mut socket).await {
            // A refusal in words, or by closing: both are well-formed.
            Ok(None) | Err(ClientError::Closed { .. }) => return Ok(()),
            Ok(Some(text)) => {
                if !matches!(Frame::parse(&text), Ok(Frame::Response(_) | Frame::Event(_))) {
                    let found = "a WebSocket server that answers with something else".to_owned();
                    return Err(ClientError::NotAGateway { url: url.to_string(), found });
                }
            }
            Err(error) => return Err(error),
        }
    }
    let _ = socket.close(None).await;
    Ok(())
}
