//! Whether an answer fits its question. Pure.

use bulkhead_protocol::methods::wizard::WizardStep;
use serde_json::Value;

/// Longest name of an agent, in characters.
const LONGEST_NAME: usize = 64;
/// People on an allow-list at most.
const MOST_PEOPLE: usize = 100;

/// Why an answer does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Another question is asked.
    OtherStep(String),
    /// It does not fit the question: what to say.
    Unfit(String),
}

pub(super) fn unfit(problem: impl Into<String>) -> Refused {
    Refused::Unfit(problem.into())
}

pub(super) fn chosen(step: &WizardStep, value: &Value) -> Result<String, Refused> {
    let known = step.options.iter().any(|option| option.value == *value);
    value.as_str().filter(|_| known).map(str::to_owned).ok_or_else(|| {
        let options: Vec<String> = step.options.iter().map(|option| option.value.to_string()).collect();
        unfit(format!("found {value}, expected one of {}", options.join(", ")))
    })
}

pub(super) fn some_of(step: &WizardStep, value: &Value) -> Result<Vec<String>, Refused> {
    let list = value.as_array().ok_or_else(|| unfit(format!("found {value}, expected a list")))?;
    let mut some = Vec::new();
    for one in list {
        let one = chosen(step, one)?;
        if !some.contains(&one) {
            some.push(one);
        }
    }
    Ok(some)
}

pub(super) fn name(value: &Value) -> Result<String, Refused> {
    let name = value.as_str().unwrap_or_default().trim();
    let fits =
        !name.is_empty() && name.chars().count() <= LONGEST_NAME && !name.chars().any(char::is_control);
    if fits {
        Ok(name.to_owned())
    } else {
        Err(unfit(format!("expected a name of 1 to {LONGEST_NAME} characters on one line")))
    }
}

pub(super) fn people(value: &Value) -> Result<Vec<String>, Refused> {
    let text = value.as_str().unwrap_or_default();
    let mut ids: Vec<String> = Vec::new();
    for word in text.split([',', ';', ' ', '\n', '\t']).filter(|word| !word.is_empty()) {
        let id: i64 = word.parse().ok().filter(|id| *id > 0).ok_or_else(|| {
            unfit(format!("found {word:?}, expected user ids: numbers such as 123456789, not names"))
        })?;
        let id = id.to_string();
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    match ids.len() {
        0 => Err(unfit("expected at least one user id; nobody could write otherwise")),
        found if found > MOST_PEOPLE => {
            Err(unfit(format!("found {found} people, expected at most {MOST_PEOPLE}")))
        }
        _ => Ok(ids),
    }
}
