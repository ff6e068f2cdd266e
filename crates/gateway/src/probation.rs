//! When a configuration has proven itself: the gateway ran on it, ready all the time, for a minute. Pure but for the
//! shared slot; the clock is passed in.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// How long a gateway must run healthy on a configuration before that is worth going back to.
pub(crate) const HEALTHY_AFTER: Duration = Duration::from_mins(1);

/// What is known of the configuration in force.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Trial {
    hash: String,
    /// Since when everything has been well.
    since: Option<Instant>,
    passed: bool,
}

impl Trial {
    /// The gateway said how it is.
    fn observe(&mut self, hash: &str, healthy: bool, now: Instant) {
        if self.hash != hash {
            *self = Self { hash: hash.to_owned(), ..Self::default() };
        }
        self.since = if healthy { self.since.or(Some(now)) } else { None };
    }

    /// When it will have passed, if nothing happens.
    fn due(&self, needed: Duration) -> Option<Instant> {
        self.since.filter(|_| !self.passed).map(|since| since + needed)
    }
}

/// The trial of the configuration in force.
#[derive(Debug)]
pub(crate) struct Probation {
    needed: Duration,
    trial: Mutex<Trial>,
    changed: Notify,
}

impl Probation {
    pub(crate) fn new(needed: Duration) -> Self {
        Self { needed, trial: Mutex::default(), changed: Notify::new() }
    }

    /// The gateway said how it is: on which configuration, and whether anything fails.
    pub(crate) fn observe(&self, hash: &str, healthy: bool) {
        self.lock().observe(hash, healthy, Instant::now());
        self.changed.notify_one();
    }

    /// Waits until the configuration in force has proven itself. Answers once for each one.
    pub(crate) async fn passed(&self) {
        loop {
            let due = self.lock().due(self.needed);
            let Some(due) = due else {
                self.changed.notified().await;
                continue;
            };
            tokio::select! {
                () = tokio::time::sleep_until(due.into()) => {}
                () = self.changed.notified() => continue,
            }
            let mut trial = self.lock();
            if trial.due(self.needed).is_some_and(|due| due <= Instant::now()) {
                trial.passed = true;
                return;
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Trial> {
        self.trial.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_healthy_minute_on_one_configuration_counts() {
        let (begun, minute) = (Instant::now(), HEALTHY_AFTER);
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut trial = Trial::default();
        trial.observe("one", false, at(0));
        assert_eq!(trial.due(minute), None, "nothing counts while something fails");
        trial.observe("one", true, at(5));
        trial.observe("one", true, at(30));
        assert_eq!(trial.due(minute), Some(at(65)));
        trial.observe("one", false, at(40));
        trial.observe("one", true, at(41));
        assert_eq!(trial.due(minute), Some(at(101)), "a failure begins it anew");
        trial.observe("two", true, at(50));
        assert_eq!(trial.due(minute), Some(at(110)), "another configuration too");
        trial.passed = true;
        trial.observe("two", true, at(200));
        assert_eq!(trial.due(minute), None, "it passes once");
        trial.observe("one", true, at(300));
        assert_eq!(trial.due(minute), Some(at(360)));
    }
}
