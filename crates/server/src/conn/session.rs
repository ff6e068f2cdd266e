//! The life of one WebSocket, from the upgrade to the last frame.

use std::sync::Arc;

use hyper::upgrade::Upgraded;

use super::handshake::{self, Outcome};
use super::request::Requests;
use super::socket::{Incoming, Socket};
use crate::http::upgrade::Visitor;
use crate::serve::Shared;

/// Runs a connection to its end.
pub(crate) async fn run(shared: Arc<Shared>, upgraded: Upgraded, visitor: Visitor) {
    let queue = shared.hub.new_queue();
    let mut socket = Socket::new(upgraded, Arc::clone(&queue), &shared.limits).await;

    // Boxed: the handshake's state is large, and gone when the session begins.
    let admitted = match Box::pin(handshake::run(&shared, &mut socket, &queue, visitor)).await {
        Outcome::Admitted(admitted) => admitted,
        Outcome::Refused(end) => return socket.finish(end).await,
        Outcome::Gone => return socket.farewell().await,
    };
    socket.admitted();
    let place = admitted.place;
    let conn = admitted.conn;
    let mut setup_id = admitted.setup_id;
    let requests = Requests::new(Arc::clone(&shared), Arc::clone(&conn), queue);
    let end = loop {
        match socket.next().await {
            Incoming::Text(text) => {
                // Whoever asks something has its `hello-ok`, and the tokens in it.
                if let Some(setup_id) = setup_id.take() {
                    shared.authenticator.setup_ended(&setup_id, true);
                }
                requests.take(&text);
            }
            Incoming::NotText => requests.take_binary(),
            Incoming::Gone => break None,
            Incoming::End(end) => break Some(end),
        }
    };
    if let Some(setup_id) = setup_id {
        shared.authenticator.setup_ended(&setup_id, false);
    }
    drop(admitted.membership);
    shared.handler.on_disconnect(&conn);
    shared.info.traffic().left();
    tracing::debug!(conn = %conn.id, client = %conn.client.id, ?end, "disconnected");
    match end {
        None => socket.farewell().await,
        Some(end) => socket.finish(end).await,
    }
    drop(place);
}
