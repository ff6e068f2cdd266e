//! Models that failed rest for a while: answers begin with the next one in the list instead of running into the same
//! wall again.
//!
//! A provider rests as a whole when it cannot be reached, or takes the key no more; where it limits how often it is
//! asked, or has no such model, only that model rests. 30 seconds, then a minute, then five, until an answer comes
//! (OpenClaw's figures); longer when the provider says so. A key that was refused rests ten minutes. What rests is still
//! asked where nothing else is left.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bulkhead_agent::{ProviderError, ProviderErrorKind};
use tokio::time::Instant;

use crate::clock;
use crate::settings::ModelRef;

/// After the first failure, the second, and all that follow.
const PAUSES: [Duration; 3] = [Duration::from_secs(30), Duration::from_mins(1), Duration::from_mins(5)];
/// After a key was refused.
const KEY_REFUSED: Duration = Duration::from_mins(10);
/// Nothing rests longer, whatever the provider asks for.
const LONGEST: Duration = Duration::from_hours(1);

/// Why and how long something rests.
#[derive(Debug, Clone, Copy)]
struct Rest {
    failures: usize,
    until: Instant,
    kind: ProviderErrorKind,
}

/// What rests now. Keyed by provider, or by `provider/model` where only a model does.
#[derive(Debug, Default)]
pub(crate) struct Cooldowns {
    rests: Mutex<HashMap<String, Rest>>,
}

/// A model that rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resting {
    /// When it is asked first again, in milliseconds since 1970.
    pub(crate) until_ms: u64,
    /// Because the key was refused.
    pub(crate) key_refused: bool,
}

impl Cooldowns {
    /// A model could not answer, after all tries of a run.
    pub(crate) fn failed(&self, which: &ModelRef, error: &ProviderError) {
        self.failed_at(which, error.kind, error.retry_after, Instant::now());
    }

    /// It answered: its earlier failures are forgotten.
    pub(crate) fn worked(&self, which: &ModelRef) {
        let mut rests = self.lock();
        rests.remove(&which.provider);
        rests.remove(&which.full());
    }

    /// Other keys or another configuration: nothing is known any more.
    pub(crate) fn forget(&self) {
        self.lock().clear();
    }

    /// Whether a model rests now.
    pub(crate) fn of(&self, which: &ModelRef) -> Option<Resting> {
        let now = Instant::now();
        let rest = self.rest(which, now)?;
        let left = u64::try_from(rest.until.duration_since(now).as_millis()).unwrap_or(u64::MAX);
        Some(Resting {
            until_ms: clock::now_ms().saturating_add(left),
            key_refused: rest.kind == ProviderErrorKind::KeyRejected,
        })
    }

    /// The models in the order in which they are asked now: those that rest last, the first to be back first.
    pub(crate) fn order(&self, models: &[ModelRef]) -> Vec<ModelRef> {
        self.order_at(models, Instant::now())
    }

    fn order_at(&self, models: &[ModelRef], now: Instant) -> Vec<ModelRef> {
        let mut order: Vec<(Option<Instant>, &ModelRef)> =
            models.iter().map(|which| (self.rest(which, now).map(|rest| rest.until), which)).collect();
        order.sort_by_key(|(until, _)| *until);
        order.into_iter().map(|(_, which)| which.clone()).collect()
    }

    fn failed_at(
        &self,
        which: &ModelRef,
        kind: ProviderErrorKind,
        retry_after: Option<Duration>,
        now: Instant,
    ) {
        let Some(key) = what_rests(which, kind) else { return };
        let mut rests = self.lock();
        let failures = rests.get(&key).map_or(0, |rest| rest.failures) + 1;
        let pause = if kind == ProviderErrorKind::KeyRejected {
            KEY_REFUSED
        } else {
            PAUSES[failures.min(PAUSES.len()) - 1]
        };
        let pause = retry_after.map_or(pause, |asked| asked.max(pause)).min(LONGEST);
        rests.insert(key, Rest { failures, until: now + pause, kind });
    }

    fn rest(&self, which: &ModelRef, now: Instant) -> Option<Rest> {
        let rests = self.lock();
        let of = |key: &str| rests.get(key).filter(|rest| rest.until > now).copied();
        let (whole, one) = (of(&which.provider), of(&which.full()));
        [whole, one].into_iter().flatten().max_by_key(|rest| rest.until)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Rest>> {
        self.rests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a failure says something about; `None`: about this one conversation only.
fn what_rests(which: &ModelRef, kind: ProviderErrorKind) -> Option<String> {
    use ProviderErrorKind::{KeyRejected, NotFound, RateLimited, Timeout, Unavailable, Unreachable};
    match kind {
        KeyRejected | Unreachable | Timeout | Unavailable => Some(which.provider.clone()),
        RateLimited | NotFound => Some(which.full()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(text: &str) -> ModelRef {
        ModelRef::parse(text).unwrap()
    }

    #[test]
    fn who_fails_comes_last_and_returns_by_itself() {
        let cooldowns = Cooldowns::default();
        let models = [model("a/1"), model("a/2"), model("b/1")];
        let now = Instant::now();
        let order = |at| cooldowns.order_at(&models, at).iter().map(ModelRef::full).collect::<Vec<_>>();
        cooldowns.failed_at(&models[0], ProviderErrorKind::RateLimited, None, now);
        assert_eq!(order(now), ["a/2", "b/1", "a/1"], "a limit concerns one model");
        cooldowns.failed_at(&models[1], ProviderErrorKind::Unreachable, None, now);
        assert_eq!(order(now), ["b/1", "a/1", "a/2"], "a provider that is down concerns all of its models");
        assert_eq!(order(now + Duration::from_secs(30)), ["a/1", "a/2", "b/1"]);
        cooldowns.failed_at(&models[1], ProviderErrorKind::Unreachable, None, now);
        assert_eq!(order(now + Duration::from_secs(59))[0], "b/1", "the second time it rests longer");
        cooldowns.worked(&models[1]);
        assert_eq!(order(now + Duration::from_secs(31)), ["a/1", "a/2", "b/1"]);
    }

    #[test]
    fn a_long_conversation_makes_no_model_rest_and_a_provider_is_obeyed_within_bounds() {
        let cooldowns = Cooldowns::default();
        let which = model("a/1");
        let now = Instant::now();
        cooldowns.failed_at(&which, ProviderErrorKind::ContextExceeded, None, now);
        assert!(cooldowns.rest(&which, now).is_none());
        cooldowns.failed_at(&which, ProviderErrorKind::RateLimited, Some(Duration::from_hours(48)), now);
        assert_eq!(cooldowns.rest(&which, now).unwrap().until, now + LONGEST);
        cooldowns.forget();
        cooldowns.failed_at(&which, ProviderErrorKind::KeyRejected, None, now);
        assert!(cooldowns.of(&which).unwrap().key_refused);
    }
}
