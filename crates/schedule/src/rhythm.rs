//! The times of a schedule. Pure: the present and the machine's time zone are passed in.

use bulkhead_protocol::methods::cron::CronSchedule;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use sha2::{Digest as _, Sha256};

use crate::ScheduleError;

/// Runs of one job are never closer than this, in milliseconds.
pub(crate) const CLOSEST: i64 = 1000;
/// The longest interval: a hundred years.
const LONGEST: i64 = 100 * 366 * 86_400_000;
/// What begins on the hour is put off by up to this, unless the schedule says otherwise.
const STAGGER: i64 = 300_000;
/// Bytes of an expression.
const LONGEST_EXPR: usize = 256;

/// A schedule that was read and can be asked.
#[derive(Debug, Clone)]
pub enum Rhythm {
    /// Once, in milliseconds since 1970.
    Once(i64),
    /// After the same time, again and again.
    Every {
        /// Milliseconds.
        every: i64,
        /// One of the times.
        anchor: i64,
    },
    /// By an expression.
    Cron {
        /// The expression.
        cron: Box<Cron>,
        /// Where it counts.
        zone: TimeZone,
        /// How long each run is put off, in milliseconds.
        offset: i64,
    },
}

impl Rhythm {
    /// Reads a schedule. `id` spreads jobs over their stagger window; `local` is the zone of expressions that name none.
    pub fn read(schedule: &CronSchedule, id: &str, local: &TimeZone) -> Result<Self, ScheduleError> {
        match schedule {
            CronSchedule::At { at } => Ok(Self::Once(read_at(at)?)),
            CronSchedule::Every { every_ms, anchor_ms } => {
                if !(CLOSEST..=LONGEST).contains(every_ms) {
                    return Err(ScheduleError::field(
                        "schedule.everyMs",
                        format!("found {every_ms}, expected {CLOSEST} to {LONGEST} milliseconds"),
                    ));
                }
                Ok(Self::Every { every: *every_ms, anchor: anchor_ms.unwrap_or(0) })
            }
            CronSchedule::Cron { expr, tz, stagger_ms } => {
                let zone = match tz.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
                    None => local.clone(),
                    Some(name) => TimeZone::get(name).map_err(|_| {
                        ScheduleError::field(
                            "schedule.tz",
                            format!("found {name:?}, expected an IANA name such as Europe/Berlin"),
                        )
                    })?,
                };
                let window = stagger_ms.unwrap_or(0);
                if !(0..=86_400_000).contains(&window) {
                    return Err(ScheduleError::field(
                        "schedule.staggerMs",
                        format!("found {window}, expected 0 to 86400000 milliseconds"),
                    ));
                }
                Ok(Self::Cron { cron: Box::new(read_cron(expr)?), zone, offset: spread(id, window) })
            }
        }
    }

    /// The first time after `now`; `None`: never again.
    pub fn next_after(&self, now: i64) -> Result<Option<i64>, ScheduleError> {
        match self {
            Self::Once(at) => Ok((*at > now).then_some(*at)),
            Self::Every { every, anchor } => {
                let since = now.saturating_sub(*anchor);
                let times = since.div_euclid(*every) + 1;
                Ok(Some(anchor.saturating_add(times.saturating_mul(*every))))
            }
            Self::Cron { cron, zone, offset } => {
                let from = Timestamp::from_millisecond(now - offset)
                    .map_err(|error| ScheduleError::field("schedule", error.to_string()))?;
                let from: Zoned = from.to_zoned(zone.clone());
                let mut next = cron.find_next_occurrence(&from, false).map_err(|error| never(&error))?;
                // What the library takes for the same second is not later.
                while next.timestamp().as_millisecond() + offset <= now {
                    next = cron.find_next_occurrence(&next, false).map_err(|error| never(&error))?;
                }
                Ok(Some(next.timestamp().as_millisecond() + offset))
            }
        }
    }

    /// Whether it runs more than once.
    pub fn recurs(&self) -> bool {
        !matches!(self, Self::Once(_))
    }
}

fn never(error: &croner::errors::CronError) -> ScheduleError {
    ScheduleError::field("schedule.expr", format!("no time fits this expression ({error})"))
}

/// The schedule as it is kept: with its anchor, its stagger window, its time in full.
pub fn normal(schedule: CronSchedule, now: i64) -> Result<CronSchedule, ScheduleError> {
    Ok(match schedule {
        CronSchedule::At { at } => {
            let at = Timestamp::from_millisecond(read_at(&at)?)
                .map_err(|error| ScheduleError::field("schedule.at", error.to_string()))?;
            CronSchedule::At { at: format!("{at:.3}") }
        }
        CronSchedule::Every { every_ms, anchor_ms } => {
            CronSchedule::Every { every_ms, anchor_ms: Some(anchor_ms.unwrap_or(now)) }
        }
        CronSchedule::Cron { expr, tz, stagger_ms } => {
            let stagger_ms = stagger_ms.or_else(|| on_the_hour(&expr).then_some(STAGGER));
            let tz = tz.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
            CronSchedule::Cron { expr: expr.trim().to_owned(), tz, stagger_ms }
        }
    })
}

/// Minute 0 of every (or every nth) hour: when everything else begins too.
fn on_the_hour(expr: &str) -> bool {
    let fields: Vec<&str> = expr.split_whitespace().collect();
    match fields.as_slice() {
        ["0", hour, _, _, _] | ["0", "0", hour, _, _, _] => hour.starts_with('*'),
        _ => false,
    }
}

fn read_cron(expr: &str) -> Result<Cron, ScheduleError> {
    let wrong = |why: String| {
        ScheduleError::field(
            "schedule.expr",
            format!("found {expr:?} ({why}), expected five or six fields such as 0 7 * * *"),
        )
    };
    if expr.len() > LONGEST_EXPR {
        return Err(wrong(format!("{} bytes", expr.len())));
    }
    let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build();
    parser.parse(expr.trim()).map_err(|error| wrong(error.to_string()))
}

fn read_at(text: &str) -> Result<i64, ScheduleError> {
    let text = text.trim();
    let read = text.parse::<Timestamp>().ok().or_else(|| {
        text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    });
    read.map(Timestamp::as_millisecond).filter(|ms| *ms >= 0).ok_or_else(|| {
        ScheduleError::field(
            "schedule.at",
            format!("found {text:?}, expected a time such as 2027-02-01T16:00:00Z"),
        )
    })
}

/// A place in a window, always the same for the same job.
fn spread(id: &str, window: i64) -> i64 {
    if window <= 0 {
        return 0;
    }
    let hash = Sha256::digest(id.as_bytes());
    let number = hash.iter().take(7).fold(0_i64, |number, byte| (number << 8) | i64::from(*byte));
    number % window
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cron(expr: &str, tz: &str) -> Rhythm {
        let schedule = CronSchedule::Cron { expr: expr.into(), tz: Some(tz.into()), stagger_ms: None };
        Rhythm::read(&schedule, "job", &TimeZone::UTC).unwrap()
    }

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    fn times(rhythm: &Rhythm, from: &str, count: usize) -> Vec<String> {
        let mut now = ms(from);
        (0..count)
            .map(|_| {
                now = rhythm.next_after(now).unwrap().unwrap();
                Timestamp::from_millisecond(now).unwrap().to_string()
            })
            .collect()
    }

    #[test]
    fn an_hour_that_does_not_exist_runs_right_after_it() {
        // In Berlin, 2026-03-29 has no 02:30; the clock goes from 01:59:59 to 03:00:00.
        let daily = cron("30 2 * * *", "Europe/Berlin");
        assert_eq!(
            times(&daily, "2026-03-28T00:00:00Z", 3),
            ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
        );
    }

    #[test]
    fn an_hour_that_is_there_twice_runs_once_for_a_fixed_time_and_twice_for_an_interval() {
        // In Berlin, 2026-10-25 has 02:30 twice: at 00:30 and at 01:30 UTC.
        let daily = cron("30 2 * * *", "Europe/Berlin");
        assert_eq!(
            times(&daily, "2026-10-24T12:00:00Z", 2),
            ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
        );
        let often = cron("*/30 * * * *", "Europe/Berlin");
        assert_eq!(
            times(&often, "2026-10-25T00:00:00Z", 4),
            ["2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:00:00Z"]
        );
    }

    #[test]
    fn expressions_have_five_or_six_fields_and_mean_something() {
        let read = |expr: &str| {
            let schedule = CronSchedule::Cron { expr: expr.into(), tz: None, stagger_ms: None };
            Rhythm::read(&schedule, "job", &TimeZone::UTC).and_then(|rhythm| rhythm.next_after(0))
        };
        assert_eq!(read("*/10 * * * * *").unwrap(), Some(10_000));
        assert_eq!(read("0 0 1 1 *").unwrap(), Some(365 * 86_400_000));
        for bad in ["foo", "", "* * * *", "0 0 0 1 1 * 2030", "0 0 30 2 *", "61 * * * *"] {
            let error = read(bad).unwrap_err().to_string();
            assert!(error.starts_with("schedule.expr: "), "{bad:?}: {error}");
        }
        // Day of month and day of week: either fits.
        let either = cron("0 0 13 * FRI", "UTC");
        assert_eq!(
            times(&either, "2026-11-11T00:00:00Z", 3),
            ["2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z", "2026-11-27T00:00:00Z"]
        );
    }

    #[test]
    fn what_begins_on_the_hour_is_spread_and_always_the_same() {
        let kept = normal(CronSchedule::Cron { expr: "0 * * * *".into(), tz: None, stagger_ms: None }, 0);
        let kept = kept.unwrap();
        assert!(matches!(kept, CronSchedule::Cron { stagger_ms: Some(300_000), .. }));
        let next =
            |id: &str| Rhythm::read(&kept, id, &TimeZone::UTC).unwrap().next_after(1).unwrap().unwrap();
        assert_eq!(next("a"), next("a"));
        let spread: std::collections::BTreeSet<_> =
            (0..50).map(|n| next(&n.to_string()) % 3_600_000).collect();
        assert!(spread.len() > 20 && spread.iter().all(|at| *at < 300_000));
        let daily = normal(CronSchedule::Cron { expr: "0 7 * * *".into(), tz: None, stagger_ms: None }, 0);
        assert!(matches!(daily.unwrap(), CronSchedule::Cron { stagger_ms: None, .. }));
    }

    #[test]
    fn times_are_read_with_and_without_an_offset() {
        let at = |text: &str| normal(CronSchedule::At { at: text.into() }, 0);
        for text in ["2027-01-01T00:00:00", "2027-01-01T01:00:00+01:00", "2027-01-01"] {
            assert_eq!(
                at(text).unwrap(),
                CronSchedule::At { at: "2027-01-01T00:00:00.000Z".into() },
                "{text}"
            );
        }
        assert!(at("tomorrow").unwrap_err().to_string().contains("schedule.at"));
    }
}
