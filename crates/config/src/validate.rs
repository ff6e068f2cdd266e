//! Is every value of the right kind, and do the values fit together?

use serde_json::Value;

use crate::document::{ConfigDocument, value_name};
use crate::fields::{FieldKind, LEVELS, Shape, is_sensitive};
use crate::path::ConfigPath;
use crate::redact::first_placeholder;
use crate::secret_input::env_template;
use crate::tree::{Kind, Node, line_column, shorten};
use crate::{ConfigError, ConfigIssue, IssueSeverity};

/// Checks a text; every problem with its place, warnings included.
pub fn validate(text: &str) -> Vec<ConfigIssue> {
    match ConfigDocument::parse("bulkhead.json", text) {
        Ok(doc) => validate_document(&doc),
        Err(error) => vec![issue_of(error)],
    }
}

/// Checks a document.
pub fn validate_document(doc: &ConfigDocument) -> Vec<ConfigIssue> {
    let mut checker = Checker { doc, issues: Vec::new() };
    if let Some(root) = doc.root() {
        checker.node(&ConfigPath::root(), root, Shape::root());
    }
    if let Some(path) = first_placeholder(&ConfigPath::root(), &doc.value()) {
        checker.error(
            &path,
            "the placeholder of a redacted copy".to_owned(),
            "a value or a SecretRef",
            "This text was copied from a redacted view; restore the real value or a SecretRef.",
        );
    }
    if checker.issues.iter().all(|issue| issue.severity == IssueSeverity::Warning) {
        crate::rules::check(&mut checker);
    }
    checker.issues
}

fn issue_of(error: ConfigError) -> ConfigIssue {
    match error {
        ConfigError::Syntax(problem) => ConfigIssue {
            severity: IssueSeverity::Error,
            path: problem.field,
            line: problem.line,
            column: problem.column,
            found: problem.found,
            expected: problem.expected,
            next_step: problem.next_step,
        },
        other => ConfigIssue {
            severity: IssueSeverity::Error,
            path: String::new(),
            line: 0,
            column: 0,
            found: other.to_string(),
            expected: "a configuration file".to_owned(),
            next_step: "Check that the path is right.".to_owned(),
        },
    }
}

/// Collects issues while it walks the file beside the table of fields.
pub(crate) struct Checker<'a> {
    pub(crate) doc: &'a ConfigDocument,
    pub(crate) issues: Vec<ConfigIssue>,
}

impl Checker<'_> {
    pub(crate) fn error(&mut self, path: &ConfigPath, found: String, expected: &str, next_step: &str) {
        self.issues.push(self.doc.issue(path, found, expected.to_owned(), next_step.to_owned()));
    }

    pub(crate) fn warn(&mut self, path: &ConfigPath, found: String, expected: &str, next_step: &str) {
        let mut issue = self.doc.issue(path, found, expected.to_owned(), next_step.to_owned());
        issue.severity = IssueSeverity::Warning;
        self.issues.push(issue);
    }

    fn node(&mut self, path: &ConfigPath, node: &Node, shape: &Shape) {
        if matches!(node.kind, Kind::Scalar(Value::Null)) {
            return;
        }
        if let Some((expected, next_step)) = mismatch(shape.kind(), node) {
            let found = describe(path, node);
            self.error(path, found, &expected, &next_step);
            return;
        }
        match &node.kind {
            Kind::Object(props) if !shape.keys.is_empty() || shape.any_key.is_some() => {
                for prop in props {
                    let child_path = path.key(&prop.key);
                    match shape.child(&prop.key) {
                        Some(child) => self.node(&child_path, &prop.value, child),
                        None => self.maybe_typo(&child_path, &prop.key, prop.range.start, shape),
                    }
                }
            }
            Kind::Array(items) => {
                let Some(entry) = &shape.entry else { return };
                for (index, item) in items.iter().enumerate() {
                    self.node(&path.index(index), item, entry);
                }
            }
            _ => {}
        }
    }

    /// Unknown keys are kept and ignored; one that looks like a slip of a known one is pointed out.
    fn maybe_typo(&mut self, path: &ConfigPath, key: &str, at: usize, shape: &Shape) {
        let known = shape.keys.keys().find(|known| {
            key.len() > 2 && !shape.keys.contains_key(key) && {
                known.eq_ignore_ascii_case(&key.replace(['_', '-'], "")) || distance(known, key) == 1
            }
        });
        let Some(known) = known else { return };
        let (line, column) = line_column(self.doc.text(), at);
        self.issues.push(ConfigIssue {
            severity: IssueSeverity::Warning,
            path: path.to_string(),
            line,
            column,
            found: format!("the unknown key `{}`", shorten(key)),
            expected: format!("`{known}`"),
            next_step: format!("If you mean `{known}`, rename it; unknown keys are kept and ignored."),
        });
    }
}

/// What was expected and what to do, when a value is not of the kind.
fn mismatch(kind: FieldKind, node: &Node) -> Option<(String, String)> {
    let value = match &node.kind {
        Kind::Scalar(value) => value.clone(),
        _ => node.to_value(),
    };
    let no = |expected: &str, next: &str| Some((expected.to_owned(), next.to_owned()));
    match kind {
        FieldKind::Object if !value.is_object() => no("an object, `{ … }`", "Put the settings into braces."),
        FieldKind::List if !value.is_array() => {
            no("a list, `[ … ]`", "Put the entries into square brackets.")
        }
        FieldKind::Switch if !value.is_boolean() => {
            no("true or false", "Write true or false without quotes.")
        }
        FieldKind::Text | FieldKind::SecretText if !value.is_string() => no("a text", "Put it in quotes."),
        FieldKind::Path if value.as_str().is_none_or(|text| text.trim().is_empty()) => {
            no("a file or folder", "Write a path in quotes, such as \"~/work\".")
        }
        FieldKind::Words(words) if !value.as_str().is_some_and(|text| words.contains(&text)) => {
            Some((format!("one of {}", quoted(words)), format!("Write \"{}\", for example.", words[0])))
        }
        FieldKind::Number { min, max } if !value.as_u64().is_some_and(|n| (min..=max).contains(&n)) => {
            let quoted_number = value.as_str().is_some_and(|text| text.parse::<u64>().is_ok());
            let range =
                if max == u64::MAX { format!("from {min} up") } else { format!("from {min} to {max}") };
            let next =
                if quoted_number { "Remove the quotes." } else { "Write a whole number in this range." };
            Some((format!("a whole number {range}"), next.to_owned()))
        }
        FieldKind::Amount if !value.as_f64().is_some_and(|amount| amount >= 0.0) => {
            no("a number from 0 up", "Write a number, such as 2.5.")
        }
        FieldKind::Duration if !is_duration(&value) => {
            no("a time span such as \"30m\"", "Write \"90s\", \"30m\", \"24h\" or \"7d\".")
        }
        FieldKind::Url(schemes) => url_mismatch(&value, schemes),
        FieldKind::Secret => secret_mismatch(&value),
        FieldKind::Texts if !value.as_array().is_some_and(|items| items.iter().all(Value::is_string)) => {
            no("a list of texts", "Write [\"…\", \"…\"].")
        }
        FieldKind::Ids
            if !value
                .as_array()
                .is_some_and(|items| items.iter().all(|v| v.is_string() || v.is_i64() || v.is_u64())) =>
        {
            no("a list of ids", "Write [123456789], or [\"*\"] for everybody.")
        }
        FieldKind::Id if !(value.is_string() || value.is_u64() || value.is_i64()) => {
            no("an id", "Write a number or a text.")
        }
        FieldKind::Model if !(value.is_string() || value.is_object()) => {
            no("\"provider/model\" or { primary, fallbacks }", "Write \"provider/model\".")
        }
        FieldKind::Model | FieldKind::ModelName if value.is_string() && !is_model_name(&value) => no(
            "\"provider/model\"",
            "Put the provider's id and a slash before the model, such as \"anthropic/claude-sonnet-4\".",
        ),
        FieldKind::ModelName if !value.is_string() => no("\"provider/model\"", "Put it in quotes."),
        FieldKind::Level
            if !(value == Value::Bool(false)
                || value.as_str().is_some_and(|text| text == "disabled" || LEVELS.contains(&text))) =>
        {
            Some((
                format!("one of {}, or false", quoted(LEVELS)),
                "Write \"medium\", for example.".to_owned(),
            ))
        }
        FieldKind::Streaming if !(value.is_boolean() || value.is_string() || value.is_object()) => {
            no("\"off\", \"partial\" or \"block\"", "Write \"partial\", for example.")
        }
        FieldKind::Streaming
            if value
                .as_str()
                .is_some_and(|text| !["off", "partial", "block", "progress"].contains(&text)) =>
        {
            no("\"off\", \"partial\" or \"block\"", "Write \"partial\", for example.")
        }
        _ => None,
    }
}

/// `30m`, `1h30m`, a bare number, or `false`.
fn is_duration(value: &Value) -> bool {
    let Some(text) = value.as_str().map(str::trim) else { return *value == Value::Bool(false) };
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (_, after) = rest.split_at(digits);
        let unit = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (word, next) = after.split_at(unit);
        let known =
            ["ms", "s", "m", "h", "d", "w"].contains(&word) || (word.is_empty() && digits == text.len());
        if digits == 0 || !known {
            return false;
        }
        rest = next.trim_start();
    }
    !text.is_empty()
}

fn url_mismatch(value: &Value, schemes: &[&str]) -> Option<(String, String)> {
    let expected = || {
        format!(
            "an address that begins with {}",
            schemes.iter().map(|s| format!("{s}://")).collect::<Vec<_>>().join(" or ")
        )
    };
    let Some(text) = value.as_str() else {
        return Some((expected(), "Put the address in quotes.".to_owned()));
    };
    if env_template(text).is_some() {
        return None;
    }
    match url::Url::parse(text) {
        Ok(url) if schemes.contains(&url.scheme()) && url.host_str().is_some_and(|host| !host.is_empty()) => {
            None
        }
        _ => Some((expected(), format!("Write it in full, such as {}://host:port.", schemes[0]))),
    }
}

fn secret_mismatch(value: &Value) -> Option<(String, String)> {
    let expected = "a SecretRef such as { source: \"keychain\", id: \"telegram/bot-token\" }".to_owned();
    match value {
        Value::String(text) if !text.trim().is_empty() => None,
        Value::String(_) => {
            Some((expected, "Remove the field, or store the secret with `bulkhead secrets set`.".to_owned()))
        }
        Value::Object(map) => {
            let source = map.get("source").and_then(Value::as_str);
            let known = source.is_some_and(|source| ["keychain", "env", "file", "exec"].contains(&source));
            let id = map
                .get("id")
                .and_then(Value::as_str)
                .is_some_and(|id| !id.trim().is_empty() && id.len() <= 256);
            let provider = map.get("provider").is_none_or(Value::is_string);
            if !known {
                return Some((
                    format!("{expected} with source \"keychain\", \"env\", \"file\" or \"exec\""),
                    "Correct `source`.".to_owned(),
                ));
            }
            (!id || !provider).then(|| (expected, "Give `id` as a text that is not empty.".to_owned()))
        }
        _ => Some((
            expected,
            "Store the secret with `bulkhead secrets set`; it writes the reference.".to_owned(),
        )),
    }
}

fn is_model_name(value: &Value) -> bool {
    value
        .as_str()
        .and_then(|text| text.split_once('/'))
        .is_some_and(|(provider, model)| !provider.trim().is_empty() && !model.trim().is_empty())
}

fn describe(path: &ConfigPath, node: &Node) -> String {
    match &node.kind {
        Kind::Object(_) => "an object".to_owned(),
        Kind::Array(_) => "a list".to_owned(),
        Kind::Scalar(value) if is_sensitive(path) => value_name(value).to_owned(),
        Kind::Scalar(Value::String(text)) => match text.split_once("://") {
            Some((_, rest)) if rest.contains('@') => "an address with a user name".to_owned(),
            _ => format!("the text \"{}\"", shorten(text)),
        },
        Kind::Scalar(value) => shorten(&value.to_string()),
    }
}

fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}

/// How many single edits (insert, delete, replace, swap of neighbours) lead from one word to the other.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().take(64).collect();
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}
