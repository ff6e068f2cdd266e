//! The text of a run as it grows, and what of it was told.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::events::RunEvent;

/// Between what is said before and after a tool call.
pub(super) const PARAGRAPH: &str = "\n\n";

/// The answer's text as it grows.
#[derive(Default)]
pub(super) struct Text {
    /// Everything of this run.
    pub(super) all: String,
    /// Where the turn in progress begins in `all`.
    pub(super) turn_from: usize,
    /// How much of `all` was sent.
    pub(super) sent: usize,
    /// When.
    pub(super) flushed: Option<Instant>,
}

impl Text {
    pub(super) fn begin_turn(&mut self) {
        self.turn_from = self.all.len();
    }

    pub(super) fn push(&mut self, piece: &str) {
        // What the model says before and after a tool call are paragraphs of one answer.
        if self.turn_from > 0 && self.all.len() == self.turn_from && !piece.is_empty() {
            self.all.push_str(PARAGRAPH);
        }
        self.all.push_str(piece);
    }

    pub(super) fn turn_was_shown(&self) -> bool {
        self.sent > self.turn_from
    }

    /// Forgets the turn in progress; returns what still holds.
    pub(super) fn take_back(&mut self) -> Arc<str> {
        self.all.truncate(self.turn_from);
        self.sent = self.sent.min(self.all.len());
        self.all.as_str().into()
    }

    /// When the unsent text is to be sent; `None` when there is none.
    pub(super) fn flush_due(&self, interval: Duration) -> Option<Instant> {
        (self.sent < self.all.len())
            .then(|| self.flushed.map_or_else(Instant::now, |flushed| flushed + interval))
    }

    pub(super) fn take_delta(&mut self) -> Option<RunEvent> {
        if self.sent >= self.all.len() {
            return None;
        }
        let delta = self.all[self.sent..].to_owned();
        self.sent = self.all.len();
        self.flushed = Some(Instant::now());
        Some(RunEvent::TextDelta { delta, text: self.all.as_str().into() })
    }
}
