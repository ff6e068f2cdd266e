//! Which sessions one connection wants to hear of.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Sessions that one connection may listen to at a time.
const MAX_SESSIONS: usize = 1000;

#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    all: AtomicBool,
    keys: Mutex<BTreeSet<Box<str>>>,
}

impl Subscriptions {
    pub(super) fn set_all(&self, on: bool) {
        self.all.store(on, Ordering::Release);
    }

    pub(super) fn all(&self) -> bool {
        self.all.load(Ordering::Acquire)
    }

    pub(super) fn add(&self, key: &str) -> bool {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.contains(key) {
            return true;
        }
        keys.len() < MAX_SESSIONS && keys.insert(key.into())
    }

    pub(super) fn remove(&self, key: &str) {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    pub(super) fn wants(&self, key: &str) -> bool {
        self.all() || self.keys.lock().unwrap_or_else(PoisonError::into_inner).contains(key)
    }
}
