//! The strip of the last days: health by the minute, and marks for what happened in between. Bounded.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Runs of equal minutes that are kept: a gateway that flaps every minute has half a day, a calm one years.
const MOST_RUNS: usize = 720;
/// Marks that are kept.
const MOST_MARKS: usize = 300;
const MINUTE_MS: u64 = 60_000;

/// How it was in one minute: the worst that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shade {
    /// Nothing was seen: this gateway did not run, or the machine slept.
    Unknown,
    /// Everything worked.
    Good,
    /// Meant to be down.
    Planned,
    /// It answered, but something did not work.
    Degraded,
    /// It did not answer.
    Down,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mark {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// Stable word: `exit`, `incident`, `over`, `remedy`, `drill`, `slept`, `version`.
    pub kind: String,
    /// In words.
    pub text: String,
}

/// Equal minutes one after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stretch {
    /// The first minute, in milliseconds since 1970.
    pub from_ms: u64,
    /// How many minutes.
    pub minutes: u32,
    /// How they were.
    pub shade: Shade,
}

/// What is kept of the timeline.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SavedTimeline {
    /// Stretches, oldest first. Minutes between two of them are unknown.
    pub stretches: VecDeque<Stretch>,
    /// Marks, oldest first.
    pub marks: VecDeque<Mark>,
}

impl SavedTimeline {
    /// Notes how it is now. Returns whether a new minute or a worse shade began: a reason to save.
    pub fn sample(&mut self, wall_ms: u64, shade: Shade) -> bool {
        let minute = wall_ms / MINUTE_MS * MINUTE_MS;
        if let Some(last) = self.stretches.back_mut() {
            let last_minute = last.from_ms + u64::from(last.minutes.saturating_sub(1)) * MINUTE_MS;
            // A clock that was set back paints over the minute that it is in.
            if minute <= last_minute {
                if shade <= last.shade {
                    return false;
                }
                if last.minutes == 1 {
                    last.shade = shade;
                } else {
                    last.minutes -= 1;
                    self.push(Stretch { from_ms: last_minute, minutes: 1, shade });
                }
                self.join_last();
                return true;
            }
            if minute == last_minute + MINUTE_MS && last.shade == shade {
                last.minutes = last.minutes.saturating_add(1);
                return true;
            }
        }
        self.push(Stretch { from_ms: minute, minutes: 1, shade });
        true
    }

    /// Notes what happened.
    pub fn mark(&mut self, at_ms: u64, kind: &str, text: impl Into<String>) {
        self.marks.push_back(Mark { at_ms, kind: kind.to_owned(), text: text.into() });
        let extra = self.marks.len().saturating_sub(MOST_MARKS);
        self.marks.drain(..extra);
    }

    fn push(&mut self, stretch: Stretch) {
        self.stretches.push_back(stretch);
        let extra = self.stretches.len().saturating_sub(MOST_RUNS);
        self.stretches.drain(..extra);
    }

    /// Joins the last two stretches if they are one.
    fn join_last(&mut self) {
        let Some(last) = self.stretches.pop_back() else { return };
        match self.stretches.back_mut() {
            Some(before)
                if before.shade == last.shade
                    && before.from_ms + u64::from(before.minutes) * MINUTE_MS == last.from_ms =>
            {
                before.minutes += last.minutes;
            }
            _ => self.stretches.push_back(last),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn strip(timeline: &SavedTimeline) -> Vec<(u64, u32, Shade)> {
        timeline.stretches.iter().map(|s| (s.from_ms / MINUTE_MS, s.minutes, s.shade)).collect()
    }

    #[test]
    fn the_worst_of_a_minute_counts_and_gaps_stay_unknown() {
        let mut timeline = SavedTimeline::default();
        for (second, shade) in [
            (0, Shade::Good),
            (60, Shade::Good),
            (70, Shade::Down),
            (80, Shade::Good),
            (120, Shade::Good),
            (600, Shade::Good),
        ] {
            timeline.sample(second * 1000, shade);
        }
        assert_eq!(
            strip(&timeline),
            [(0, 1, Shade::Good), (1, 1, Shade::Down), (2, 1, Shade::Good), (10, 1, Shade::Good)]
        );
    }

    proptest! {
        #[test]
        fn it_stays_bounded_and_in_order(steps in proptest::collection::vec((0u64..400_000, 0u8..5), 1..3000)) {
            let mut timeline = SavedTimeline::default();
            let mut now = 0;
            for (step, shade) in steps {
                now += step;
                let shade = [Shade::Unknown, Shade::Good, Shade::Planned, Shade::Degraded, Shade::Down][usize::from(shade)];
                timeline.sample(now, shade);
                timeline.mark(now, "exit", "x");
            }
            prop_assert!(timeline.stretches.len() <= MOST_RUNS && timeline.marks.len() <= MOST_MARKS);
            let ends = timeline.stretches.iter().map(|s| (s.from_ms, s.from_ms + u64::from(s.minutes) * MINUTE_MS));
            let mut before = 0;
            for (from, to) in ends {
                prop_assert!(from >= before && to > from);
                before = to;
            }
        }
    }
}
