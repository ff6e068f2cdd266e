//! The strip of the last hours: health by the minute, and marks for what happened in between. Bounded.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

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
    /// Stable word: `exit`, `incident`, `over`, `remedy`, `drill`, `suspend`, `version`.
    pub kind: String,
    /// In words.
    pub text: String,
}

/// What is kept of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SavedTimeline {
    /// Runs of equal minutes, oldest first: the first minute (since 1970), how many, which shade.
    pub runs: VecDeque<(u64, u32, Shade)>,
    /// Marks, oldest first.
    pub marks: VecDeque<Mark>,
}
