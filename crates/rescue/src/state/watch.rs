//! The machine: remembers since when each aspect is bad, and what makes silence right.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::facts::Facts;
use super::judge::{Aspect, Judgement, Patience, judge};
use crate::observation::{Answer, Observation, ProcessSeen, Reception, Sighting};
use crate::seams::{KeeperReport, KeptState, Wanted};

/// So often the machine is told the time.
pub(crate) const TICK: Duration = Duration::from_millis(500);
/// A tick that comes so late says that this program was held up.
const LATE: Duration = Duration::from_secs(2);
/// So late says that the machine slept, or this program was frozen.
const FROZEN: Duration = Duration::from_secs(5);
/// After a sleep everything takes a while: network, supervisors, the other gateway.
const AFTER_SLEEP: Duration = Duration::from_secs(10);
/// How far back ends are counted.
const EXIT_WINDOW: Duration = Duration::from_mins(1);

/// The time, in all clocks that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Never set, stands still while the machine sleeps.
    pub monotonic: Duration,
    /// Never set, goes on while the machine sleeps.
    pub boottime: Duration,
    /// Milliseconds since 1970; only for the end of a pause, which is named by the wall clock.
    pub wall_ms: u64,
}

/// Why nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hush {
    /// Nothing was seen yet.
    Starting,
    /// It is meant to be down.
    Planned,
    /// The machine slept, or this program was frozen, a moment ago.
    Slept,
}

/// How the watched gateway stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nothing can or should be said.
    Hushed(Hush),
    /// Everything that is known is good.
    Healthy {
        /// Since when.
        since: Duration,
    },
    /// Something is bad, not for long enough.
    Suspect(Vec<Aspect>),
    /// Something is bad, and visible.
    Bad {
        /// What is bad; also what would not be visible by itself, where it may explain the rest.
        aspects: Vec<Aspect>,
        /// Since when, on the monotonic clock.
        since: Duration,
    },
}

/// The pure state machine.
#[derive(Debug, Clone)]
pub struct Watch {
    patience: Patience,
    facts: Facts,
    since: BTreeMap<Aspect, Duration>,
    healthy_since: Option<Duration>,
    last: Option<Now>,
    hold_until: Duration,
    /// Missing answers to looks that began before this are void.
    soft_from: Duration,
    exits: VecDeque<Duration>,
    restarts: VecDeque<Duration>,
    counted: Option<u32>,
    pid: Option<u32>,
    pause: Option<(u64, Duration)>,
}

impl Watch {
    /// A machine that has seen nothing yet.
    pub fn new(patience: Patience) -> Self {
        Self {
            patience,
            facts: Facts::default(),
            since: BTreeMap::new(),
            healthy_since: None,
            last: None,
            hold_until: Duration::ZERO,
            soft_from: Duration::ZERO,
            exits: VecDeque::new(),
            restarts: VecDeque::new(),
            counted: None,
            pid: None,
            pause: None,
        }
    }

    /// What is known.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Other patience, from now on.
    pub fn set_patience(&mut self, patience: Patience) {
        self.patience = patience;
    }

    /// Takes in what a probe saw.
    pub fn see(&mut self, now: Now, sighting: Sighting) {
        if is_missing_answer(&sighting.what) && sighting.began < self.soft_from {
            return;
        }
        self.count_exits(now, &sighting.what);
        match &sighting.what {
            Observation::Process(ProcessSeen::Gone { asked, .. }) if !self.facts.is_gone() => {
                let stopping = self.facts.kept().is_some_and(|kept| kept.state == KeptState::Stopping);
                self.facts.left_as_asked = *asked || stopping;
            }
            Observation::Http(Answer::Good) => self.facts.left_as_asked = false,
            _ => {}
        }
        self.facts.take(sighting.what);
        self.remember_pause(now);
        self.judge_all(now, sighting.began.min(now.monotonic));
    }

    /// The time goes on. To be called about twice a second: a late call says that this program was held up.
    pub fn tick(&mut self, now: Now) {
        if let Some(last) = self.last {
            let passed = now.monotonic.saturating_sub(last.monotonic);
            let slept = now.boottime.saturating_sub(last.boottime).saturating_sub(passed);
            if slept > Duration::from_secs(1) || passed > FROZEN {
                self.hold_until = now.monotonic + AFTER_SLEEP;
                self.soft_from = now.monotonic;
                self.since.values_mut().for_each(|since| *since = now.monotonic);
            } else if passed > LATE {
                self.soft_from = now.monotonic;
                let (facts, patience) = (&self.facts, &self.patience);
                for (aspect, since) in &mut self.since {
                    if matches!(judge(*aspect, facts, patience), Judgement::Bad { soft: true, .. }) {
                        *since = now.monotonic;
                    }
                }
            }
        }
        self.last = Some(now);
        self.forget_exits(now);
        self.judge_all(now, now.monotonic);
    }

    /// How it stands.
    pub fn standing(&self, now: Now) -> Standing {
        if self.is_planned(now) {
            return Standing::Hushed(Hush::Planned);
        }
        if now.monotonic < self.hold_until {
            return Standing::Hushed(Hush::Slept);
        }
        let is_visible = |aspect: Aspect, since: Duration| {
            let passed = now.monotonic.saturating_sub(since);
            matches!(judge(aspect, &self.facts, &self.patience), Judgement::Bad { after, .. } if passed >= after)
        };
        let all = self.since.iter().map(|(aspect, since)| (*aspect, *since));
        let visible: Vec<_> = all.filter(|(aspect, since)| is_visible(*aspect, *since)).collect();
        if let Some(since) = visible.iter().map(|(_, since)| *since).min() {
            // What is only suspected may explain what is visible, but a hiccup makes nothing worse.
            let down = visible.iter().any(|(aspect, _)| aspect.is_vital());
            let aspects = self.since.keys().copied().filter(|aspect| down || !aspect.is_vital()).collect();
            return Standing::Bad { aspects, since };
        }
        if !self.since.is_empty() {
            return Standing::Suspect(self.since.keys().copied().collect());
        }
        match self.healthy_since {
            Some(since) => Standing::Healthy { since },
            None => Standing::Hushed(Hush::Starting),
        }
    }

    /// Whether it is meant to be down now.
    fn is_planned(&self, now: Now) -> bool {
        let by_owner = match self.facts.wanted() {
            Wanted::Running => false,
            Wanted::Stopped => true,
            Wanted::Paused { .. } => self.pause.is_none_or(|(_, until)| now.monotonic < until),
        };
        // A service that somebody stopped; a process without a keeper that somebody asked to end.
        let by_service =
            !self.facts.answers() && self.facts.kept().is_none() && self.facts.service_was_stopped();
        let unkept = matches!(self.facts.keeper, Some(KeeperReport::None) | None);
        let has_service =
            self.facts.service.as_ref().is_some_and(|service| service.installed || service.masked);
        let by_hand = unkept
            && !has_service
            && self.facts.left_as_asked
            && self.facts.is_gone()
            && !self.facts.answers();
        by_owner || by_service || by_hand
    }

    /// A pause ends on the wall clock, which may be set: its length is measured once, when it is first seen.
    fn remember_pause(&mut self, now: Now) {
        let Wanted::Paused { until_ms } = self.facts.wanted() else {
            self.pause = None;
            return;
        };
        if self.pause.is_none_or(|(known, _)| known != until_ms) {
            let left = Duration::from_millis(until_ms.saturating_sub(now.wall_ms)) + self.patience.start;
            self.pause = Some((until_ms, now.monotonic + left));
        }
    }

    fn judge_all(&mut self, now: Now, began: Duration) {
        if self.is_planned(now) {
            self.since.clear();
            self.healthy_since = None;
            self.exits.clear();
            self.restarts.clear();
            self.facts.exits = 0;
            return;
        }
        for aspect in Aspect::ALL {
            match judge(aspect, &self.facts, &self.patience) {
                Judgement::Bad { soft, .. } => {
                    let from = if soft { began.max(self.soft_from) } else { began };
                    self.since.entry(aspect).or_insert(from);
                }
                Judgement::Good | Judgement::Unknown => {
                    self.since.remove(&aspect);
                }
            }
        }
        let known_good = self.facts.answers() || self.facts.kept().is_some() && self.facts.http.is_none();
        if self.since.is_empty() && known_good {
            self.healthy_since.get_or_insert(now.monotonic);
        } else {
            self.healthy_since = None;
        }
    }

    /// An end counts once, whoever tells of it: the process that is gone, or the keeper that started it again.
    fn count_exits(&mut self, now: Now, what: &Observation) {
        let planned = self.is_planned(now);
        match what {
            Observation::Process(ProcessSeen::Gone { pid, asked }) => {
                if !asked && !planned && self.pid.take() == Some(*pid) {
                    self.exits.push_back(now.monotonic);
                    self.facts.last_exit_at = Some(now.monotonic);
                }
                self.pid = None;
            }
            Observation::Process(ProcessSeen::Running { pid, .. } | ProcessSeen::Stopped { pid }) => {
                // Replaced between two looks. A keeper that counts says whether that was a crash.
                let replaced = self.pid.replace(*pid).is_some_and(|before| before != *pid);
                if replaced && !planned && self.counted.is_none() {
                    self.exits.push_back(now.monotonic);
                    self.facts.last_exit_at = Some(now.monotonic);
                }
            }
            Observation::Keeper(KeeperReport::Present { kept }) => self.count_restarts(now, kept.restarts),
            Observation::Service(service) if self.facts.kept().is_none() && service.installed => {
                self.count_restarts(now, service.restarts);
            }
            _ => return,
        }
        self.forget_exits(now);
    }

    fn count_restarts(&mut self, now: Now, restarts: u32) {
        let before = self.counted.replace(restarts);
        let new = before.map_or(0, |before| restarts.saturating_sub(before));
        for _ in 0..new.min(20) {
            self.restarts.push_back(now.monotonic);
            self.facts.last_exit_at = Some(now.monotonic);
        }
    }

    fn forget_exits(&mut self, now: Now) {
        let calm = |list: &VecDeque<Duration>| {
            list.back().is_none_or(|last| now.monotonic.saturating_sub(*last) >= self.patience.loop_over)
        };
        if calm(&self.exits) && calm(&self.restarts) {
            self.exits.clear();
            self.restarts.clear();
        }
        for list in [&mut self.exits, &mut self.restarts] {
            while list.front().is_some_and(|at| now.monotonic.saturating_sub(*at) > EXIT_WINDOW) {
                list.pop_front();
            }
        }
        // A keeper that counts knows which ends were asked for.
        let counted = if self.counted.is_some() { self.restarts.len() } else { self.exits.len() };
        self.facts.exits = u32::try_from(counted).unwrap_or(u32::MAX);
    }
}

/// Whether only a missing answer was seen: what a busy machine makes of a healthy gateway.
fn is_missing_answer(what: &Observation) -> bool {
    match what {
        Observation::Http(answer) | Observation::Hello(answer) => {
            matches!(answer, Answer::Silent | Answer::Unreachable { .. })
        }
        Observation::Bot(seen) | Observation::Model(seen) => seen.how == Reception::Failed,
        _ => false,
    }
}
