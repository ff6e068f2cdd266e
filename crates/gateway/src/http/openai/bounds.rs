//! Fields of a request that have bounds; what is out of them is said by name. Pure.

use bulkhead_agent::Thinking;
use serde_json::Value;

/// A positive number, or nothing.
pub(super) fn count(name: &str, value: Option<&Value>) -> Result<Option<u64>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64().filter(|number| (1..=1 << 53).contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(format!("`{name}` is {value}, expected a positive integer")),
        },
    }
}

/// A number between two bounds, or nothing.
pub(super) fn number(
    name: &str,
    value: Option<&Value>,
    least: f64,
    most: f64,
) -> Result<Option<f64>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_f64().filter(|number| (least..=most).contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(format!("`{name}` is {value}, expected a number from {least} to {most}")),
        },
    }
}

/// A text, or up to four.
pub(super) fn stops(stop: &Value) -> Result<Value, String> {
    let texts = match stop {
        Value::String(_) => vec![stop.clone()],
        Value::Array(texts) => texts.clone(),
        _ => Vec::new(),
    };
    let fit = (1..=4).contains(&texts.len())
        && texts.iter().all(|text| text.as_str().is_some_and(|text| !text.is_empty()));
    if fit { Ok(Value::Array(texts)) } else { Err("`stop` must be a text or up to 4 texts".to_owned()) }
}

/// How hard to think, or nothing. What the model does not take comes down to what it does.
pub(super) fn effort(name: &str, value: Option<&Value>) -> Result<Option<Thinking>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_str().and_then(Thinking::parse) {
            Some(level) => Ok(Some(level)),
            None => {
                Err(format!("`{name}` is {value}, expected none, minimal, low, medium, high, xhigh or max"))
            }
        },
    }
}
