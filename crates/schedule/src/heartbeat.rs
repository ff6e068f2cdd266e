//! Whether a heartbeat takes place, and what its answer means. Pure.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// What an agent answers when nothing needs attention; the older word counts too.
const SILENT: [&str; 2] = ["NO_REPLY", "HEARTBEAT_OK"];
/// An answer that begins or ends with the word still counts as silence up to so many characters besides.
const BESIDES: usize = 300;

/// The times of the day in which heartbeats take place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveHours {
    /// Minutes after midnight, included.
    pub start: u32,
    /// Minutes after midnight, not included; up to 1440.
    pub end: u32,
    /// Where they count.
    pub zone: TimeZone,
}

impl ActiveHours {
    /// Reads `HH:MM` twice.
    pub fn read(start: &str, end: &str, zone: TimeZone) -> Option<Self> {
        Some(Self { start: minutes(start, false)?, end: minutes(end, true)?, zone })
    }

    /// Whether `now` is one of them. Equal times are no time at all; an end before the start is on the next day.
    pub fn contain(&self, now_ms: i64) -> bool {
        let Ok(now) = Timestamp::from_millisecond(now_ms) else { return true };
        let local = now.to_zoned(self.zone.clone());
        let minute = u32::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).unwrap_or(0);
        if self.start < self.end {
            (self.start..self.end).contains(&minute)
        } else {
            self.start != self.end && (minute >= self.start || minute < self.end)
        }
    }
}

/// Minutes after midnight of `HH:MM`; `24:00` only as an end.
pub fn minutes(text: &str, end: bool) -> Option<u32> {
    let (hours, minutes) = text.trim().split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let fits = minutes < 60 && (hours < 24 || (end && hours == 24 && minutes == 0));
    fits.then_some(hours * 60 + minutes)
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Nothing was said.
    Empty,
    /// Nothing needs attention.
    Silent,
    /// Somebody should read this.
    Alert(String),
}

/// Reads an answer.
pub fn answer(text: &str) -> Answer {
    let text = text.trim();
    if text.is_empty() {
        return Answer::Empty;
    }
    let plain = text.trim_matches(|c: char| "*_`~\"'.!".contains(c) || c.is_whitespace());
    for word in SILENT {
        if plain.eq_ignore_ascii_case(word) {
            return Answer::Silent;
        }
    }
    let word = SILENT[1];
    let rest = plain.strip_prefix(word).or_else(|| plain.strip_suffix(word));
    match rest.map(str::trim) {
        Some(rest) if rest.chars().count() <= BESIDES => Answer::Silent,
        Some(rest) => Answer::Alert(rest.to_owned()),
        None => Answer::Alert(text.to_owned()),
    }
}

/// Whether a note says nothing: blank lines, headings, comments, fences, empty list items only.
pub fn says_nothing(note: &str) -> bool {
    let mut comment = false;
    note.lines().map(str::trim).all(|line| {
        if comment {
            comment = !line.contains("-->");
            return true;
        }
        if line.starts_with("<!--") {
            comment = !line.contains("-->");
            return true;
        }
        line.is_empty()
            || line.starts_with('#')
            || line.starts_with("```")
            || matches!(line, "-" | "*" | "+" | "- [ ]" | "- [x]" | "* [ ]")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_swallowed_and_alerts_are_not() {
        for text in [
            "NO_REPLY",
            " no_reply\n",
            "**HEARTBEAT_OK**",
            "HEARTBEAT_OK all quiet",
            "All fine. HEARTBEAT_OK",
        ] {
            assert_eq!(answer(text), Answer::Silent, "{text:?}");
        }
        assert_eq!(answer("  "), Answer::Empty);
        assert_eq!(answer("Disk is full"), Answer::Alert("Disk is full".into()));
        let middle = "The word HEARTBEAT_OK is in the middle";
        assert_eq!(answer(middle), Answer::Alert(middle.into()));
        let long = format!("HEARTBEAT_OK {}", "x".repeat(301));
        assert_eq!(answer(&long), Answer::Alert("x".repeat(301)));
    }

    #[test]
    fn hours_count_where_they_should() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        let day = ActiveHours::read("09:00", "22:00", TimeZone::get("America/New_York").unwrap()).unwrap();
        assert!(!day.contain(at("2026-11-20T13:59:00Z")) && day.contain(at("2026-11-20T14:00:00Z")));
        let night = ActiveHours::read("22:00", "06:00", TimeZone::UTC).unwrap();
        assert!(night.contain(at("2026-11-20T23:00:00Z")) && !night.contain(at("2026-11-20T06:00:00Z")));
        assert!(ActiveHours::read("00:00", "24:00", TimeZone::UTC).unwrap().contain(0));
        assert!(
            !ActiveHours::read("08:00", "08:00", TimeZone::UTC).unwrap().contain(at("2026-11-20T08:00:00Z"))
        );
        assert!(ActiveHours::read("24:00", "25:00", TimeZone::UTC).is_none());
    }

    #[test]
    fn a_note_of_headings_says_nothing() {
        assert!(says_nothing("# Checklist\n\n- [ ]\n<!-- a\nb -->\n```\n"));
        assert!(!says_nothing("# Checklist\n- mail?"));
    }
}
