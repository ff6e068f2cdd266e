//! Tests of the store's invariants, through its public face.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod approvals;
mod branches;
mod canvas;
mod delivery;
mod devices;
mod file;
mod pairings;
mod rescue;
mod runs;
mod sessions;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bulkhead_store::{Store, StoreOptions};

/// A clock that only moves when told to.
#[derive(Clone)]
struct HandClock(Arc<AtomicI64>);

impl HandClock {
    fn at(ms: i64) -> Self {
        Self(Arc::new(AtomicI64::new(ms)))
    }

    fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }

    fn options(&self) -> StoreOptions {
        let time = self.0.clone();
        StoreOptions { clock: Arc::new(move || time.load(Ordering::SeqCst)) }
    }
}

fn in_memory() -> (Store, HandClock) {
    let clock = HandClock::at(1_000_000);
    (Store::open_in_memory_with(clock.options()).unwrap(), clock)
}
