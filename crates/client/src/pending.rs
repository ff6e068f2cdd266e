//! Requests that wait for their answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bulkhead_protocol::ResponseFrame;
use tokio::sync::mpsc;

/// Answers that may wait for one request: `accepted` and the last one, with room to spare.
const ANSWERS: usize = 4;

/// The open requests of a connection.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    waiting: HashMap<String, Waiting>,
    closed: bool,
    next: u64,
}

#[derive(Debug)]
struct Waiting {
    answers: mpsc::Sender<ResponseFrame>,
    /// The first answer may say `accepted`, and another follows.
    two_phase: bool,
}

/// Why a request cannot wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turned {
    /// Too many wait already.
    Full,
    /// The connection is over.
    Closed,
}

/// A place in the table; given up when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) id: String,
    pub(crate) answers: mpsc::Receiver<ResponseFrame>,
    pending: Arc<Pending>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.pending.table().waiting.remove(&self.id);
    }
}

impl Pending {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place for a new request.
    pub(crate) fn enter(self: &Arc<Self>, two_phase: bool, limit: usize) -> Result<Place, Turned> {
        let mut table = self.table();
        if table.closed {
            return Err(Turned::Closed);
        }
        if table.waiting.len() >= limit {
            return Err(Turned::Full);
        }
        table.next += 1;
        let id = table.next.to_string();
        let (answers, receiver) = mpsc::channel(ANSWERS);
        table.waiting.insert(id.clone(), Waiting { answers, two_phase });
        Ok(Place { id, answers: receiver, pending: Arc::clone(self) })
    }

    /// Hands an answer to the request it belongs to. Answers nobody waits for are dropped.
    pub(crate) fn answer(&self, frame: ResponseFrame) {
        let mut table = self.table();
        let Some(waiting) = table.waiting.get(&frame.id) else { return };
        let more = waiting.two_phase && is_accepted(&frame);
        let id = frame.id.clone();
        // A full channel means that the gateway answers more often than the protocol allows.
        let _ = waiting.answers.try_send(frame);
        if !more {
            table.waiting.remove(&id);
        }
    }

    /// The connection is over: everybody who waits learns it.
    pub(crate) fn close(&self) {
        let mut table = self.table();
        table.closed = true;
        table.waiting.clear();
    }
}

/// Whether another answer follows.
pub(crate) fn is_accepted(frame: &ResponseFrame) -> bool {
    #[derive(serde::Deserialize)]
    struct Status<'a> {
        #[serde(borrow)]
        status: std::borrow::Cow<'a, str>,
    }
    frame.ok
        && frame
            .payload
            .as_deref()
            .and_then(|payload| serde_json::from_str::<Status<'_>>(payload.get()).ok())
            .is_some_and(|payload| payload.status == "accepted")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(id: &str, payload: &str) -> ResponseFrame {
        serde_json::from_str(&format!(r#"{{"type":"res","id":"{id}","ok":true,"payload":{payload}}}"#))
            .unwrap()
    }

    #[test]
    fn two_answers_under_one_id() {
        let pending = Arc::new(Pending::default());
        let mut place = pending.enter(true, 2).unwrap();
        pending.answer(frame(&place.id, r#"{"status":"accepted"}"#));
        pending.answer(frame(&place.id, r#"{"status":"ok"}"#));
        pending.answer(frame(&place.id, r#"{"status":"never"}"#));
        assert!(is_accepted(&place.answers.try_recv().unwrap()));
        assert!(!is_accepted(&place.answers.try_recv().unwrap()));
        assert!(place.answers.try_recv().is_err());
    }

    #[test]
    fn places_are_bounded_and_given_up() {
        let pending = Arc::new(Pending::default());
        let first = pending.enter(false, 1).unwrap();
        assert_eq!(pending.enter(false, 1).unwrap_err(), Turned::Full);
        drop(first);
        let mut second = pending.enter(false, 1).unwrap();
        pending.close();
        assert!(second.answers.try_recv().is_err());
        assert_eq!(pending.enter(false, 1).unwrap_err(), Turned::Closed);
    }
}
