//! Drives one WebSocket: reads and writes side by side in one task, so that a slow reader is still heard.

use std::borrow::Cow;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bulkhead_protocol::close;
use bytes::Bytes;
use futures::{Sink, SinkExt, Stream};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Sleep;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error};
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::gate::Gate;
use super::outgoing::Outgoing;
use super::queue::{End, Queue};
use crate::limits::Limits;

/// Text that is no UTF-8 (RFC 6455).
const INVALID_PAYLOAD: u16 = 1007;
/// The gateway itself failed (RFC 6455).
pub(crate) const INTERNAL_ERROR: u16 = 1011;
/// Bytes that one read asks the kernel for; also what an idle socket holds.
const READ_BUFFER: usize = 4 * 1024;
/// Bytes gathered before the socket is written to.
const WRITE_BUFFER: usize = 32 * 1024;
/// Frames above this are sent in parts, so that no write buffer grows to the size of the largest answer.
const PART: usize = 256 * 1024;
const PARTS_FROM: usize = 1024 * 1024;
/// What is read and thrown away behind a message that was too large, so that the close frame arrives.
const DISCARD_MAX: usize = 64 * 1024 * 1024;

/// What came in.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A message, text or UTF-8 in a binary frame.
    Text(Utf8Bytes),
    /// A binary message that is no UTF-8.
    NotText,
    /// The peer closed, or is gone.
    Gone,
    /// The connection is to be closed by us.
    End(End),
}

/// A WebSocket and what waits to be written to it.
pub(crate) struct Socket {
    ws: WebSocketStream<Gate<TokioIo<Upgraded>>>,
    queue: Arc<Queue>,
    /// Bytes handed to the WebSocket and not yet to the kernel.
    in_flight: usize,
    parts: Option<Parts>,
    patience: Duration,
    /// When a peer that takes nothing is left, once the end is ordered.
    last_moment: Option<Pin<Box<Sleep>>>,
}

/// A large frame on its way out.
struct Parts {
    rest: Bytes,
    first: bool,
}

impl Socket {
    pub(crate) async fn new(upgraded: Upgraded, queue: Arc<Queue>, limits: &Limits) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(WRITE_BUFFER)
            .max_write_buffer_size(usize::MAX)
            .max_message_size(Some(limits.max_payload))
            .max_frame_size(Some(limits.max_payload));
        let gate = Gate::closed(TokioIo::new(upgraded), limits.pre_auth_payload);
        Self {
            ws: WebSocketStream::from_raw_socket(gate, Role::Server, Some(config)).await,
            queue,
            in_flight: 0,
            parts: None,
            patience: limits.close_patience,
            last_moment: None,
        }
    }

    /// The client is admitted: large messages may come now.
    pub(crate) fn admitted(&mut self) {
        self.ws.get_mut().open();
    }

    /// Writes what waits and returns the next thing that comes in.
    pub(crate) async fn next(&mut self) -> Incoming {
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Incoming> {
        match self.poll_write(cx) {
            Poll::Ready(Ok(end)) => return Poll::Ready(Incoming::End(end)),
            Poll::Ready(Err(_)) => return Poll::Ready(Incoming::Gone),
            Poll::Pending => {}
        }
        // The end is ordered and the peer does not take what still waits: nothing more is heard from it.
        if let Some(end) = self.queue.ordered_end() {
            let patience = self.patience;
            let last = self.last_moment.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
            if end != End::Drop {
                ready!(last.as_mut().poll(cx));
            }
            return Poll::Ready(Incoming::End(End::Drop));
        }
        loop {
            let message = match ready!(Pin::new(&mut self.ws).poll_next(cx)) {
                Some(Ok(message)) => message,
                Some(Err(error)) => return Poll::Ready(self.failed(&error)),
                None => return Poll::Ready(Incoming::Gone),
            };
            self.queue.heard();
            return Poll::Ready(match message {
                Message::Text(text) => Incoming::Text(text),
                Message::Binary(bytes) => match Utf8Bytes::try_from(bytes) {
                    Ok(text) => Incoming::Text(text),
                    Err(_) => Incoming::NotText,
                },
                Message::Close(_) => Incoming::Gone,
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => continue,
            });
        }
    }

    /// Writes until the socket is full or nothing waits. Ready only with the end of the connection.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<End, Error>> {
        loop {
            if self.parts.is_some() || self.in_flight >= WRITE_BUFFER {
                ready!(self.poll_flush(cx))?;
            }
            ready!(Pin::new(&mut self.ws).poll_ready(cx))?;
            if let Some(parts) = &mut self.parts {
                let (message, last) = parts.next();
                if last {
                    self.parts = None;
                }
                Pin::new(&mut self.ws).start_send(message)?;
                continue;
            }
            match self.queue.poll_take(cx) {
                Poll::Ready(Ok(item)) => self.send(item)?,
                Poll::Ready(Err(end)) => {
                    ready!(self.poll_flush(cx))?;
                    return Poll::Ready(Ok(end));
                }
                Poll::Pending => {
                    ready!(self.poll_flush(cx))?;
                    return Poll::Pending;
                }
            }
        }
    }

    fn send(&mut self, item: Outgoing) -> Result<(), Error> {
        self.in_flight += item.len();
        let text = match item {
            Outgoing::Response(text) => text,
            Outgoing::Event { event, seq } => event.with_seq(seq),
            Outgoing::Ping => return Pin::new(&mut self.ws).start_send(Message::Ping(Bytes::new())),
        };
        if text.len() >= PARTS_FROM {
            self.parts = Some(Parts { rest: Bytes::from(text), first: true });
            return Ok(());
        }
        Pin::new(&mut self.ws).start_send(Message::Text(text.into()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        ready!(Pin::new(&mut self.ws).poll_flush(cx))?;
        // A frame in parts counts until its last part has left.
        if self.in_flight > 0 && self.parts.is_none() {
            self.queue.release(std::mem::take(&mut self.in_flight));
        }
        Poll::Ready(Ok(()))
    }

    /// What an error of the WebSocket means for the connection.
    fn failed(&self, error: &Error) -> Incoming {
        let (code, reason) = match error {
            Error::Capacity(CapacityError::MessageTooLong { .. }) => (close::TOO_LARGE, "message too big"),
            Error::Io(_) if self.ws.get_ref().exceeded() => {
                (close::TOO_LARGE, "message too big before connect")
            }
            Error::Utf8(_) => (INVALID_PAYLOAD, "text frames must be UTF-8"),
            Error::Protocol(_) => (close::PROTOCOL_ERROR, "WebSocket protocol error"),
            _ => return Incoming::Gone,
        };
        Incoming::End(End::Close { code, reason: reason.into() })
    }

    /// Ends the connection. What waits is not written any more.
    pub(crate) async fn finish(mut self, end: End) {
        match end {
            End::Drop => {}
            End::Close { code, reason } => {
                let patience = self.patience;
                // A peer that takes nothing gets nothing.
                let _ = tokio::time::timeout(patience, self.close(code, reason)).await;
            }
        }
    }

    async fn close(&mut self, code: u16, reason: Cow<'static, str>) {
        let frame = CloseFrame { code: code.into(), reason: shorten(&reason).into() };
        if self.ws.send(Message::Close(Some(frame))).await.is_err() {
            return;
        }
        if code == close::TOO_LARGE || code == close::PROTOCOL_ERROR || code == INVALID_PAYLOAD {
            // The stream cannot be understood any more. Closing it with bytes unread would reset the connection
            // before the peer has read why.
            self.discard().await;
            return;
        }
        while let Some(Ok(message)) = poll_fn(|cx| Pin::new(&mut self.ws).poll_next(cx)).await {
            if message.is_close() {
                break;
            }
        }
        let _ = self.ws.flush().await;
    }

    async fn discard(&mut self) {
        let stream = self.ws.get_mut();
        stream.open();
        let _ = stream.shutdown().await;
        let mut scratch = [0_u8; 4096];
        let mut total = 0;
        while let Ok(read) = stream.read(&mut scratch).await {
            total += read;
            if read == 0 || total > DISCARD_MAX {
                return;
            }
        }
    }

    /// Answers the peer's close.
    pub(crate) async fn farewell(mut self) {
        let _ = tokio::time::timeout(self.patience, self.ws.flush()).await;
    }

    /// Writes one frame outside the queue and waits until it has left (before the client is admitted).
    pub(crate) async fn say(&mut self, text: String) -> bool {
        self.ws.send(Message::Text(text.into())).await.is_ok()
    }
}

impl Parts {
    fn next(&mut self) -> (Message, bool) {
        let last = self.rest.len() <= PART;
        let part = if last { std::mem::take(&mut self.rest) } else { self.rest.split_to(PART) };
        let opcode = OpCode::Data(if self.first { Data::Text } else { Data::Continue });
        self.first = false;
        (Message::Frame(Frame::message(part, opcode, last)), last)
    }
}

/// A close reason has room for 123 bytes.
fn shorten(reason: &str) -> String {
    let end = (0..=reason.len().min(123)).rev().find(|end| reason.is_char_boundary(*end)).unwrap_or(0);
    reason[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_cut_between_characters() {
        assert_eq!(shorten("short"), "short");
        assert_eq!(shorten(&"a".repeat(200)).len(), 123);
        assert_eq!(shorten(&"é".repeat(100)).len(), 122);
    }

    #[test]
    fn large_frames_leave_in_parts() {
        let text = "x".repeat(PART * 2 + 5);
        let mut parts = Parts { rest: Bytes::from(text), first: true };
        let mut sizes = Vec::new();
        loop {
            let (Message::Frame(frame), last) = parts.next() else { panic!("not a frame") };
            sizes.push((frame.payload().len(), frame.header().opcode, frame.header().is_final));
            if last {
                break;
            }
        }
        assert_eq!(
            sizes,
            [
                (PART, OpCode::Data(Data::Text), false),
                (PART, OpCode::Data(Data::Continue), false),
                (5, OpCode::Data(Data::Continue), true),
            ]
        );
    }
}
