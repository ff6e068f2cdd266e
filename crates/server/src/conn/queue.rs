//! What waits to be written to one client: bounded by bytes, never blocking whoever pushes.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bulkhead_protocol::close;
use futures::task::AtomicWaker;

use super::outgoing::{EventText, Outgoing};

/// An order to end the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// Write what still waits, then close with this code.
    Close { code: u16, reason: Cow<'static, str> },
    /// Drop the socket: the peer does not answer any more.
    Drop,
}

/// The queue of one connection. The connection's task takes, everybody else pushes.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    taker: AtomicWaker,
    awaiting_pong: AtomicBool,
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Outgoing>,
    /// Bytes that wait here or in the socket's write buffer.
    bytes: usize,
    seq: u64,
    end: Option<End>,
}

impl Queue {
    pub(crate) fn new(max_bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            taker: AtomicWaker::new(),
            awaiting_pong: AtomicBool::new(false),
            max_bytes,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a response. A client that does not read its own answers is closed, never served with gaps.
    pub(crate) fn push_response(&self, frame: String) {
        self.push_own_response(frame);
        self.taker.wake();
    }

    /// Puts a response in front of all that waits already: `hello-ok`, which was made after the connection began to
    /// hear of events and is still the first frame that it reads.
    pub(crate) fn push_first_response(&self, frame: String) {
        let mut state = self.state();
        state.bytes += frame.len();
        state.items.push_front(Outgoing::Response(frame));
    }

    /// [`Queue::push_response`] from the connection's own task, which is about to take anyway and need not be woken.
    pub(crate) fn push_own_response(&self, frame: String) {
        let mut state = self.state();
        if state.end.is_some() {
            return;
        }
        if state.bytes > self.max_bytes {
            Self::give_up(&mut state);
        } else {
            state.push(Outgoing::Response(frame));
        }
    }

    /// Queues an event. A slow reader misses what may be missed (a gap in `seq` tells it so) and is closed
    /// over what may not.
    pub(crate) fn push_event(&self, event: &Arc<EventText>) {
        let mut state = self.state();
        if state.end.is_some() {
            return;
        }
        state.seq += 1;
        if state.bytes > self.max_bytes {
            if event.droppable {
                return;
            }
            Self::give_up(&mut state);
        } else {
            let seq = state.seq;
            state.push(Outgoing::Event { event: Arc::clone(event), seq });
        }
        drop(state);
        self.taker.wake();
    }

    fn give_up(state: &mut State) {
        state.items = VecDeque::new();
        state.end = Some(End::Close { code: close::POLICY_VIOLATION, reason: "slow consumer".into() });
    }

    /// Pings the peer, or ends the connection when it was silent since the ping before.
    pub(crate) fn ping_round(&self) {
        if self.awaiting_pong.swap(true, Ordering::AcqRel) {
            self.end(End::Drop);
            return;
        }
        let mut state = self.state();
        if state.end.is_none() {
            state.push(Outgoing::Ping);
            drop(state);
            self.taker.wake();
        }
    }

    /// The peer sent something: it lives.
    pub(crate) fn heard(&self) {
        self.awaiting_pong.store(false, Ordering::Release);
    }

    /// Orders the end. The first order stands, but dropping overrides closing.
    pub(crate) fn end(&self, end: End) {
        let mut state = self.state();
        if state.end.is_none() || end == End::Drop {
            state.end = Some(end);
        }
        drop(state);
        self.taker.wake();
    }

    /// Takes the next thing to write; `Pending` when there is none and the end is not ordered.
    pub(crate) fn poll_take(&self, cx: &mut Context<'_>) -> Poll<Result<Outgoing, End>> {
        self.taker.register(cx.waker());
        let mut state = self.state();
        if state.end == Some(End::Drop) {
            return Poll::Ready(Err(End::Drop));
        }
        if let Some(item) = state.items.pop_front() {
            if state.items.is_empty() && state.items.capacity() > 64 {
                state.items = VecDeque::new();
            }
            return Poll::Ready(Ok(item));
        }
        match &state.end {
            Some(end) => Poll::Ready(Err(end.clone())),
            None => Poll::Pending,
        }
    }

    /// The end that was ordered, if one was.
    pub(crate) fn ordered_end(&self) -> Option<End> {
        self.state().end.clone()
    }

    /// Bytes have left for the kernel.
    pub(crate) fn release(&self, bytes: usize) {
        let mut state = self.state();
        state.bytes = state.bytes.saturating_sub(bytes);
    }
}

impl State {
    fn push(&mut self, item: Outgoing) {
        self.bytes += item.len();
        self.items.push_back(item);
    }
}
