//! The byte stream below a WebSocket: lets only so much in before the client is admitted.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Room for frame headers and control frames beside the one message that a client sends before it is admitted.
const FRAMING: usize = 4096;

/// A stream with a budget for reading.
#[derive(Debug)]
pub(crate) struct Gate<S> {
    inner: S,
    budget: Option<usize>,
    exceeded: bool,
}

impl<S> Gate<S> {
    /// Lets about `payload` bytes in.
    pub(crate) fn closed(inner: S, payload: usize) -> Self {
        Self { inner, budget: Some(payload + FRAMING), exceeded: false }
    }

    /// Lets everything in from now on.
    pub(crate) fn open(&mut self) {
        self.budget = None;
    }

    /// Whether more came than was let in.
    pub(crate) fn exceeded(&self) -> bool {
        self.exceeded
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gate<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.budget == Some(0) {
            this.exceeded = true;
            return Poll::Ready(Err(io::Error::other(
                "more bytes than a socket may send before it is admitted",
            )));
        }
        let before = buf.filled().len();
        let poll = Pin::new(&mut this.inner).poll_read(cx, buf);
        if let Some(budget) = &mut this.budget {
            *budget = budget.saturating_sub(buf.filled().len() - before);
        }
        poll
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gate<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}
