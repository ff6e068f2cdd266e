//! What Bulkhead's validation refuses is left out, with the reason, until the rest holds.

use bulkhead_config::{ConfigDocument, ConfigPath, IssueSeverity, Segment, validate_document};
use serde_json::Value;

use crate::import::line::{ImportArea, ImportLine};

const MOST: usize = 500;

/// The configuration without the values that cannot be.
pub(super) fn made_valid(config: Value, lines: &mut Vec<ImportLine>) -> Value {
    let Ok(mut document) = ConfigDocument::parse("openclaw.json", &config.to_string()) else { return config };
    for _ in 0..MOST {
        let issues = validate_document(&document);
        let Some(issue) = issues.into_iter().find(|issue| issue.severity == IssueSeverity::Error) else {
            break;
        };
        let Ok(path) = ConfigPath::parse(&issue.path) else { break };
        let Some(gone) = without(&mut document, &path) else { break };
        let item = gone.to_string();
        lines.retain(|line| line.item != item || line.area != ImportArea::Config);
        lines.push(
            ImportLine::skipped(
                ImportArea::Config,
                item,
                format!("Found {}; Bulkhead expects {}.", issue.found, issue.expected),
            )
            .then("set it by hand where it is needed, with: bulkhead config set"),
        );
    }
    document.value()
}

/// Takes out what stands at a path. Where nothing stands there (something is missing), the thing that misses it goes.
fn without(document: &mut ConfigDocument, path: &ConfigPath) -> Option<ConfigPath> {
    let length = path.segments().len();
    if path.segments().last() == Some(&Segment::Key("allowFrom".to_owned())) {
        // Who may write does not fit the policy: without the policy, strangers have to pair.
        let policy = path.prefix(length - 1).key("dmPolicy");
        if document.unset_at(&policy).unwrap_or(false) {
            return Some(policy);
        }
    }
    (1..=length).rev().map(|len| path.prefix(len)).find(|path| document.unset_at(path).unwrap_or(false))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_refused_goes_and_the_rest_stays() {
        let mut lines = Vec::new();
        let config = json!({
            "gateway": {"bind": "loopback", "auth": {"mode": "token"}},
            "logging": {"level": "verbose"},
            "models": {"providers": {"mine": {"api": "openai-completions"}, "there": {"baseUrl": "http://127.0.0.1:1/v1"}}},
            "channels": {"telegram": {"dmPolicy": "allowlist"}},
        });
        let valid = made_valid(config, &mut lines);
        assert_eq!(valid.pointer("/gateway/bind"), Some(&json!("loopback")));
        assert!(valid.pointer("/logging/level").is_none());
        assert!(valid.pointer("/models/providers/mine").is_none());
        assert!(valid.pointer("/models/providers/there").is_some());
        assert_eq!(valid.pointer("/channels/telegram"), Some(&json!({})), "strangers pair again");
        assert_eq!(lines.len(), 3, "{lines:?}");
        let again = ConfigDocument::parse("x", &valid.to_string()).unwrap();
        assert!(validate_document(&again).iter().all(|issue| issue.severity != IssueSeverity::Error));
    }
}
