//! `rescue.auto`: what is done without asking, and how seldom. Pure.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use super::request::RemedyKind;
use crate::cause::Cause;
use crate::incident::{Incident, Phase};

/// How much is done without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Auto {
    /// Nothing.
    #[default]
    Off,
    /// A restart, where that helps.
    Restart,
    /// And the last good configuration, where the present one is the reason.
    Rollback,
}

/// An incident is left to itself (and to its supervisor) for so long first.
const PATIENCE: Duration = Duration::from_secs(5);
const HOUR: Duration = Duration::from_hours(1);
/// More repairs than this within an hour help nobody.
const MOST_PER_HOUR: usize = 3;

/// Remembers what was done without asking.
#[derive(Debug, Clone, Default)]
pub struct AutoPilot {
    mode: Auto,
    done: VecDeque<Duration>,
}

impl AutoPilot {
    /// With a mode; what was done counts on.
    pub fn set_mode(&mut self, mode: Auto) {
        self.mode = mode;
    }

    /// What to do now, if anything. `open_for` is how long the incident has been open. Whatever is returned counts as
    /// done.
    pub fn choose(
        &mut self,
        now: Duration,
        open_for: Duration,
        incident: &Incident,
        able: &BTreeSet<RemedyKind>,
    ) -> Option<RemedyKind> {
        let calm = matches!(incident.phase, Phase::Open) && open_for >= PATIENCE && !incident.drill;
        self.done.retain(|at| now.saturating_sub(*at) < HOUR);
        if self.mode == Auto::Off || !calm || self.done.len() >= MOST_PER_HOUR {
            return None;
        }
        let untried = |kind: &RemedyKind| incident.remedies.iter().all(|remedy| remedy.remedy != *kind);
        let chosen =
            wished(self.mode, incident).into_iter().find(|kind| able.contains(kind) && untried(kind))?;
        self.done.push_back(now);
        Some(chosen)
    }
}

fn wished(mode: Auto, incident: &Incident) -> Vec<RemedyKind> {
    let rollback = mode == Auto::Rollback;
    match &incident.cause {
        Cause::Hung { .. } => vec![RemedyKind::Restart],
        Cause::Killed { .. } | Cause::Down => vec![RemedyKind::Start, RemedyKind::Restart],
        Cause::ConfigEmptied { .. } | Cause::ConfigInvalid { .. } if rollback => vec![RemedyKind::Rollback],
        Cause::CrashLoop { .. } if rollback && !incident.config_change.is_empty() => {
            vec![RemedyKind::Rollback]
        }
        _ => Vec::new(),
    }
}
