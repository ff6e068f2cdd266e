//! Tools that were called by hand: each idempotency key calls once, whoever repeats it gets the first result.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bulkhead_protocol::limits::{DEDUPE_AGE, DEDUPE_KEYS};
use serde_json::Value;
use tokio::sync::OnceCell;

/// The results of the last calls.
#[derive(Debug, Default)]
pub(crate) struct Invocations {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    results: HashMap<String, Arc<OnceCell<Value>>>,
    order: VecDeque<(Instant, String)>,
}

impl Invocations {
    /// The result under this key, made now if nobody did. Who comes while it is being made waits for it.
    pub(crate) async fn once(&self, key: Option<&str>, work: impl Future<Output = Value>) -> Value {
        match key {
            Some(key) => self.cell(key).get_or_init(|| work).await.clone(),
            None => work.await,
        }
    }

    fn cell(&self, key: &str) -> Arc<OnceCell<Value>> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((when, _)) = inner.order.front() {
            if when.elapsed() < DEDUPE_AGE && inner.order.len() < DEDUPE_KEYS {
                break;
            }
            if let Some((_, old)) = inner.order.pop_front() {
                inner.results.remove(&old);
            }
        }
        if let Some(known) = inner.results.get(key) {
            return Arc::clone(known);
        }
        let cell = Arc::new(OnceCell::new());
        inner.results.insert(key.to_owned(), Arc::clone(&cell));
        inner.order.push_back((Instant::now(), key.to_owned()));
        cell
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_key_calls_once() {
        let invocations = Invocations::default();
        let calls = AtomicUsize::new(0);
        let work = || async { Value::from(calls.fetch_add(1, Ordering::Relaxed)) };
        let (first, second) =
            tokio::join!(invocations.once(Some("k"), work()), invocations.once(Some("k"), work()));
        assert_eq!((first, second), (Value::from(0), Value::from(0)));
        assert_eq!(invocations.once(Some("other"), work()).await, 1);
        assert_eq!(invocations.once(None, work()).await, 2);
        assert_eq!(invocations.once(Some("k"), work()).await, 0);
    }
}
