//! Is a text a configuration that can be used, or does it look damaged?

use serde_json::Value;

use crate::{Config, ConfigDocument, ConfigError, ConfigIssue, IssueSeverity, validate_document};

/// A text that can be used.
pub(crate) struct Good {
    pub(crate) text: String,
    pub(crate) document: ConfigDocument,
    pub(crate) config: Config,
    pub(crate) warnings: Vec<ConfigIssue>,
    pub(crate) hash: String,
}

/// Reads a text that can be used as it is.
pub(crate) fn parse_good(file: &str, bytes: &[u8], hash: &str) -> Result<Good, ConfigError> {
    let suspicious = |reason: String| ConfigError::Suspicious {
        file: file.to_owned(),
        reason,
        next_step: "The file looks damaged; repair it, or go back with `bulkhead config rollback`."
            .to_owned(),
    };
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(suspicious("found an empty file, expected at least `{}`".to_owned()));
    }
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(suspicious(format!("found a zero byte at {at}, expected text")));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        suspicious(format!("found bytes that are no UTF-8 at {}, expected text", error.valid_up_to()))
    })?;
    let document = ConfigDocument::parse(file, text)?;
    let issues = validate_document(&document);
    if issues.iter().any(|issue| issue.severity == IssueSeverity::Error) {
        return Err(ConfigError::Invalid { file: file.to_owned(), issues: errors_of(issues) });
    }
    let config = Config::from_document(&document)
        .map_err(|issues| ConfigError::Invalid { file: file.to_owned(), issues })?;
    Ok(Good { text: text.to_owned(), document, config, warnings: issues, hash: hash.to_owned() })
}

/// Only the errors.
pub(crate) fn errors_of(issues: Vec<ConfigIssue>) -> Vec<ConfigIssue> {
    issues.into_iter().filter(|issue| issue.severity == IssueSeverity::Error).collect()
}

/// How many keys a value has, at all depths.
pub(crate) fn count_keys(value: &Value) -> usize {
    match value {
        Value::Object(map) => map.len() + map.values().map(count_keys).sum::<usize>(),
        Value::Array(items) => items.iter().map(count_keys).sum(),
        _ => 0,
    }
}
