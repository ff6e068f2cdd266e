//! The drill: the watched gateway is really killed or stopped, and the times are taken. Pure; the watcher acts.

use serde::{Deserialize, Serialize};

/// What is done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DrillKind {
    /// Killed, as a crash would; whoever keeps it should have it back at once.
    Kill,
    /// Stopped so that it stays down; it is told as a real incident, then repaired by a start.
    Stop,
}

/// What a drill measured. All times in milliseconds since the gateway was ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DrillReport {
    /// What was done.
    pub kind: DrillKind,
    /// Who asked.
    pub by: String,
    /// When it was ended, in milliseconds since 1970.
    pub began_ms: u64,
    /// Until it was noticed.
    pub noticed_after_ms: Option<u64>,
    /// Until the first recipient was told. After a kill: of a drill whose gateway was back before anybody had to be
    /// told, until the drill's own message arrived.
    pub told_after_ms: Option<u64>,
    /// Until it was seen healthy again.
    pub repaired_after_ms: Option<u64>,
    /// In one sentence.
    pub verdict: String,
}

/// A drill that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drill {
    /// What was done.
    pub kind: DrillKind,
    by: String,
    /// On the monotonic clock and on the wall.
    began: std::time::Duration,
    began_ms: u64,
    noticed: Option<u64>,
    told: Option<u64>,
    repaired: Option<u64>,
}

/// A drill that is not over by then has failed.
const LONGEST: std::time::Duration = std::time::Duration::from_mins(3);

impl Drill {
    /// It was just ended.
    pub fn begin(kind: DrillKind, by: String, monotonic: std::time::Duration, wall_ms: u64) -> Self {
        Self { kind, by, began: monotonic, began_ms: wall_ms, noticed: None, told: None, repaired: None }
    }

    fn after(&self, monotonic: std::time::Duration) -> u64 {
        u64::try_from(monotonic.saturating_sub(self.began).as_millis()).unwrap_or(u64::MAX)
    }

    /// The end was noticed.
    pub fn noticed(&mut self, monotonic: std::time::Duration) {
        let after = self.after(monotonic);
        self.noticed.get_or_insert(after);
    }

    /// Somebody was told.
    pub fn told(&mut self, monotonic: std::time::Duration) {
        let after = self.after(monotonic);
        self.told.get_or_insert(after);
    }

    /// It is healthy since then; counts only after it was noticed.
    pub fn healthy(&mut self, since: std::time::Duration) {
        if self.noticed.is_some() && since > self.began {
            let after = self.after(since);
            self.repaired.get_or_insert(after);
        }
    }

    /// Whether it is time to repair it: a stopped one that was told stays down otherwise.
    pub fn wants_repair(&self) -> bool {
        self.kind == DrillKind::Stop && self.told.is_some() && self.repaired.is_none()
    }

    /// Whether the message of the drill itself is due: it was back before anybody had to be told.
    pub fn wants_message(&self) -> bool {
        self.repaired.is_some() && self.told.is_none()
    }

    /// The report, once everything was measured or the time is over.
    pub fn report(&self, monotonic: std::time::Duration, nobody_to_tell: bool) -> Option<DrillReport> {
        let told = self.told.is_some() || nobody_to_tell;
        let done = self.noticed.is_some() && told && self.repaired.is_some();
        let late = monotonic.saturating_sub(self.began) >= LONGEST;
        if !done && !late {
            return None;
        }
        let verdict = match (self.noticed, self.told, self.repaired) {
            (None, ..) => "It was not noticed.".to_owned(),
            (_, _, None) => "It was noticed and did not come back.".to_owned(),
            (Some(noticed), Some(told), Some(repaired)) => {
                let [noticed, told, repaired] = [noticed, told, repaired].map(seconds);
                format!("Noticed after {noticed}, told after {told}, healthy after {repaired}.")
            }
            (Some(noticed), None, Some(repaired)) => {
                let [noticed, repaired] = [noticed, repaired].map(seconds);
                format!("Noticed after {noticed}, healthy after {repaired}; there was nobody to tell.")
            }
        };
        Some(DrillReport {
            kind: self.kind,
            by: self.by.clone(),
            began_ms: self.began_ms,
            noticed_after_ms: self.noticed,
            told_after_ms: self.told,
            repaired_after_ms: self.repaired,
            verdict,
        })
    }
}

fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1000, ms % 1000 / 100)
}
