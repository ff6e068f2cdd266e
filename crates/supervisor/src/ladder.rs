//! The crash ladder: what to do after a crash. Pure; the clock is passed in.
//!
//! backoff → after 4 fast crashes in 60 s the last-known-good configuration → safe mode → stop and tell.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// On what the gateway is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rung {
    /// Its configuration.
    #[default]
    Normal,
    /// The last configuration that it ran well on.
    LastGood,
    /// Control plane only, no channels.
    Safe,
}

/// One crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crash {
    /// When, on the supervisor's clock.
    pub at: Duration,
    /// On what it ran.
    pub rung: Rung,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Start again.
    Restart {
        /// After this long.
        after: Duration,
        /// On this.
        rung: Rung,
    },
    /// Give up and tell.
    Stop,
}

/// How patient the ladder is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LadderPolicy {
    /// Crashes older than this are forgotten.
    pub window: Duration,
    /// So many crashes within the window lead to the next rung.
    pub limit: usize,
    /// The pause before each restart within the window: the first, the second…; the last one repeats.
    pub backoff: Vec<Duration>,
}

impl Default for LadderPolicy {
    fn default() -> Self {
        // The first restart is at once: a gateway that was killed is back within a second.
        let backoff = [0, 250, 1000, 2000, 5000].map(Duration::from_millis).to_vec();
        Self { window: Duration::from_mins(1), limit: 4, backoff }
    }
}

/// The step after the last crash in `history`, which happened on the present rung.
pub fn decide(history: &[Crash], now: Duration, policy: &LadderPolicy, has_last_good: bool) -> Step {
    let Some(last) = history.last() else {
        return Step::Restart { after: Duration::ZERO, rung: Rung::Normal };
    };
    let recent = history
        .iter()
        .filter(|crash| crash.rung == last.rung && now.saturating_sub(crash.at) <= policy.window)
        .count();
    if recent < policy.limit {
        let index = recent.saturating_sub(1).min(policy.backoff.len().saturating_sub(1));
        let after = policy.backoff.get(index).copied().unwrap_or_default();
        return Step::Restart { after, rung: last.rung };
    }
    match last.rung {
        Rung::Normal if has_last_good => Step::Restart { after: Duration::ZERO, rung: Rung::LastGood },
        Rung::Normal | Rung::LastGood => Step::Restart { after: Duration::ZERO, rung: Rung::Safe },
        Rung::Safe => Step::Stop,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    /// Crashes again and again `every` so often; the rungs that it goes through, and the pauses.
    fn climb(every: Duration, has_last_good: bool, limit: usize) -> Vec<Step> {
        let policy = LadderPolicy::default();
        let (mut now, mut rung, mut history, mut steps) =
            (Duration::ZERO, Rung::Normal, Vec::new(), Vec::new());
        for _ in 0..limit {
            now += every;
            history.push(Crash { at: now, rung });
            let step = decide(&history, now, &policy, has_last_good);
            steps.push(step);
            match step {
                Step::Restart { after, rung: next } => {
                    now += after;
                    rung = next;
                }
                Step::Stop => break,
            }
        }
        steps
    }

    #[test]
    fn first_at_once_then_slower_then_up_the_ladder_then_stop() {
        let restart = |ms, rung| Step::Restart { after: Duration::from_millis(ms), rung };
        let rung = |rung| [restart(0, rung), restart(250, rung), restart(1000, rung)];
        let mut expected = rung(Rung::Normal).to_vec();
        expected.push(restart(0, Rung::LastGood));
        expected.extend(rung(Rung::LastGood));
        expected.push(restart(0, Rung::Safe));
        expected.extend(rung(Rung::Safe));
        expected.push(Step::Stop);
        assert_eq!(climb(secs(1), true, 100), expected);
    }

    #[test]
    fn without_a_good_configuration_safe_mode_comes_next() {
        assert!(
            !climb(secs(1), false, 100)
                .iter()
                .any(|s| matches!(s, Step::Restart { rung: Rung::LastGood, .. }))
        );
    }

    #[test]
    fn slow_crashes_are_restarted_at_once_for_ever() {
        let steps = climb(secs(61), true, 50);
        assert!(steps.iter().all(|s| *s == Step::Restart { after: Duration::ZERO, rung: Rung::Normal }));
        assert_eq!(steps.len(), 50);
    }

    proptest! {
        #[test]
        fn it_never_climbs_down_and_always_ends(gaps in proptest::collection::vec(0u64..120, 1..60), good: bool) {
            let policy = LadderPolicy::default();
            let (mut now, mut rung, mut history) = (Duration::ZERO, Rung::Normal, Vec::new());
            for gap in gaps {
                now += secs(gap);
                history.push(Crash { at: now, rung });
                match decide(&history, now, &policy, good) {
                    Step::Restart { after, rung: next } => {
                        prop_assert!(next >= rung && after <= secs(5));
                        rung = next;
                    }
                    Step::Stop => { prop_assert_eq!(rung, Rung::Safe); break; }
                }
            }
        }
    }
}
