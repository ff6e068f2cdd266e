//! What the transport counts since its start, for metrics. Clones share the counters.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::StatusCode;

/// Counters of one server.
#[derive(Debug, Clone, Default)]
pub struct Traffic(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    /// By the first digit of the status, 1 to 5.
    answers: [AtomicU64; 5],
    sockets: AtomicU64,
    gone: AtomicU64,
    calls: AtomicU64,
    failed_calls: AtomicU64,
    refused: AtomicU64,
}

impl Traffic {
    pub(crate) fn answered(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
        self.0.answers[class].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn admitted(&self) {
        self.0.sockets.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn left(&self) {
        self.0.gone.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refused(&self) {
        self.0.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn called(&self, ok: bool) {
        self.0.calls.fetch_add(1, Ordering::Relaxed);
        if !ok {
            self.0.failed_calls.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// HTTP answers by the first digit of their status (`1xx` to `5xx`).
    pub fn answers(&self) -> [u64; 5] {
        self.0.answers.each_ref().map(|count| count.load(Ordering::Relaxed))
    }

    /// WebSocket connections that were admitted.
    pub fn sockets(&self) -> u64 {
        self.0.sockets.load(Ordering::Relaxed)
    }

    /// Those of them that are open.
    pub fn open(&self) -> u64 {
        let gone = self.0.gone.load(Ordering::Relaxed);
        self.sockets().saturating_sub(gone)
    }

    /// Requests of the protocol that were answered, and how many of them with an error.
    pub fn calls(&self) -> (u64, u64) {
        (self.0.calls.load(Ordering::Relaxed), self.0.failed_calls.load(Ordering::Relaxed))
    }

    /// Attempts to prove oneself that failed, by WebSocket and HTTP.
    pub fn refusals(&self) -> u64 {
        self.0.refused.load(Ordering::Relaxed)
    }
}
