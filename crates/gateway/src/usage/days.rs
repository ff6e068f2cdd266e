//! Calendar days: which are asked for, and on which one something happened.

use bulkhead_protocol::ErrorShape;
use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use jiff::{Span, Timestamp};
use serde::Deserialize;

/// Most days that one answer lists.
const MOST_DAYS: i64 = 400;

/// How clients say which days they mean.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Asked {
    pub(crate) start_date: Option<String>,
    pub(crate) end_date: Option<String>,
    /// `utc`, `gateway` (the default) or `specific`.
    pub(crate) mode: Option<String>,
    pub(crate) utc_offset: Option<String>,
    pub(crate) time_zone: Option<String>,
    /// `7d`, `30d`, `90d`, `1y` or `all`.
    pub(crate) range: Option<String>,
    pub(crate) days: Option<i64>,
}

/// The days that are meant, both included.
#[derive(Debug, Clone)]
pub(crate) struct Range {
    pub(crate) first: Date,
    pub(crate) last: Date,
    zone: TimeZone,
}

impl Range {
    /// Reads what was asked; without anything the last 30 days in this machine's time zone.
    pub(crate) fn of(asked: &Asked, now_ms: u64) -> Result<Self, ErrorShape> {
        let zone = zone(asked)?;
        let today = date_of(now_ms, &zone);
        match (&asked.start_date, &asked.end_date) {
            (Some(start), Some(end)) => {
                let (first, last) = (date("startDate", start)?, date("endDate", end)?);
                if first > last {
                    return Err(ErrorShape::invalid_request("startDate must not be after endDate"));
                }
                Ok(Self { first, last, zone })
            }
            (None, None) => {
                let days = match asked.range.as_deref() {
                    Some("7d") => 7,
                    Some("30d") => 30,
                    Some("90d") => 90,
                    Some("1y") => 365,
                    Some("all") => MOST_DAYS,
                    None => asked.days.unwrap_or(30),
                    Some(other) => {
                        return Err(ErrorShape::invalid_request(format!(
                            "range: found {other:?}, expected 7d, 30d, 90d, 1y or all"
                        )));
                    }
                };
                let back = Span::new().days(days.clamp(1, MOST_DAYS) - 1);
                Ok(Self { first: today.saturating_sub(back), last: today, zone })
            }
            _ => Err(ErrorShape::invalid_request("startDate and endDate must be given together")),
        }
    }

    /// When the first day begins, in milliseconds since 1970.
    #[allow(clippy::wrong_self_convention, reason = "from a day until another")]
    pub(crate) fn from_ms(&self) -> i64 {
        self.begins(self.first)
    }

    /// When the day after the last one begins.
    pub(crate) fn until_ms(&self) -> i64 {
        self.begins(self.last.saturating_add(Span::new().days(1)))
    }

    fn begins(&self, day: Date) -> i64 {
        self.zone
            .to_ambiguous_zoned(day.at(0, 0, 0, 0))
            .compatible()
            .map_or(0, |at| at.timestamp().as_millisecond())
    }

    /// The day on which something happened.
    pub(crate) fn day_of(&self, ms: i64) -> String {
        date_of(u64::try_from(ms).unwrap_or(0), &self.zone).to_string()
    }

    /// Every day, oldest first; of a longer range the last ones.
    pub(crate) fn days(&self) -> Vec<String> {
        let mut days: Vec<String> = Vec::new();
        let mut day = self.last;
        while day >= self.first && days.len() < usize::try_from(MOST_DAYS).unwrap_or(0) {
            days.push(day.to_string());
            day = day.saturating_sub(Span::new().days(1));
        }
        days.reverse();
        days
    }
}

fn date_of(ms: u64, zone: &TimeZone) -> Date {
    let at = Timestamp::from_millisecond(i64::try_from(ms).unwrap_or(i64::MAX)).unwrap_or(Timestamp::MAX);
    zone.to_datetime(at).date()
}

fn date(field: &str, text: &str) -> Result<Date, ErrorShape> {
    text.parse().map_err(|_| {
        ErrorShape::invalid_request(format!("{field}: found {text:?}, expected a day such as 2026-11-20"))
    })
}

fn zone(asked: &Asked) -> Result<TimeZone, ErrorShape> {
    match asked.mode.as_deref() {
        None | Some("gateway") => Ok(TimeZone::system()),
        Some("utc") => Ok(TimeZone::UTC),
        Some("specific") => {
            if let Some(zone) = asked.time_zone.as_deref().and_then(|name| TimeZone::get(name).ok()) {
                return Ok(zone);
            }
            let offset = asked.utc_offset.as_deref().and_then(offset);
            offset.map(TimeZone::fixed).ok_or_else(|| {
                ErrorShape::invalid_request(
                    "mode \"specific\": found no time zone that is known here, expected timeZone (Europe/Berlin) or utcOffset \
                     (UTC+2)",
                )
            })
        }
        Some(other) => Err(ErrorShape::invalid_request(format!(
            "mode: found {other:?}, expected utc, gateway or specific"
        ))),
    }
}

/// `UTC+5:30`.
fn offset(text: &str) -> Option<Offset> {
    let rest = text.strip_prefix("UTC")?;
    let sign = match rest.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let (hours, minutes) = rest[1..].split_once(':').unwrap_or((&rest[1..], "0"));
    let seconds =
        hours.parse::<i32>().ok()?.checked_mul(60)?.checked_add(minutes.parse().ok()?)?.checked_mul(60)?;
    Offset::from_seconds(sign * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: u64 = 1_795_176_000_000; // 2026-11-20T12:00:00Z

    fn asked(zone: &str, days: i64) -> Asked {
        Asked {
            mode: Some("specific".into()),
            utc_offset: Some(zone.into()),
            days: Some(days),
            ..Asked::default()
        }
    }

    #[test]
    fn days_are_those_of_the_asked_time_zone() {
        let here = Range::of(&asked("UTC+0", 2), NOON).unwrap();
        assert_eq!(here.days(), ["2026-11-19", "2026-11-20"]);
        assert_eq!(here.until_ms() - here.from_ms(), 2 * 86_400_000);
        let there = Range::of(&asked("UTC+13", 1), NOON).unwrap();
        assert_eq!(there.days(), ["2026-11-21"]);
        assert_eq!(there.day_of(i64::try_from(NOON).unwrap()), "2026-11-21");
        assert_eq!(
            Range::of(&Asked { mode: Some("utc".into()), ..Asked::default() }, NOON).unwrap().days().len(),
            30
        );
    }

    #[test]
    fn nonsense_is_named() {
        let both = |start: &str, end: Option<&str>| {
            let asked = Asked {
                start_date: Some(start.into()),
                end_date: end.map(str::to_owned),
                ..Asked::default()
            };
            Range::of(&asked, NOON).unwrap_err().message
        };
        assert!(both("2026-11-31", Some("2026-12-01")).contains("startDate"));
        assert!(both("2026-11-20", None).contains("together"));
        assert!(both("2026-11-20", Some("2026-11-19")).contains("after"));
        assert!(Range::of(&asked("Mars", 1), NOON).unwrap_err().message.contains("utcOffset"));
    }
}
