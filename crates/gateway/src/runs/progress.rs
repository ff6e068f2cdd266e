//! Who follows a run from outside the protocol: a channel that shows the answer, an HTTP stream.

use async_trait::async_trait;

use super::registry::RunEnd;

/// Hears of one run, in order. What it does must not hold up the run for long.
#[async_trait]
pub(crate) trait Progress: Send {
    /// The run begins to work (it may have waited for others before).
    async fn began(&mut self) {}

    /// A model was chosen and is being asked.
    async fn model(&mut self, _provider: &str, _model: &str) {}

    /// More of the answer: the new piece, and all of it so far.
    async fn delta(&mut self, delta: &str, so_far: &str);

    /// The answer is there (or never will be). Called exactly once, unless the gateway stops first:
    /// then the message stays unanswered, and is answered after the next start.
    async fn ended(self: Box<Self>, end: &RunEnd);
}
