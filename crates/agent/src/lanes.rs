//! One run at a time per session; the others wait in the order they came, and not without end.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::error::AgentError;

/// How many messages may wait for one session unless told otherwise.
pub const DEFAULT_WAITING: usize = 20;

/// The lanes of a gateway; clones share them.
#[derive(Clone)]
pub struct Lanes {
    waiting_limit: usize,
    lanes: Arc<Mutex<HashMap<String, VecDeque<oneshot::Sender<LaneGuard>>>>>,
}

impl fmt::Debug for Lanes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Lanes").field("busy", &self.busy()).finish_non_exhaustive()
    }
}

impl Default for Lanes {
    fn default() -> Self {
        Self::new(DEFAULT_WAITING)
    }
}

impl Lanes {
    /// Lanes in which at most `waiting_limit` wait per session.
    pub fn new(waiting_limit: usize) -> Self {
        Self { waiting_limit, lanes: Arc::default() }
    }

    /// Takes a place in the session's queue, now. The order of these calls is the order of the runs.
    pub fn join(&self, session: &str) -> Result<LaneTicket, AgentError> {
        let mut lanes = self.lock();
        match lanes.get_mut(session) {
            None => {
                lanes.insert(session.to_owned(), VecDeque::new());
                Ok(LaneTicket(Place::Free(self.guard(session))))
            }
            Some(queue) => {
                // Those who gave up waiting hold no place.
                queue.retain(|waiting| !waiting.is_closed());
                if queue.len() >= self.waiting_limit {
                    return Err(AgentError::LaneFull {
                        session: session.to_owned(),
                        waiting: queue.len(),
                        limit: self.waiting_limit,
                    });
                }
                let (sender, receiver) = oneshot::channel();
                queue.push_back(sender);
                Ok(LaneTicket(Place::Queued(receiver)))
            }
        }
    }

    /// Joins and waits for the turn; aborted by `cancel`.
    pub async fn enter(&self, session: &str, cancel: &CancellationToken) -> Result<LaneGuard, AgentError> {
        self.join(session)?.turn(cancel).await
    }

    /// Whether a run holds the session's lane.
    pub fn is_busy(&self, session: &str) -> bool {
        self.lock().contains_key(session)
    }

    /// How many sessions are busy.
    pub fn busy(&self) -> usize {
        self.lock().len()
    }

    /// How many messages wait for their turn, over all sessions.
    pub fn waiting(&self) -> usize {
        self.lock().values().flatten().filter(|waiting| !waiting.is_closed()).count()
    }

    fn guard(&self, session: &str) -> LaneGuard {
        LaneGuard { lanes: self.clone(), session: session.to_owned() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, VecDeque<oneshot::Sender<LaneGuard>>>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands the lane to whoever waits longest, or frees it.
    fn pass_on(&self, session: &str) {
        loop {
            let mut lanes = self.lock();
            let Some(queue) = lanes.get_mut(session) else { return };
            let Some(next) = queue.pop_front() else {
                lanes.remove(session);
                return;
            };
            drop(lanes);
            match next.send(self.guard(session)) {
                Ok(()) => return,
                // Gave up meanwhile. The guard came back; it must not pass the lane on a second time.
                Err(guard) => guard.forget(),
            }
        }
    }
}

/// A place in a session's queue. Dropping it gives the place up.
#[derive(Debug)]
pub struct LaneTicket(Place);

#[derive(Debug)]
enum Place {
    Free(LaneGuard),
    Queued(oneshot::Receiver<LaneGuard>),
}

impl LaneTicket {
    /// Whether it must wait.
    pub const fn is_queued(&self) -> bool {
        matches!(self.0, Place::Queued(_))
    }

    /// Waits for the turn.
    pub async fn turn(self, cancel: &CancellationToken) -> Result<LaneGuard, AgentError> {
        let receiver = match self.0 {
            Place::Free(guard) => return Ok(guard),
            Place::Queued(receiver) => receiver,
        };
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(AgentError::Aborted),
            guard = receiver => guard.map_err(|_| AgentError::Aborted),
        }
    }
}

/// The right to run in a session, until dropped.
#[derive(Debug)]
pub struct LaneGuard {
    lanes: Lanes,
    session: String,
}

impl LaneGuard {
    fn forget(mut self) {
        self.session.clear();
    }
}

impl Drop for LaneGuard {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            let session = std::mem::take(&mut self.session);
            self.lanes.pass_on(&session);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn first_come_first_served_and_never_two_at_once() {
        let lanes = Lanes::new(10);
        let cancel = CancellationToken::new();
        let first = lanes.enter("s", &cancel).await.unwrap();
        let order = Arc::new(Mutex::new(Vec::new()));
        let tasks: Vec<_> = (0..5)
            .map(|index| {
                let (ticket, order, cancel) = (lanes.join("s").unwrap(), Arc::clone(&order), cancel.clone());
                tokio::spawn(async move {
                    let guard = ticket.turn(&cancel).await.unwrap();
                    order.lock().unwrap().push(index);
                    tokio::task::yield_now().await;
                    drop(guard);
                })
            })
            .collect();
        assert!(order.lock().unwrap().is_empty());
        assert!(!lanes.join("other").unwrap().is_queued());
        drop(first);
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), vec![0, 1, 2, 3, 4]);
        assert_eq!(lanes.busy(), 0);
    }

    #[tokio::test]
    async fn the_queue_is_bounded_and_those_who_leave_make_room() {
        let lanes = Lanes::new(2);
        let cancel = CancellationToken::new();
        let guard = lanes.enter("s", &cancel).await.unwrap();
        let second = lanes.join("s").unwrap();
        let third = lanes.join("s").unwrap();
        let error = lanes.join("s").unwrap_err();
        assert_eq!(error.code(), "session-queue-full");
        assert!(error.to_string().contains("at most 2"));
        drop(second);
        let fourth = lanes.join("s").unwrap();
        drop(guard);
        drop(third);
        drop(fourth.turn(&cancel).await.unwrap());
        assert_eq!(lanes.busy(), 0);
    }

    #[tokio::test]
    async fn an_abort_while_waiting_leaves_the_lane_to_the_next() {
        let lanes = Lanes::new(3);
        let cancel = CancellationToken::new();
        let guard = lanes.enter("s", &cancel).await.unwrap();
        let aborted = CancellationToken::new();
        let waiting = lanes.join("s").unwrap();
        let next = lanes.join("s").unwrap();
        aborted.cancel();
        assert_eq!(waiting.turn(&aborted).await.unwrap_err().code(), "run-aborted");
        drop(guard);
        drop(next.turn(&cancel).await.unwrap());
        assert_eq!(lanes.busy(), 0);
    }

    #[tokio::test]
    async fn a_turn_that_came_too_late_is_passed_on() {
        let lanes = Lanes::new(3);
        let cancel = CancellationToken::new();
        let guard = lanes.enter("s", &cancel).await.unwrap();
        let ticket = lanes.join("s").unwrap();
        // The turn is handed over, but nobody takes it any more.
        drop(guard);
        drop(ticket);
        assert_eq!(lanes.busy(), 0);
    }
}
