//! Quiet hours: from when to when in which time zone, and what is told all the same. Pure.

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;

use crate::cause::Severity;

/// Quiet hours.
#[derive(Debug, Clone, PartialEq)]
pub struct QuietHours {
    from: Time,
    to: Time,
    zone: TimeZone,
    urgent_breaks_through: bool,
}

impl QuietHours {
    /// From and to as `HH:MM`; a name such as `Europe/Berlin`, or the machine's time zone. `None` if the times cannot
    /// be read; a time zone that is not known counts as the machine's.
    pub fn parse(from: &str, to: &str, zone: Option<&str>, urgent_breaks_through: bool) -> Option<Self> {
        let time = |text: &str| {
            let (hour, minute) = text.split_once(':')?;
            Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
        };
        let zone = zone.and_then(|name| TimeZone::get(name).ok()).unwrap_or_else(TimeZone::system);
        Some(Self { from: time(from)?, to: time(to)?, zone, urgent_breaks_through })
    }

    /// Whether it is quiet at this time.
    pub fn is_quiet(&self, wall_ms: u64) -> bool {
        let Some(time) = local_time(wall_ms, &self.zone) else { return false };
        if self.from <= self.to {
            self.from <= time && time < self.to
        } else {
            time >= self.from || time < self.to
        }
    }

    /// Whether something of this severity waits until they are over.
    pub fn holds(&self, severity: Severity, wall_ms: u64) -> bool {
        let urgent = severity == Severity::Down && self.urgent_breaks_through;
        !urgent && self.is_quiet(wall_ms)
    }
}

fn local_time(wall_ms: u64, zone: &TimeZone) -> Option<Time> {
    let stamp = Timestamp::from_millisecond(i64::try_from(wall_ms).ok()?).ok()?;
    Some(stamp.to_zoned(zone.clone()).time())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: &QuietHours, stamp: &str) -> bool {
        let stamp: Timestamp = stamp.parse().unwrap();
        hours.is_quiet(u64::try_from(stamp.as_millisecond()).unwrap())
    }

    #[test]
    fn over_midnight_in_another_zone() {
        let hours = QuietHours::parse("22:00", "07:30", Some("Europe/Berlin"), true).unwrap();
        // Berlin is an hour ahead in winter, two in summer.
        assert!(at(&hours, "2026-01-10T21:00:00Z") && !at(&hours, "2026-01-10T20:59:00Z"));
        assert!(at(&hours, "2026-07-10T20:00:00Z") && !at(&hours, "2026-07-10T19:59:00Z"));
        assert!(at(&hours, "2026-01-10T06:29:00Z") && !at(&hours, "2026-01-10T06:30:00Z"));
    }

    #[test]
    fn what_is_down_breaks_through_unless_told_otherwise() {
        let night =
            u64::try_from("2026-01-10T02:00:00Z".parse::<Timestamp>().unwrap().as_millisecond()).unwrap();
        let hours = |urgent| QuietHours::parse("22:00", "07:00", Some("UTC"), urgent).unwrap();
        assert!(!hours(true).holds(Severity::Down, night) && hours(true).holds(Severity::Degraded, night));
        assert!(hours(false).holds(Severity::Down, night));
    }

    #[test]
    fn equal_times_are_no_quiet_hours_and_nonsense_is_none() {
        let hours = QuietHours::parse("08:00", "08:00", Some("UTC"), true).unwrap();
        assert!(!at(&hours, "2026-01-10T08:00:00Z") && !at(&hours, "2026-01-10T20:00:00Z"));
        assert!(QuietHours::parse("8", "07:00", None, true).is_none());
        assert!(QuietHours::parse("25:00", "07:00", None, true).is_none());
    }
}
