//! Sends frames at their pace, with their fault.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt};
use http::{HeaderValue, StatusCode, header};

use super::control::ModelControl;
use super::fault::{Delivery, Fault};

/// One piece of a streamed answer; what it is decides where a fault strikes.
#[derive(Debug, Clone)]
pub(super) enum Frame {
    /// Anything before, between and after.
    Plain(Bytes),
    /// Text of so many characters.
    Text(usize, Bytes),
    /// Part of a tool call's arguments.
    Tool(Bytes),
}

impl Frame {
    fn bytes(self) -> Bytes {
        match self {
            Self::Plain(bytes) | Self::Text(_, bytes) | Self::Tool(bytes) => bytes,
        }
    }
}

/// What a format says when a stream goes bad: a frame that is no JSON, and its error event.
#[derive(Debug, Clone)]
pub(super) struct BadFrames {
    pub(super) no_json: Bytes,
    pub(super) error: Bytes,
}

enum Step {
    /// Before `paced` ones the stream pauses.
    Send {
        bytes: Bytes,
        paced: bool,
    },
    Break,
    Silence,
}

impl From<Frame> for Step {
    fn from(frame: Frame) -> Self {
        let paced = !matches!(frame, Frame::Plain(_));
        Self::Send { bytes: frame.bytes(), paced }
    }
}

/// Cuts `text` into pieces of about `size` characters (default 12).
pub(super) fn pieces(text: &str, size: usize) -> Vec<String> {
    let size = if size == 0 { 12 } else { size };
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(size).map(|piece| piece.iter().collect()).collect()
}

/// Where the fault strikes, decided before the first byte goes out.
fn steps(frames: Vec<Frame>, fault: Option<&Fault>, bad: &BadFrames) -> Vec<Step> {
    let limit = match fault {
        Some(Fault::Cut { after } | Fault::End { after }) => Some(*after),
        Some(Fault::Stall | Fault::BadJson | Fault::StreamError) => Some(1),
        Some(Fault::CutTool) => Some(usize::MAX),
        _ => None,
    };
    let Some(limit) = limit else {
        return frames.into_iter().map(Step::from).collect();
    };
    let mut steps = Vec::new();
    let mut characters = 0;
    let last = frames.len().saturating_sub(1);
    for (index, frame) in frames.into_iter().enumerate() {
        let strikes_after = match &frame {
            Frame::Text(length, _) => {
                if characters >= limit {
                    break;
                }
                characters += length;
                characters >= limit
            }
            Frame::Tool(_) => true,
            // A stream without text or tools still breaks, before its end mark.
            Frame::Plain(_) if index == last => break,
            Frame::Plain(_) => false,
        };
        steps.push(Step::from(frame));
        if strikes_after {
            break;
        }
    }
    match fault {
        Some(Fault::End { .. }) => {}
        Some(Fault::Stall) => steps.push(Step::Silence),
        Some(Fault::BadJson) => steps.push(Step::from(Frame::Plain(bad.no_json.clone()))),
        Some(Fault::StreamError) => steps.push(Step::from(Frame::Plain(bad.error.clone()))),
        _ => steps.push(Step::Break),
    }
    steps
}

/// A streamed answer.
pub(super) fn streamed(
    content_type: &'static str,
    frames: Vec<Frame>,
    delivery: &Delivery,
    bad: &BadFrames,
    control: &ModelControl,
) -> Response {
    let steps = steps(frames, delivery.fault.as_ref(), bad);
    let between = delivery.between;
    let guard = Abandoned { control: control.clone(), left: steps.len() };
    // Nothing is paused for before the first piece of the answer.
    let begun = false;
    let stream =
        stream::unfold((steps.into_iter(), guard, begun), move |(mut steps, mut guard, begun)| async move {
            let step = steps.next()?;
            let mut begins = begun;
            let item = match step {
                Step::Send { bytes, paced } => {
                    if paced && begun {
                        pause(between).await;
                    }
                    begins |= paced;
                    Ok(bytes)
                }
                Step::Break => {
                    // What was sent before must be on its way: the server writes out whenever there is nothing to do.
                    tokio::task::yield_now().await;
                    Err(broken())
                }
                // Silence lasts until the reader goes away.
                Step::Silence => std::future::pending().await,
            };
            guard.left -= 1;
            Some((item, (steps, guard, begins)))
        });
    answer(content_type, stream)
}

/// An answer in one piece.
pub(super) fn whole(body: &serde_json::Value, delivery: &Delivery) -> Response {
    let text = body.to_string();
    match &delivery.fault {
        Some(Fault::Cut { .. } | Fault::CutTool | Fault::End { .. } | Fault::StreamError) => {
            let half = Bytes::from(text.into_bytes()).slice(..10);
            answer("application/json", stream::iter([Ok(half), Err(broken())]))
        }
        Some(Fault::BadJson) => {
            answer("application/json", stream::iter([Ok(Bytes::from_static(b"{\"choices\": [oops"))]))
        }
        Some(Fault::Stall) => {
            let half = Bytes::from(text.into_bytes()).slice(..10);
            answer("application/json", stream::iter([Ok(half)]).chain(stream::pending()))
        }
        _ => answer("application/json", stream::iter([Ok(Bytes::from(text))])),
    }
}

/// Breaks the connection before any answer: the header never comes, because the body fails before it was written out.
pub(super) fn reset() -> Response {
    let mut response = answer("application/json", stream::iter([Err(broken())]));
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("1000"));
    response
}

/// A page where JSON was expected.
pub(super) fn html() -> Response {
    (
        [(header::CONTENT_TYPE, "text/html; charset=utf-8")],
        "<!doctype html><title>Sign in</title><p>Please sign in to the network.</p>",
    )
        .into_response()
}

/// An error answer.
pub(super) fn error(status: u16, retry_after: Option<&str>, body: &serde_json::Value) -> Response {
    let mut response = axum::Json(body).into_response();
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(value) = retry_after.and_then(|value| HeaderValue::from_str(value).ok()) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

/// Sleeps, unless there is nothing to sleep.
pub(super) async fn pause(duration: Duration) {
    if !duration.is_zero() {
        tokio::time::sleep(duration).await;
    }
}

fn answer(
    content_type: &'static str,
    stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
) -> Response {
    let mut response = Body::from_stream(stream).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "the test asked for a broken connection")
}

/// Tells the test when the reader went away before the end.
struct Abandoned {
    control: ModelControl,
    left: usize,
}

impl Drop for Abandoned {
    fn drop(&mut self) {
        if self.left > 0 {
            self.control.count_abandoned();
        }
    }
}

/// Never answers; counts as abandoned when the client goes away.
pub(super) async fn never(control: &ModelControl) -> Infallible {
    let _guard = Abandoned { control: control.clone(), left: 1 };
    std::future::pending().await
}

/// Waits for the test's release; counts as abandoned when the client goes away first.
pub(super) async fn hold(control: &ModelControl) {
    let mut guard = Abandoned { control: control.clone(), left: 1 };
    let _ = control.releases().changed().await;
    guard.left = 0;
}
