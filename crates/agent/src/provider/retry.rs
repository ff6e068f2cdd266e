//! Whether and when a failed attempt is repeated: a pure decision.

use std::time::Duration;

use crate::error::{ProviderError, ProviderErrorKind};
use crate::run::RetryPolicy;

/// What to do about a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Ask again after a pause.
    Again(Duration),
    /// Tell the error.
    GiveUp,
}

/// Decides. `next_pause` is the backoff's next step (`None` when it has had its attempts); `shown` whether the person has
/// already seen a part of this answer that cannot be taken back.
pub(crate) fn decide(
    error: &ProviderError,
    shown: bool,
    next_pause: Option<Duration>,
    policy: &RetryPolicy,
) -> Decision {
    if shown || !error.kind.is_retryable() {
        return Decision::GiveUp;
    }
    let Some(pause) = next_pause else { return Decision::GiveUp };
    match error.retry_after {
        // Waiting longer than a person would is no help: they are told how long instead.
        Some(asked) if asked > policy.longest_retry_after => Decision::GiveUp,
        // A provider that says "now" while refusing is still given the backoff's pause.
        Some(asked) => Decision::Again(asked.max(pause)),
        // A wrong format seldom heals: one more try is enough to tell a hiccup from a wrong address.
        None if error.kind == ProviderErrorKind::Unreadable && pause > policy.first_pause * 3 => {
            Decision::GiveUp
        }
        None => Decision::Again(pause),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: ProviderErrorKind, retry_after: Option<u64>) -> ProviderError {
        ProviderError {
            kind,
            provider: "p".into(),
            place: "http://h".into(),
            status: None,
            found: "x".into(),
            retry_after: retry_after.map(Duration::from_secs),
        }
    }

    #[test]
    fn obeys_the_provider_within_bounds() {
        let policy = RetryPolicy { longest_retry_after: Duration::from_mins(1), ..RetryPolicy::default() };
        let pause = Some(Duration::from_secs(1));
        let limited = |after| decide(&error(ProviderErrorKind::RateLimited, after), false, pause, &policy);
        assert_eq!(limited(Some(7)), Decision::Again(Duration::from_secs(7)));
        assert_eq!(limited(Some(0)), Decision::Again(Duration::from_secs(1)));
        assert_eq!(limited(Some(61)), Decision::GiveUp);
        assert_eq!(limited(None), Decision::Again(Duration::from_secs(1)));
    }

    #[test]
    fn never_repeats_what_was_shown_or_cannot_heal() {
        let policy = RetryPolicy::default();
        let pause = Some(Duration::from_secs(1));
        assert_eq!(
            decide(&error(ProviderErrorKind::StreamCut, None), true, pause, &policy),
            Decision::GiveUp
        );
        assert_eq!(
            decide(&error(ProviderErrorKind::KeyRejected, None), false, pause, &policy),
            Decision::GiveUp
        );
        assert_eq!(
            decide(&error(ProviderErrorKind::Unavailable, None), false, None, &policy),
            Decision::GiveUp
        );
    }
}
