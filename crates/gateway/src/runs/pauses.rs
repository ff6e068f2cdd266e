//! The time that a run spends waiting for a person, which does not count as its own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// The pauses of one run.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: usize,
    since: Option<Instant>,
    total: Duration,
}

/// A pause that lasts until this is dropped.
#[derive(Debug)]
pub(crate) struct Paused(Arc<Pauses>);

impl Pauses {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a pause.
    pub(crate) fn begin(self: &Arc<Self>) -> Paused {
        let mut state = self.lock();
        state.waiting += 1;
        state.since.get_or_insert_with(Instant::now);
        drop(state);
        self.changed.notify_one();
        Paused(Arc::clone(self))
    }

    /// Resolves when the run has worked for `longest`, pauses not counted. One caller at a time.
    pub(super) async fn worked_for(&self, longest: Duration) {
        let begun = Instant::now();
        loop {
            let (waiting, total) = {
                let state = self.lock();
                (state.waiting > 0, state.total)
            };
            if waiting {
                self.changed.notified().await;
                continue;
            }
            let left = (longest + total).saturating_sub(begun.elapsed());
            if left.is_zero() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(left) => {}
                () = self.changed.notified() => {}
            }
        }
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.waiting -= 1;
        if state.waiting == 0
            && let Some(since) = state.since.take()
        {
            state.total += since.elapsed();
        }
        drop(state);
        self.0.changed.notify_one();
    }
}
