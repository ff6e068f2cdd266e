//! The three frames.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::connect::snapshot::StateVersion;
use crate::{ErrorShape, limits};

/// `{"type":"req"}`: a client asks.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", rename = "req")]
pub struct RequestFrame {
    /// Chosen by the client; the response carries it.
    pub id: String,
    /// What is asked.
    pub method: String,
    /// Parameters, not looked at yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Box<RawValue>>,
}

/// `{"type":"res"}`: a gateway answers. `agent` is answered twice under one id.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", rename = "res")]
pub struct ResponseFrame {
    /// The id of the request.
    pub id: String,
    /// Yes or no.
    pub ok: bool,
    /// The result, when `ok`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Box<RawValue>>,
    /// The reason, when not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorShape>,
}

/// `{"type":"event"}`: a gateway tells.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", rename = "event")]
pub struct EventFrame {
    /// The event's name.
    pub event: String,
    /// What it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Box<RawValue>>,
    /// Counts from 1 per socket; a gap means that events were dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// Versions of presence and health, with events that change them.
    #[serde(default, rename = "stateVersion", skip_serializing_if = "Option::is_none")]
    pub state_version: Option<StateVersion>,
}

impl RequestFrame {
    /// Reads a request and checks id and method.
    ///
    /// ```
    /// use bulkhead_protocol::{FrameError, RequestFrame};
    /// assert!(RequestFrame::parse(r#"{"type":"req","id":"1","method":"health"}"#).is_ok());
    /// assert!(matches!(RequestFrame::parse("hello"), Err(FrameError::NotJson { .. })));
    /// assert!(matches!(RequestFrame::parse(r#"{"type":"res","id":"1","ok":true}"#), Err(FrameError::NotARequest { .. })));
    /// assert!(matches!(RequestFrame::parse(r#"{"type":"res","id":"1","method":"x"}"#), Err(FrameError::NotARequest { .. })));
    /// ```
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        // A struct's `tag` is written by serde and not looked at when reading.
        let kind = serde_json::from_str::<Head<'_>>(text).ok().map(|head| head.kind);
        match serde_json::from_str::<Self>(text) {
            Ok(_) if kind.as_deref() != Some("req") => Err(FrameError::request("type", "\"req\"")),
            Ok(frame) if frame.id.is_empty() => Err(FrameError::request("id", "a text that is not empty")),
            Ok(frame) if frame.method.is_empty() => {
                Err(FrameError::request("method", "a text that is not empty"))
            }
            Ok(frame) => Ok(frame),
            Err(error) if error.is_syntax() || error.is_eof() => {
                Err(FrameError::NotJson { problem: error.to_string() })
            }
            Err(error) => Err(FrameError::NotARequest { problem: error.to_string() }),
        }
    }
}

/// A frame of any kind, as a client reads it.
#[derive(Debug, Clone)]
pub enum Frame {
    /// A request.
    Request(RequestFrame),
    /// A response.
    Response(ResponseFrame),
    /// An event.
    Event(EventFrame),
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
}

impl Frame {
    /// Reads a frame of any kind.
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        if text.len() > limits::MAX_PAYLOAD {
            return Err(FrameError::TooLarge { found: text.len(), limit: limits::MAX_PAYLOAD });
        }
        let not_json = |error: serde_json::Error| {
            if error.is_data() {
                FrameError::NotAFrame { problem: error.to_string() }
            } else {
                FrameError::NotJson { problem: error.to_string() }
            }
        };
        let head: Head<'_> = serde_json::from_str(text).map_err(not_json)?;
        match head.kind.as_ref() {
            "req" => serde_json::from_str(text).map(Self::Request).map_err(not_json),
            "res" => serde_json::from_str(text).map(Self::Response).map_err(not_json),
            "event" => serde_json::from_str(text).map(Self::Event).map_err(not_json),
            other => Err(FrameError::NotAFrame {
                problem: format!(
                    "found type {:?}, expected req, res or event",
                    other.chars().take(40).collect::<String>()
                ),
            }),
        }
    }
}

/// Why a text is no frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Not JSON at all.
    #[error("the frame is not JSON ({problem}); send one JSON object per message")]
    NotJson {
        /// Where and why.
        problem: String,
    },
    /// JSON, but no request.
    #[error("the frame is no request ({problem}); expected {{type:\"req\", id, method, params?}}")]
    NotARequest {
        /// Where and why.
        problem: String,
    },
    /// JSON, but no frame.
    #[error("the message is no frame of the gateway protocol ({problem})")]
    NotAFrame {
        /// Where and why.
        problem: String,
    },
    /// Larger than agreed.
    #[error("the frame has {found} bytes; at most {limit} are allowed")]
    TooLarge {
        /// Its size.
        found: usize,
        /// The bound.
        limit: usize,
    },
}

impl FrameError {
    fn request(field: &str, expected: &str) -> Self {
        Self::NotARequest { problem: format!("at {field}: expected {expected}") }
    }

    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotJson { .. } => "frame.not-json",
            Self::NotARequest { .. } => "frame.not-a-request",
            Self::NotAFrame { .. } => "frame.not-a-frame",
            Self::TooLarge { .. } => "frame.too-large",
        }
    }
}
