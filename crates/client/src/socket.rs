//! The two tasks of a connection: one reads, one writes.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_protocol::{EventFrame, Frame, close};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, StreamExt as _};
use tokio::sync::{broadcast, mpsc, watch};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_util::sync::CancellationToken;

use crate::error::Closed;
use crate::handshake::Socket;
use crate::pending::Pending;

/// How long the peer may take for the closing handshake.
const FAREWELL: Duration = Duration::from_secs(2);

/// What both tasks share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) pending: Arc<Pending>,
    pub(crate) events: broadcast::Sender<Arc<EventFrame>>,
    pub(crate) closed: watch::Sender<Option<Closed>>,
    pub(crate) stop: CancellationToken,
}

impl Shared {
    /// The first reason counts.
    fn end(&self, why: Closed) {
        self.closed.send_if_modified(|closed| {
            let first = closed.is_none();
            if first {
                *closed = Some(why);
            }
            first
        });
        self.pending.close();
        self.stop.cancel();
    }
}

pub(crate) fn run(socket: Socket, shared: &Arc<Shared>, queue: mpsc::Receiver<String>, silence: Duration) {
    let (sink, stream) = socket.split();
    tokio::spawn(write(sink, Arc::clone(shared), queue));
    tokio::spawn(read(stream, Arc::clone(shared), silence));
}

async fn write(mut sink: SplitSink<Socket, Message>, shared: Arc<Shared>, mut queue: mpsc::Receiver<String>) {
    let reason = loop {
        tokio::select! {
            biased;
            () = shared.stop.cancelled() => break None,
            next = queue.recv() => {
                let Some(text) = next else { break None };
                tokio::select! {
                    sent = sink.send(Message::text(text)) => if let Err(error) = sent { break Some(error.to_string()) },
                    () = shared.stop.cancelled() => break None,
                }
            }
        }
    };
    let code = shared.closed.borrow().as_ref().and_then(|closed| closed.code);
    let code = if code == Some(close::TICK_TIMEOUT) { close::TICK_TIMEOUT } else { close::NORMAL };
    let farewell = Message::Close(Some(CloseFrame { code: code.into(), reason: "".into() }));
    let _ = tokio::time::timeout(FAREWELL, sink.send(farewell)).await;
    shared.end(Closed { code: None, reason: reason.unwrap_or_else(|| "closed by this program".to_owned()) });
}

async fn read(mut stream: SplitStream<Socket>, shared: Arc<Shared>, silence: Duration) {
    let why = loop {
        let next = tokio::select! {
            next = tokio::time::timeout(silence, stream.next()) => next,
            () = shared.stop.cancelled() => {
                // The writer says goodbye; take the peer's answer, then let go.
                let _ = tokio::time::timeout(FAREWELL, async { while let Some(Ok(_)) = stream.next().await {} }).await;
                break Closed { code: None, reason: "closed by this program".to_owned() };
            }
        };
        match next {
            Err(_) => {
                let reason = format!("no sign of life for {} s", silence.as_secs());
                break Closed { code: Some(close::TICK_TIMEOUT), reason };
            }
            Ok(None) => break Closed { code: None, reason: "the peer went away".to_owned() },
            Ok(Some(Err(error))) => break Closed { code: None, reason: error.to_string() },
            Ok(Some(Ok(Message::Close(frame)))) => {
                break match frame {
                    Some(frame) => {
                        Closed { code: Some(frame.code.into()), reason: frame.reason.as_str().to_owned() }
                    }
                    None => Closed { code: None, reason: "closed without a code".to_owned() },
                };
            }
            Ok(Some(Ok(Message::Text(text)))) => match Frame::parse(text.as_str()) {
                Ok(Frame::Response(frame)) => shared.pending.answer(frame),
                Ok(Frame::Event(frame)) => {
                    // Nobody listening is fine.
                    let _ = shared.events.send(Arc::new(frame));
                }
                Ok(Frame::Request(_)) => {}
                Err(error) => {
                    tracing::warn!(code = error.code(), "the gateway sent a message that is no frame");
                }
            },
            Ok(Some(Ok(_))) => {}
        }
    };
    shared.end(why);
}
