//! What goes to a client: responses, events, pings.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use serde::Serialize;

use crate::hub::StateVersion;
use crate::method::Reply;

/// One thing to write.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// A finished response frame.
    Response(String),
    /// A shared event, and its number on this socket.
    Event { event: Arc<EventText>, seq: u64 },
    /// A WebSocket ping.
    Ping,
}

impl Outgoing {
    /// What it weighs in the queue.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Response(text) => text.len(),
            Self::Event { event, .. } => event.len(),
            Self::Ping => 2,
        }
    }
}

/// An event, serialised once for all who see it; only the number differs per socket.
#[derive(Debug)]
pub(crate) struct EventText {
    /// Up to and including the payload.
    head: String,
    /// What follows the number.
    tail: String,
    /// A slow reader may miss it.
    pub(crate) droppable: bool,
}

/// Room for `,"seq":` and the longest number.
const SEQ_ROOM: usize = 27;

impl EventText {
    pub(crate) fn new<T: Serialize + ?Sized>(
        event: &str,
        payload: &T,
        state_version: Option<StateVersion>,
        droppable: bool,
    ) -> Result<Self, serde_json::Error> {
        let mut head = Vec::with_capacity(256);
        head.extend_from_slice(br#"{"type":"event","event":"#);
        serde_json::to_writer(&mut head, event)?;
        head.extend_from_slice(br#","payload":"#);
        serde_json::to_writer(&mut head, payload)?;
        head.shrink_to_fit();
        let tail = match state_version {
            Some(version) => format!(r#","stateVersion":{}}}"#, serde_json::to_string(&version)?),
            None => "}".to_owned(),
        };
        // serde_json writes UTF-8 only.
        let head = String::from_utf8(head).map_err(serde::ser::Error::custom)?;
        Ok(Self { head, tail, droppable })
    }

    pub(crate) fn len(&self) -> usize {
        self.head.len() + self.tail.len() + SEQ_ROOM
    }

    /// The frame text for one socket.
    pub(crate) fn with_seq(&self, seq: u64) -> String {
        let mut text = String::with_capacity(self.len());
        text.push_str(&self.head);
        text.push_str(r#","seq":"#);
        push_number(&mut text, seq);
        text.push_str(&self.tail);
        text
    }

    /// The frame text without a number (`connect.challenge`).
    pub(crate) fn without_seq(&self) -> String {
        format!("{}{}", self.head, self.tail)
    }
}

fn push_number(text: &mut String, number: u64) {
    use std::fmt::Write as _;
    // Writing to a String cannot fail.
    let _ = write!(text, "{number}");
}

/// Builds a response frame without serialising the result a second time.
pub(crate) fn response_frame(id: &str, outcome: Result<&Reply, &ErrorShape>) -> String {
    let body = match outcome {
        Ok(reply) => std::borrow::Cow::Borrowed(reply.as_str()),
        Err(error) => std::borrow::Cow::Owned(serde_json::to_string(error).unwrap_or_else(|_| {
            r#"{"code":"UNAVAILABLE","message":"the error could not be written as JSON; report this"}"#
                .to_owned()
        })),
    };
    let mut frame = Vec::with_capacity(body.len() + id.len() + 48);
    frame.extend_from_slice(br#"{"type":"res","id":"#);
    // Writing a string to a Vec cannot fail.
    let _ = serde_json::to_writer(&mut frame, id);
    frame.extend_from_slice(if outcome.is_ok() {
        br#","ok":true,"payload":"#
    } else {
        br#","ok":false,"error":"#
    });
    frame.extend_from_slice(body.as_bytes());
    frame.push(b'}');
    String::from_utf8(frame).unwrap_or_default()
}
