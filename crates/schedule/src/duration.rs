//! Durations as people write them: `30m`, `1h30m`, `90s`, `500ms`.

/// Milliseconds of a duration. A number without a unit counts `unit` (`"m"`, `"h"`, …). `None`: it is none.
pub fn parse_duration(text: &str, unit: &str) -> Option<i64> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let mut rest = text;
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let word_end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (word, next) = after.split_at(word_end);
        // A bare number is the whole text.
        let word = if word.is_empty() && number.len() == text.len() { unit } else { word };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() || fraction.len() > 3 || number.ends_with('.') {
            return None;
        }
        let thousandths = whole.parse::<i64>().ok()?.checked_mul(1000)?
            + if fraction.is_empty() { 0 } else { format!("{fraction:0<3}").parse::<i64>().ok()? };
        total = total.checked_add(thousandths.checked_mul(millis(word)?)? / 1000)?;
        rest = next.trim_start();
    }
    Some(total)
}

fn millis(word: &str) -> Option<i64> {
    Some(match word.to_ascii_lowercase().as_str() {
        "ms" => 1,
        "s" | "sec" | "secs" | "second" | "seconds" => 1000,
        "m" | "min" | "mins" | "minute" | "minutes" => 60_000,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600_000,
        "d" | "day" | "days" => 86_400_000,
        "w" | "week" | "weeks" => 604_800_000,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        for (text, found) in [
            ("30m", Some(1_800_000)),
            ("1h30m", Some(5_400_000)),
            ("1.5h", Some(5_400_000)),
            ("90s", Some(90_000)),
            ("30", Some(1_800_000)),
            ("0m", Some(0)),
            ("1d", Some(86_400_000)),
            ("", None),
            ("soon", None),
            ("5 parsecs", None),
            ("-5m", None),
            ("99999999999999999999d", None),
        ] {
            assert_eq!(parse_duration(text, "m"), found, "{text:?}");
        }
    }
}
