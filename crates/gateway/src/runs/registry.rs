//! The runs of this process: which are going on, how the last ones ended, and never one twice.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bulkhead_agent::{StopReason, ToolCall};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::pauses::{Paused, Pauses};
use crate::clock;

/// How long, and how many, ended runs are remembered under their idempotency key.
const REMEMBER: Duration = Duration::from_mins(5);
const REMEMBER_MOST: usize = 1000;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndStatus {
    /// With an answer.
    Ok,
    /// Somebody stopped it.
    Aborted,
    /// It failed.
    Error,
}

impl EndStatus {
    /// The protocol's word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Aborted => "aborted",
            Self::Error => "error",
        }
    }
}

/// The end of a run, kept for late askers.
#[derive(Debug, Clone)]
pub(crate) struct RunEnd {
    pub(crate) status: EndStatus,
    /// The whole answer, or as much of it as there was.
    pub(crate) text: String,
    /// What went wrong, in words for a person.
    pub(crate) error: Option<String>,
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
    pub(crate) provider: Option<String>,
    pub(crate) model: Option<String>,
    /// Calls of the caller's own tools, for the caller to run.
    pub(crate) wanted: Vec<ToolCall>,
    /// Why the model's last turn ended.
    pub(crate) stop: StopReason,
    pub(crate) started_at: u64,
    pub(crate) ended_at: u64,
}

/// A run that is going on.
#[derive(Debug, Clone)]
pub(crate) struct ActiveRun {
    pub(crate) run_id: String,
    pub(crate) session_key: String,
    /// When it was accepted.
    pub(crate) accepted_at: u64,
    /// Ends it.
    pub(crate) cancel: CancellationToken,
    /// The answer so far, for clients that come in the middle.
    pub(crate) text: Arc<Mutex<String>>,
    /// The time that it waits for a person.
    pub(super) pauses: Arc<Pauses>,
    end: watch::Sender<Option<Arc<RunEnd>>>,
}

/// What asking for a run brought.
#[derive(Debug)]
pub(crate) enum Begin {
    /// It is new and yours.
    New(ActiveRun),
    /// It is going on already.
    InFlight,
    /// It has ended already.
    Ended(Arc<RunEnd>),
}

/// A run whose end is recorded; those who wait for it do not know yet.
#[must_use]
pub(crate) struct Ended {
    pub(crate) end: Arc<RunEnd>,
    waiting: Option<watch::Sender<Option<Arc<RunEnd>>>>,
}

impl Ended {
    /// Wakes everybody who waits.
    pub(crate) fn tell(self) -> Arc<RunEnd> {
        if let Some(waiting) = self.waiting {
            waiting.send_replace(Some(Arc::clone(&self.end)));
        }
        self.end
    }
}

/// All runs of this process.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    active: HashMap<String, ActiveRun>,
    ended: HashMap<String, Arc<RunEnd>>,
    order: VecDeque<(Instant, String)>,
}

impl Registry {
    /// Claims `run_id`: whoever comes second gets no second run.
    pub(crate) fn begin(&self, run_id: &str, session_key: &str) -> Begin {
        let mut inner = self.lock();
        inner.forget_old();
        if inner.active.contains_key(run_id) {
            return Begin::InFlight;
        }
        if let Some(end) = inner.ended.get(run_id) {
            return Begin::Ended(Arc::clone(end));
        }
        let run = ActiveRun {
            run_id: run_id.to_owned(),
            session_key: session_key.to_owned(),
            accepted_at: clock::now_ms(),
            cancel: CancellationToken::new(),
            text: Arc::default(),
            pauses: Arc::default(),
            end: watch::Sender::new(None),
        };
        inner.active.insert(run_id.to_owned(), run.clone());
        Begin::New(run)
    }

    /// Records the end of a run: whoever asks from now on gets it. Those who wait hear of it with [`Ended::tell`].
    pub(crate) fn finish(&self, run_id: &str, end: RunEnd) -> Ended {
        let end = Arc::new(end);
        let mut inner = self.lock();
        let waiting = inner.active.remove(run_id).map(|run| run.end);
        inner.ended.insert(run_id.to_owned(), Arc::clone(&end));
        inner.order.push_back((Instant::now(), run_id.to_owned()));
        inner.forget_old();
        Ended { end, waiting }
    }

    /// Gives up a claim that never became a run (its message could not be stored).
    pub(crate) fn give_up(&self, run_id: &str) {
        let mut inner = self.lock();
        inner.active.remove(run_id);
    }

    /// Stops one run of a session, or all of them. Answers which.
    pub(crate) fn abort(&self, session_key: &str, run_id: Option<&str>) -> Vec<String> {
        let inner = self.lock();
        let mut stopped: Vec<&ActiveRun> = inner
            .active
            .values()
            .filter(|run| run.session_key == session_key && run_id.is_none_or(|id| id == run.run_id))
            .collect();
        stopped.sort_by_key(|run| run.accepted_at);
        for run in &stopped {
            run.cancel.cancel();
        }
        stopped.into_iter().map(|run| run.run_id.clone()).collect()
    }

    /// Stops every run there is.
    pub(crate) fn abort_all(&self) {
        for run in self.lock().active.values() {
            run.cancel.cancel();
        }
    }

    /// The session of a run that is going on.
    pub(crate) fn session_of(&self, run_id: &str) -> Option<String> {
        self.lock().active.get(run_id).map(|run| run.session_key.clone())
    }

    /// The sessions in which something is going on.
    pub(crate) fn active_sessions(&self) -> Vec<String> {
        let mut keys: Vec<String> = self.lock().active.values().map(|run| run.session_key.clone()).collect();
        keys.sort();
        keys.dedup();
        keys
    }

    /// The runs of a session that are going on, oldest first.
    pub(crate) fn active_in(&self, session_key: &str) -> Vec<String> {
        let inner = self.lock();
        let mut runs: Vec<&ActiveRun> =
            inner.active.values().filter(|run| run.session_key == session_key).collect();
        runs.sort_by_key(|run| run.accepted_at);
        runs.into_iter().map(|run| run.run_id.clone()).collect()
    }

    /// The run of a session that is being answered now, with the answer so far and when it was accepted.
    pub(crate) fn streaming_in(&self, session_key: &str) -> Option<(String, String, u64)> {
        let inner = self.lock();
        let oldest = inner
            .active
            .values()
            .filter(|run| run.session_key == session_key)
            .min_by_key(|run| run.accepted_at)?;
        let text = oldest.text.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        Some((oldest.run_id.clone(), text, oldest.accepted_at))
    }

    /// A run waits for a person from now on, until what is given back is dropped.
    pub(crate) fn pause(&self, run_id: &str) -> Option<Paused> {
        self.lock().active.get(run_id).map(|run| run.pauses.begin())
    }

    /// How many runs are going on.
    pub(crate) fn count(&self) -> usize {
        self.lock().active.len()
    }

    /// Waits for the end of a run. `None`: it is unknown here.
    pub(crate) async fn wait(&self, run_id: &str) -> Option<Arc<RunEnd>> {
        let mut ends = {
            let inner = self.lock();
            if let Some(end) = inner.ended.get(run_id) {
                return Some(Arc::clone(end));
            }
            inner.active.get(run_id)?.end.subscribe()
        };
        let end = ends.wait_for(Option::is_some).await.ok()?;
        end.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Inner {
    fn forget_old(&mut self) {
        while let Some((when, _)) = self.order.front() {
            if when.elapsed() < REMEMBER && self.order.len() <= REMEMBER_MOST {
                break;
            }
            if let Some((_, run_id)) = self.order.pop_front() {
                self.ended.remove(&run_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end() -> RunEnd {
        RunEnd {
            status: EndStatus::Ok,
            text: "done".into(),
            error: None,
            input_tokens: 1,
            output_tokens: 2,
            provider: None,
            model: None,
            wanted: Vec::new(),
            stop: StopReason::Stop,
            started_at: 0,
            ended_at: 1,
        }
    }

    #[tokio::test]
    async fn a_key_gives_one_run_only() {
        let registry = Registry::default();
        assert!(matches!(registry.begin("r", "s"), Begin::New(_)));
        assert!(matches!(registry.begin("r", "s"), Begin::InFlight));
        registry.finish("r", end()).tell();
        assert!(matches!(registry.begin("r", "s"), Begin::Ended(_)));
        assert_eq!(registry.wait("r").await.unwrap().text, "done");
        assert!(registry.wait("unknown").await.is_none());
    }

    #[tokio::test]
    async fn waiting_ends_with_the_run_and_abort_names_what_it_stopped() {
        let registry = Arc::new(Registry::default());
        let Begin::New(run) = registry.begin("r", "s") else { panic!("not new") };
        assert!(registry.abort("other", None).is_empty());
        assert!(registry.abort("s", Some("x")).is_empty());
        assert_eq!(registry.abort("s", None), ["r"]);
        assert!(run.cancel.is_cancelled());
        let (waited, ()) =
            tokio::join!(registry.wait("r"), async { drop(registry.finish("r", end()).tell()) });
        assert_eq!(waited.unwrap().status, EndStatus::Ok);
        assert_eq!(registry.count(), 0);
    }

    #[test]
    fn no_more_than_a_thousand_ends_are_kept() {
        let registry = Registry::default();
        for index in 0..1100 {
            registry.begin(&index.to_string(), "s");
            registry.finish(&index.to_string(), end()).tell();
        }
        assert_eq!(registry.lock().ended.len(), 1000);
        assert!(matches!(registry.begin("0", "s"), Begin::New(_)));
        assert!(matches!(registry.begin("1099", "s"), Begin::Ended(_)));
    }
}
