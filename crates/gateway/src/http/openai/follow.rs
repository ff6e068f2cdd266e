//! Following a run for an HTTP answer. A caller that goes away takes its run with it.

use std::sync::Arc;

use async_trait::async_trait;
use bulkhead_protocol::ErrorShape;
use tokio::sync::mpsc;

use crate::gateway::Gateway;
use crate::runs::registry::RunEnd;
use crate::runs::{Accepted, Progress, TurnRequest};

/// Pieces of an answer that may wait for a slow reader.
const WAITING: usize = 64;

/// What is told of a run.
pub(super) enum Piece {
    /// More of the answer.
    Delta(String),
    /// How it ended. Always last.
    End(Box<RunEnd>),
}

/// A run that is followed. Dropping it stops the run, and with it the request to the model.
pub(super) struct Followed {
    gateway: Arc<Gateway>,
    session_key: String,
    run_id: String,
    pieces: mpsc::Receiver<Piece>,
}

impl Followed {
    /// Begins a turn. `Ok(None)`: this request was answered before.
    pub(super) async fn begin(gateway: &Arc<Gateway>, turn: TurnRequest) -> Result<Option<Self>, ErrorShape> {
        let (sender, pieces) = mpsc::channel(WAITING);
        let this = Self {
            gateway: Arc::clone(gateway),
            session_key: turn.session_key.clone(),
            run_id: turn.run_id.clone(),
            pieces,
        };
        match gateway.accept(turn, Some(Box::new(Follower(sender)))).await? {
            Accepted::Started { .. } => Ok(Some(this)),
            Accepted::InFlight | Accepted::Ended(_) => Ok(None),
        }
    }

    /// The next piece; `None` when the gateway stopped before the end.
    pub(super) async fn next(&mut self) -> Option<Piece> {
        self.pieces.recv().await
    }

    /// The end, with everything before it passed over.
    pub(super) async fn end(mut self) -> Option<Box<RunEnd>> {
        loop {
            match self.next().await? {
                Piece::Delta(_) => {}
                Piece::End(end) => return Some(end),
            }
        }
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.gateway.runs.abort(&self.session_key, Some(&self.run_id));
    }
}

struct Follower(mpsc::Sender<Piece>);

#[async_trait]
impl Progress for Follower {
    async fn delta(&mut self, delta: &str, _so_far: &str) {
        // A reader that is gone has no wishes any more; dropping its `Followed` stops the run.
        let _ = self.0.send(Piece::Delta(delta.to_owned())).await;
    }

    async fn ended(self: Box<Self>, end: &RunEnd) {
        let _ = self.0.send(Piece::End(Box::new(end.clone()))).await;
    }
}
