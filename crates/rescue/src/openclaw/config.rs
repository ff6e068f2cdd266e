//! Its configuration: the port, and whether the file can be used.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bulkhead_config::{ConfigDocument, IssueSeverity, contains_placeholder, validate};
use bulkhead_profile::ConfigGlimpse;
use serde_json::Value;

use crate::observation::ConfigTrouble;

const DEFAULT_PORT: u16 = 18789;
const DEV_PORT: u16 = 19001;
/// A file with fewer keys says nothing about a loss.
const FEWEST_KEYS: usize = 6;

/// The port that it listens on by its configuration.
pub(crate) fn port_of(config: &Path, profile: Option<&str>) -> u16 {
    let rule = if profile == Some("dev") { DEV_PORT } else { DEFAULT_PORT };
    ConfigGlimpse::of_file(config).and_then(|glimpse| glimpse.base_port).unwrap_or(rule)
}

/// What its configuration was like when it could be used. Our rules are not exactly OpenClaw's: only what got worse
/// counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Baseline {
    known: Arc<Mutex<Option<Known>>>,
}

#[derive(Debug, Clone)]
struct Known {
    keys: usize,
    issues: BTreeSet<String>,
}

/// What is wrong with the file; a good one becomes the baseline.
pub(crate) fn trouble_of(bytes: &[u8], baseline: &Baseline) -> Option<ConfigTrouble> {
    let invalid = |problem: String| Some(ConfigTrouble::Invalid { problem });
    let Ok(text) = std::str::from_utf8(bytes) else { return invalid("It is no text.".to_owned()) };
    let document = match ConfigDocument::parse("openclaw.json", text) {
        Ok(document) => document,
        // The words of a parser may repeat the text around the mistake, and that may be a secret.
        Err(error) => {
            return invalid(super::mask::mask(&crate::alert::text::shorten(&error.to_string(), 300)));
        }
    };
    let value = document.value();
    let keys = count_keys(&value);
    if keys == 0 {
        return Some(ConfigTrouble::Empty);
    }
    if contains_placeholder(&value) {
        return invalid(
            "It holds markers in place of secrets: a redacted copy was written over it.".to_owned(),
        );
    }
    let issues: BTreeSet<String> = validate(text)
        .into_iter()
        .filter(|issue| issue.severity == IssueSeverity::Error)
        .map(|issue| issue.path)
        .collect();
    let mut known = baseline.known.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(before) = &*known {
        if before.keys >= FEWEST_KEYS && keys * 2 < before.keys {
            return invalid(format!("It has {keys} keys; it had {} before.", before.keys));
        }
        let new: Vec<&str> = issues.difference(&before.issues).map(String::as_str).take(3).collect();
        if !new.is_empty() {
            return invalid(format!("Not usable: {}.", new.join(", ")));
        }
    }
    *known = Some(Known { keys, issues });
    None
}

fn count_keys(value: &Value) -> usize {
    match value {
        Value::Object(map) => map.len() + map.values().map(count_keys).sum::<usize>(),
        Value::Array(items) => items.iter().map(count_keys).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "{ gateway: { port: 18789, mode: 'local' }, agents: { defaults: { model: 'x/y', workspace: '~/w' } }, plugins: { a: 1 } }";

    #[test]
    fn what_breaks_it_is_seen() {
        let baseline = Baseline::default();
        let look = |text: &str| trouble_of(text.as_bytes(), &baseline);
        assert_eq!(look(GOOD), None);
        assert_eq!(look("{}"), Some(ConfigTrouble::Empty));
        for broken in [
            "{ gateway: { port: 18789 }",
            "{ gateway: { port: 18789 } }",
            "{ gateway: { port: 'many', mode: 'local' }, agents: { defaults: { model: 'x/y', workspace: '~/w' } }, plugins: { a: 1 } }",
            "{ gateway: { port: 18789, mode: 'local', auth: { token: '__OPENCLAW_REDACTED__' } }, agents: { defaults: { model: 'x/y' } } }",
        ] {
            assert!(matches!(look(broken), Some(ConfigTrouble::Invalid { .. })), "{broken}");
        }
        assert_eq!(look(GOOD), None, "what is broken is no baseline");
    }

    #[test]
    fn what_only_we_would_refuse_is_none_of_our_business() {
        let baseline = Baseline::default();
        let odd = "{ models: { providers: { homemade: { } } }, gateway: { port: 18789 } }";
        assert_eq!(trouble_of(odd.as_bytes(), &baseline), None);
        assert_eq!(trouble_of(odd.as_bytes(), &baseline), None);
    }

    #[test]
    fn a_syntax_error_repeats_no_secret() {
        let text = "{ channels: { telegram: { botToken: '777000111:AAF-very_secret_token_of_mine1' 'x' } } }";
        let Some(ConfigTrouble::Invalid { problem }) = trouble_of(text.as_bytes(), &Baseline::default())
        else {
            panic!("it is broken");
        };
        assert!(!problem.contains("very_secret"), "{problem}");
    }
}
