//! What happened and waits to be told to an agent: by session, bounded, in memory only.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use crate::clock;

/// Events that wait for one session; the oldest go first.
const WAITING: usize = 20;
/// Sessions with events.
pub(super) const SESSIONS: usize = 200;
/// Bytes of one event.
const LONGEST: usize = 8 * 1024;

/// Events by session.
#[derive(Debug, Default)]
pub(crate) struct SystemEvents {
    waiting: Mutex<BTreeMap<String, VecDeque<(u64, String)>>>,
}

impl SystemEvents {
    /// Adds one. `false`: it is the same as the last one that waits, or there is no room for another session.
    pub(crate) fn add(&self, session_key: &str, text: &str) -> bool {
        let mut end = text.len().min(LONGEST);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text = text[..end].trim();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if text.is_empty() || (waiting.len() >= SESSIONS && !waiting.contains_key(session_key)) {
            return false;
        }
        let queue = waiting.entry(session_key.to_owned()).or_default();
        if queue.back().is_some_and(|(_, last)| last == text) {
            return false;
        }
        if queue.len() >= WAITING {
            queue.pop_front();
        }
        queue.push_back((clock::now_ms(), text.to_owned()));
        true
    }

    /// Whether something waits.
    pub(crate) fn waits(&self, session_key: &str) -> bool {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).contains_key(session_key)
    }

    /// Takes all of a session, as lines.
    pub(crate) fn take(&self, session_key: &str) -> Vec<String> {
        let taken = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(session_key);
        let line = |(at, text): (u64, String)| format!("System: [{}] {text}", clock::rfc3339(at));
        taken.into_iter().flatten().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_told_once_and_the_same_one_waits_once() {
        let events = SystemEvents::default();
        assert!(events.add("s", "one") && !events.add("s", "one") && events.add("s", "two"));
        assert!(!events.add("s", "  "));
        let told = events.take("s");
        assert!(told.len() == 2 && told[0].ends_with("] one"), "{told:?}");
        assert!(!events.waits("s") && events.take("s").is_empty());
        for n in 0..WAITING + 5 {
            events.add("s", &n.to_string());
        }
        assert!(events.take("s").len() == WAITING);
    }
}
