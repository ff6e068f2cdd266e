//! Who waits for a message to be out learns it here.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Outcomes that are kept for those who come to wait a moment too late.
const KEPT: usize = 256;

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivered {
    /// It is out, under this id; nothing, if it went out before this gateway began.
    Out(Option<i64>),
    /// It never will be.
    Refused(String),
    /// Not yet: it is on record, and goes out as soon as the channel takes it.
    Waiting,
}

/// What became of rows of the outbox.
#[derive(Debug, Default)]
pub(super) struct Outcomes(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    waiting: HashMap<i64, Vec<oneshot::Sender<Delivered>>>,
    recent: VecDeque<(i64, Delivered)>,
}

impl Outcomes {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells what became of a row.
    pub(super) fn tell(&self, row: i64, outcome: &Delivered) {
        let mut known = self.lock();
        for waiting in known.waiting.remove(&row).into_iter().flatten() {
            let _ = waiting.send(outcome.clone());
        }
        known.recent.push_back((row, outcome.clone()));
        if known.recent.len() > KEPT {
            known.recent.pop_front();
        }
    }

    /// The outcome, if it is known, or where it will come.
    pub(super) fn of(&self, row: i64) -> Result<Delivered, oneshot::Receiver<Delivered>> {
        let mut known = self.lock();
        if let Some((_, outcome)) = known.recent.iter().find(|(id, _)| *id == row) {
            return Ok(outcome.clone());
        }
        let (sender, receiver) = oneshot::channel();
        known.waiting.entry(row).or_default().push(sender);
        Err(receiver)
    }
}
