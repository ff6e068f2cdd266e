//! Who may repair, and what keeps somebody from being told. Pure.

use std::collections::BTreeSet;

/// The ids of operators as Telegram counts them; also written `telegram:42` or `tg:42`.
pub(crate) fn telegram_ids(operators: &[String]) -> BTreeSet<i64> {
    let id = |entry: &String| {
        let entry = entry.trim();
        let id = entry.strip_prefix("telegram:").or_else(|| entry.strip_prefix("tg:")).unwrap_or(entry);
        id.parse::<i64>().ok().filter(|id| *id > 0)
    };
    operators.iter().filter_map(id).collect()
}

/// What is known about who could be told.
#[derive(Debug, Default)]
pub(super) struct Reach<'a> {
    /// The profile, for commands.
    pub(super) profile: &'a str,
    /// `rescue.operators`.
    pub(super) operators: &'a [String],
    /// People who were let in on Telegram: id and name.
    pub(super) paired: &'a [(String, String)],
    /// Whether operators are told on Telegram at all.
    pub(super) telegram_wanted: bool,
    /// Why the bot does not work; `None` if it does or there is none.
    pub(super) telegram_problem: Option<String>,
    /// Whether there is a bot.
    pub(super) has_bot: bool,
}

/// Everything that keeps somebody from being told, with what to do.
pub(super) fn warnings(reach: &Reach<'_>) -> Vec<String> {
    let profile = reach.profile;
    let mut warnings = Vec::new();
    let add = |id: &str| format!("`bulkhead --profile {profile} rescue operators add {id}`");
    if reach.operators.is_empty() {
        let next = match reach.paired {
            [] => format!("write to the bot, then {}", add("YOUR-ID")),
            [(id, name)] => format!(
                "{} is paired, but no operator yet: {}",
                if name.is_empty() { id } else { name },
                add(id)
            ),
            _ => format!("see `bulkhead --profile {profile} rescue operators list`, then {}", add("ID")),
        };
        warnings.push(format!("Nobody will be told on Telegram, and nobody may repair from there: {next}"));
    } else if !reach.has_bot {
        warnings.push(format!(
            "Operators cannot be told: this profile has no bot of its own. `bulkhead --profile {profile} onboard` adds one"
        ));
    } else if !reach.telegram_wanted {
        warnings.push(
            "Operators are not told on Telegram: rescue.notify.telegram is off in the configuration"
                .to_owned(),
        );
    } else if let Some(problem) = &reach.telegram_problem {
        warnings.push(format!("Operators cannot be told now: {problem}"));
    }
    for odd in reach.operators.iter().filter(|entry| telegram_ids(&[(*entry).clone()]).is_empty()) {
        warnings.push(format!(
            "rescue.operators names {odd:?}, expected a user id of Telegram such as 123456789; user names change hands"
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(list: &[&str]) -> Vec<String> {
        list.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn ids_in_every_spelling_and_nothing_else() {
        let ids = telegram_ids(&strings(&["42", " telegram:7 ", "tg:9", "alice", "-100", "*", ""]));
        assert_eq!(ids, [7, 9, 42].into());
    }

    #[test]
    fn whoever_will_not_be_told_learns_how_to_change_it() {
        let operators = strings(&["42"]);
        let fine = Reach {
            profile: "rescue",
            operators: &operators,
            telegram_wanted: true,
            has_bot: true,
            ..Reach::default()
        };
        assert_eq!(warnings(&fine), [] as [&str; 0]);
        let one = [("42".to_owned(), "Ada".to_owned())];
        let nobody = Reach { operators: &[], paired: &one, ..fine };
        assert_eq!(
            warnings(&nobody),
            [
                "Nobody will be told on Telegram, and nobody may repair from there: Ada is paired, but no operator yet: \
              `bulkhead --profile rescue rescue operators add 42`"
            ]
        );
        let no_bot = Reach { has_bot: false, paired: &[], operators: &operators, ..nobody };
        assert!(warnings(&no_bot)[0].contains("no bot of its own"));
        let odd = strings(&["@ada"]);
        let odd = Reach { operators: &odd, has_bot: true, ..no_bot };
        assert!(warnings(&odd)[0].contains("user names change hands"), "{:?}", warnings(&odd));
    }
}
