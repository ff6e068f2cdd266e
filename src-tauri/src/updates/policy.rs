//! What follows when the gateway's program has changed: main takes the new one up first, rescue stays on the previous one
//! until main has been well for ten minutes, and when main does not come up there is a way back. Pure; the clock is
//! passed in.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long main has to be well on a new program, without a break, before rescue takes it up too.
pub const PROBATION: Duration = Duration::from_mins(10);
/// How long main may take to come up on it before the way back is taken.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// A program of a gateway, told from others by its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// What it says its version is.
    pub version: String,
    /// SHA-256 of the file, in hex.
    pub digest: String,
}

/// How far a change is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Stage {
    /// Every gateway runs the program beside the app.
    #[default]
    Settled,
    /// Main runs the new one, rescue the old one.
    Trying {
        /// Where rescue stays.
        old: Program,
        /// When main was given the new one, in milliseconds since 1970.
        begun_ms: u64,
    },
    /// Main did not come up on the new one: all run the old one, until there is yet another.
    WentBack {
        /// What all run.
        old: Program,
        /// When the way back was taken, in milliseconds since 1970.
        at_ms: u64,
        /// Why.
        why: String,
    },
}

/// What is kept over restarts of the app.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The program beside the app, as it was looked at last.
    pub beside: Option<Program>,
    /// How far its change is.
    #[serde(flatten)]
    pub stage: Stage,
}

/// Which program a gateway is started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice<'a> {
    /// The one beside the app.
    Beside,
    /// The kept copy of an older one.
    Kept(&'a Program),
}

impl Record {
    /// The program beside the app was looked at. `kept` says of which older programs there are copies: without one there
    /// is nothing to stay on, and no way back.
    pub fn looked(&self, found: Program, kept: impl Fn(&Program) -> bool, now_ms: u64) -> Self {
        let Some(before) = &self.beside else {
            return Self { beside: Some(found), stage: Stage::Settled };
        };
        if before.digest == found.digest {
            return self.clone();
        }
        // What rescue runs now is what it stays on, also when a second update comes before the first is settled.
        let old = match &self.stage {
            Stage::Settled => before,
            Stage::Trying { old, .. } | Stage::WentBack { old, .. } => old,
        };
        let stage = if old.digest == found.digest || !kept(old) {
            Stage::Settled
        } else {
            Stage::Trying { old: old.clone(), begun_ms: now_ms }
        };
        Self { beside: Some(found), stage }
    }

    /// What a gateway is started with from now on.
    pub fn choice(&self, is_rescue: bool) -> Choice<'_> {
        match &self.stage {
            Stage::Trying { old, .. } if is_rescue => Choice::Kept(old),
            Stage::WentBack { old, .. } => Choice::Kept(old),
            Stage::Settled | Stage::Trying { .. } => Choice::Beside,
        }
    }

    /// The older program that is still needed.
    pub fn needed(&self) -> Option<&Program> {
        match &self.stage {
            Stage::Settled => None,
            Stage::Trying { old, .. } | Stage::WentBack { old, .. } => Some(old),
        }
    }

    /// Main was well for long enough.
    pub fn passed(&self) -> Self {
        Self { beside: self.beside.clone(), stage: Stage::Settled }
    }

    /// Main did not come up.
    pub fn went_back(&self, why: &str, now_ms: u64) -> Self {
        match &self.stage {
            Stage::Trying { old, .. } => Self {
                beside: self.beside.clone(),
                stage: Stage::WentBack { old: old.clone(), at_ms: now_ms, why: why.to_owned() },
            },
            Stage::Settled | Stage::WentBack { .. } => self.clone(),
        }
    }
}

/// How main is, as far as its program is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// It answers, on its own configuration.
    Well,
    /// On its way up, or crashing with pauses.
    Coming,
    /// Somebody stopped it, or it waits for the keychain: nothing that a program is to blame for.
    Away,
    /// It was given up, or runs on less than its configuration.
    Broken(String),
}

/// What follows from a look at main.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing yet. Look again after this long, or when something changes.
    Wait(Duration),
    /// Nothing until something changes.
    Idle,
    /// Rescue may take the new program up.
    Passed,
    /// The way back.
    Failed(String),
}

/// The trial of a new program in main. Times are of a monotonic clock.
#[derive(Debug, Clone, Default)]
pub struct Trial {
    /// Since when main has been well without a break.
    well_since: Option<Duration>,
    /// Since when it has been on its way without a break.
    coming_since: Option<Duration>,
}

impl Trial {
    /// Main was looked at.
    pub fn look(&mut self, health: &Health, now: Duration) -> Verdict {
        let left = |since: Duration, limit: Duration| limit.saturating_sub(now.saturating_sub(since));
        if *health != Health::Well {
            self.well_since = None;
        }
        if *health != Health::Coming {
            self.coming_since = None;
        }
        match health {
            Health::Well => match left(*self.well_since.get_or_insert(now), PROBATION) {
                Duration::ZERO => Verdict::Passed,
                wait => Verdict::Wait(wait),
            },
            Health::Coming => match left(*self.coming_since.get_or_insert(now), PATIENCE) {
                Duration::ZERO => {
                    Verdict::Failed(format!("it did not come up within {} seconds", PATIENCE.as_secs()))
                }
                wait => Verdict::Wait(wait),
            },
            Health::Away => Verdict::Idle,
            Health::Broken(why) => Verdict::Failed(why.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(version: &str) -> Program {
        Program { version: version.to_owned(), digest: format!("digest of {version}") }
    }

    fn settled(version: &str) -> Record {
        Record { beside: Some(program(version)), stage: Stage::Settled }
    }

    fn minutes(minutes: u64) -> Duration {
        Duration::from_mins(minutes)
    }

    #[test]
    fn the_first_program_is_everybodys() {
        let record = Record::default().looked(program("1"), |_| true, 5);
        assert_eq!(record, settled("1"));
        assert_eq!(record.choice(true), Choice::Beside);
    }

    #[test]
    fn main_takes_a_new_program_up_first_and_rescue_stays() {
        let record = settled("1").looked(program("2"), |_| true, 5);
        assert_eq!(record.choice(false), Choice::Beside);
        assert_eq!(record.choice(true), Choice::Kept(&program("1")));
        assert_eq!(record.needed(), Some(&program("1")));
        assert_eq!(record.passed(), settled("2"));
    }

    #[test]
    fn a_second_update_leaves_rescue_where_it_is() {
        let record = settled("1").looked(program("2"), |_| true, 5).looked(program("3"), |_| true, 9);
        assert_eq!(record.choice(true), Choice::Kept(&program("1")));
        assert_eq!(record.stage, Stage::Trying { old: program("1"), begun_ms: 9 });
    }

    #[test]
    fn the_old_program_put_back_settles_it() {
        let trying = settled("1").looked(program("2"), |_| true, 5);
        assert_eq!(trying.looked(program("1"), |_| true, 9), settled("1"));
        assert_eq!(trying.went_back("why", 7).looked(program("1"), |_| true, 9), settled("1"));
    }

    #[test]
    fn without_a_copy_of_the_old_one_all_take_the_new_one() {
        assert_eq!(settled("1").looked(program("2"), |_| false, 5), settled("2"));
    }

    #[test]
    fn the_way_back_is_for_everybody_until_yet_another_program_comes() {
        let back = settled("1").looked(program("2"), |_| true, 5).went_back("it crashed", 7);
        assert_eq!(back.choice(false), Choice::Kept(&program("1")));
        assert_eq!(back.choice(true), Choice::Kept(&program("1")));
        // The same new program, found again at the next start of the app, is not tried again.
        assert_eq!(back.looked(program("2"), |_| true, 9), back);
        let again = back.looked(program("3"), |_| true, 9);
        assert_eq!(again.choice(false), Choice::Beside);
        assert_eq!(again.choice(true), Choice::Kept(&program("1")));
        assert_eq!(settled("1").went_back("nothing to go back from", 7), settled("1"));
    }

    #[test]
    fn the_record_reads_as_it_was_written() {
        for record in [
            Record::default(),
            settled("1"),
            settled("1").looked(program("2"), |_| true, 5),
            settled("1").looked(program("2"), |_| true, 5).went_back("why", 7),
        ] {
            let text = serde_json::to_string(&record).expect("JSON");
            assert_eq!(serde_json::from_str::<Record>(&text).expect(&text), record);
        }
    }

    #[test]
    fn ten_minutes_without_a_break_pass() {
        let mut trial = Trial::default();
        assert_eq!(trial.look(&Health::Coming, minutes(0)), Verdict::Wait(PATIENCE));
        assert_eq!(trial.look(&Health::Well, minutes(1)), Verdict::Wait(PROBATION));
        assert_eq!(trial.look(&Health::Well, minutes(6)), Verdict::Wait(minutes(5)));
        assert_eq!(trial.look(&Health::Well, minutes(11)), Verdict::Passed);
    }

    #[test]
    fn a_break_begins_the_ten_minutes_anew() {
        let mut trial = Trial::default();
        trial.look(&Health::Well, minutes(0));
        trial.look(&Health::Coming, minutes(9));
        assert_eq!(trial.look(&Health::Well, minutes(10)), Verdict::Wait(PROBATION));
        // A planned stop is no failure, however long, and no health either.
        assert_eq!(trial.look(&Health::Away, minutes(15)), Verdict::Idle);
        assert_eq!(trial.look(&Health::Well, minutes(300)), Verdict::Wait(PROBATION));
    }

    #[test]
    fn main_that_does_not_come_up_leads_back() {
        let mut trial = Trial::default();
        trial.look(&Health::Coming, minutes(0));
        assert_eq!(trial.look(&Health::Coming, minutes(1)), Verdict::Wait(minutes(1)));
        assert!(matches!(trial.look(&Health::Coming, minutes(2)), Verdict::Failed(_)));
        let broken = Health::Broken("it crashed four times".to_owned());
        assert_eq!(
            Trial::default().look(&broken, minutes(0)),
            Verdict::Failed("it crashed four times".to_owned())
        );
    }
}
