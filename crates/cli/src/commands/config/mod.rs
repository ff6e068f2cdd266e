//! `bulkhead config …`: the file itself; a running gateway sees the change and reloads.

mod history;

use bulkhead_config::{
    ConfigDocument, ConfigError, ConfigIssue, ConfigPath, ConfigStore, IssueSeverity, REDACTED, SecretRef,
    Segment, redact, schema, validate_document,
};
use bulkhead_profile::Place;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{DONE, secrets};
use crate::context::Context;
use crate::error::{CONFIGURATION, Failure};
use crate::grammar::config::ConfigCommand;
use crate::output::paint;
use crate::{isolation, text_input};

pub fn run(command: ConfigCommand, context: &Context) -> Result<u8, Failure> {
    match command {
        ConfigCommand::Get { path } => get(path.as_deref(), context),
        ConfigCommand::Set { path, value, strict_json } => set(&path, &value, strict_json, context),
        ConfigCommand::Unset { path } => unset(&path, context),
        ConfigCommand::Validate => validate(context),
        ConfigCommand::File => file(context),
        ConfigCommand::Schema => {
            context.out.text(&serde_json::to_string_pretty(&schema()).unwrap_or_default());
            Ok(DONE)
        }
        ConfigCommand::History => history::list(context),
        ConfigCommand::Diff { a, b } => history::diff(a.as_deref(), b.as_deref(), context),
        ConfigCommand::Rollback { hash } => history::rollback(hash.as_deref(), context),
        ConfigCommand::Accept => history::accept(context),
    }
}

fn get(path: Option<&str>, context: &Context) -> Result<u8, Failure> {
    let place = context.place()?;
    let loaded = ConfigStore::new(&place).load_current()?;
    let whole = redact(&loaded.document.value());
    let value = match path {
        None => whole,
        Some(text) => {
            let path = ConfigPath::parse(text)?;
            at(&whole, &path).cloned().ok_or_else(|| {
                Failure::failed(
                    "config.not-set",
                    format!(
                        "`{text}` is not set in {}: expected a value there; set it with `bulkhead config set {text} VALUE`",
                        place.config_path().display()
                    ),
                )
            })?
        }
    };
    context.out.result(&json!({ "ok": true, "path": path, "value": value }), || match &value {
        Value::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    });
    Ok(DONE)
}

/// JSON5 if it is some, else the text itself.
fn read_value(text: &str, strict: bool) -> Result<Value, Failure> {
    if strict {
        return serde_json::from_str(text).map_err(|error| {
            Failure::usage(format!(
                "the value is not JSON: {error}; correct it, or leave out --strict-json to set a plain text"
            ))
        });
    }
    // A document with the value as its only field: the same reader as for the file.
    let wrapped = format!("{{ value: {text}\n}}");
    let read = ConfigDocument::parse("value", &wrapped).ok().map(|document| document.value());
    match read {
        Some(Value::Object(mut map)) if map.len() == 1 => Ok(map.remove("value").unwrap_or_default()),
        _ => Ok(Value::String(text.to_owned())),
    }
}

fn set(path: &str, value: &str, strict: bool, context: &Context) -> Result<u8, Failure> {
    let place = context.place_for_writing()?;
    let place_in_file = ConfigPath::parse(path)?;
    let text = text_input::read(value, "VALUE")?;
    let text = if value == "-" || value.starts_with('@') { text.trim_end() } else { text.as_str() };
    let value = read_value(text, strict)?;
    if let Value::String(secret) = &value
        && is_secret(&place_in_file, &value)
    {
        return set_secret(path, &place_in_file, &SecretString::from(secret.as_str()), context, &place);
    }
    let outcome = edit(context, &place, |document| document.set_at(&place_in_file, value.clone()))?;
    let result = json!({
        "ok": true, "file": place.config_path(), "path": path, "changed": outcome.changed, "hash": outcome.hash,
    });
    context.out.result(&result, || said(&place, path, if outcome.changed { "set" } else { "unchanged" }));
    Ok(DONE)
}

fn unset(path: &str, context: &Context) -> Result<u8, Failure> {
    let place = context.place_for_writing()?;
    let place_in_file = ConfigPath::parse(path)?;
    let outcome = edit(context, &place, |document| document.unset_at(&place_in_file).map(drop))?;
    let result = json!({
        "ok": true, "file": place.config_path(), "path": path, "changed": outcome.changed, "hash": outcome.hash,
    });
    context
        .out
        .result(&result, || said(&place, path, if outcome.changed { "removed" } else { "was not set" }));
    Ok(DONE)
}

fn said(place: &Place, path: &str, what: &str) -> String {
    format!("{} {what} in {}", paint::strong(path), place.config_path().display())
}

/// Changes the file, after looking whether the change would let two profiles touch.
pub(super) fn edit(
    context: &Context,
    place: &Place,
    change: impl Fn(&mut ConfigDocument) -> Result<(), ConfigError>,
) -> Result<bulkhead_config::Written, Failure> {
    let store = ConfigStore::new(place);
    let before = store.load_current()?;
    let mut after = before.document.clone();
    change(&mut after)?;
    let warnings = isolation::check_edit(context, place, &before.document.value(), &after.value())?;
    let written = store.edit(|document| change(document))?;
    isolation::follow_edit(context, place, &after.value())?;
    for warning in warnings {
        context.out.note(&format!("{} {}", paint::warn("warning:"), warning.sentence()));
    }
    Ok(written)
}

/// Whether a value at this path is blanked when it is shown.
fn is_secret(path: &ConfigPath, value: &Value) -> bool {
    let mut document = ConfigDocument::empty();
    document.set_at(path, value.clone()).is_ok()
        && at(&redact(&document.value()), path).and_then(Value::as_str) == Some(REDACTED)
}

/// The value at a path.
fn at<'v>(value: &'v Value, path: &ConfigPath) -> Option<&'v Value> {
    path.segments().iter().try_fold(value, |value, segment| match segment {
        Segment::Key(key) => value.get(key),
        Segment::Index(index) => value.get(index),
    })
}

/// The program never writes a secret into the file: it goes into the profile's store, and the file refers to it.
fn set_secret(
    text: &str,
    path: &ConfigPath,
    secret: &SecretString,
    context: &Context,
    place: &Place,
) -> Result<u8, Failure> {
    let id = secrets::id_for_field(path).ok_or_else(|| {
        Failure::usage(format!(
            "`{text}` holds a secret: found its value, expected a reference; store it with `bulkhead secrets set NAME -` and set \
             `{text}` to {{\"source\":\"keychain\",\"id\":\"NAME\"}}"
        ))
    })?;
    let stored = secrets::store(context, place, None, &id, secret)?;
    let reference = SecretRef::new(stored.source, id.as_str()).to_value();
    let written = ConfigStore::new(place).edit(|document| document.set_at(path, reference.clone()))?;
    let result = json!({
        "ok": true, "file": place.config_path(), "path": text, "changed": true, "hash": written.hash,
        "secret": { "id": id.as_str(), "source": stored.source.as_str(), "store": stored.label },
    });
    context.out.result(&result, || {
        format!(
            "{} set: stored as {} in {}; the file refers to it",
            paint::strong(text),
            id.as_str(),
            stored.label
        )
    });
    Ok(DONE)
}

fn validate(context: &Context) -> Result<u8, Failure> {
    let place = context.place()?;
    let path = place.config_path();
    if !path.exists() {
        return Err(Failure::new(
            CONFIGURATION,
            "config.missing",
            format!(
                "no configuration at {}: expected a JSON5 file there; make one with `bulkhead --profile {} onboard`",
                path.display(),
                place.name()
            ),
        ));
    }
    let issues: Vec<ConfigIssue> = match ConfigStore::new(&place).load_current() {
        Ok(loaded) => validate_document(&loaded.document),
        Err(ConfigError::Invalid { issues, .. }) => issues,
        Err(ConfigError::Syntax(problem)) => vec![ConfigIssue {
            severity: IssueSeverity::Error,
            path: problem.field,
            line: problem.line,
            column: problem.column,
            found: problem.found,
            expected: problem.expected,
            next_step: problem.next_step,
        }],
        Err(error) => return Err(error.into()),
    };
    let errors = issues.iter().filter(|issue| issue.severity == IssueSeverity::Error).count();
    let result = json!({ "ok": errors == 0, "file": path, "issues": issues });
    context.out.result(&result, || {
        let mut lines: Vec<String> = issues
            .iter()
            .map(|issue| {
                let mark = match issue.severity {
                    IssueSeverity::Error => paint::bad("error"),
                    IssueSeverity::Warning => paint::warn("warning"),
                };
                format!("{mark}: {}: {issue}", path.display())
            })
            .collect();
        if errors == 0 {
            lines.push(format!("{} {}", paint::good("valid"), path.display()));
        }
        lines.join("\n")
    });
    Ok(if errors == 0 { DONE } else { CONFIGURATION })
}

fn file(context: &Context) -> Result<u8, Failure> {
    let place = context.place()?;
    let path = place.config_path();
    let result = json!({ "ok": true, "file": path, "exists": path.exists() });
    context.out.result(&result, || path.display().to_string());
    Ok(DONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_json5_or_text() {
        let read = |text: &str| read_value(text, false).unwrap();
        assert_eq!(read("18789"), json!(18789));
        assert_eq!(read("true"), json!(true));
        assert_eq!(read("{ port: 1, }"), json!({ "port": 1 }));
        assert_eq!(read("['a', \"b\"]"), json!(["a", "b"]));
        assert_eq!(read("allowlist"), json!("allowlist"));
        assert_eq!(read("http://127.0.0.1:8080/v1"), json!("http://127.0.0.1:8080/v1"));
        assert_eq!(read("1, other: 2"), json!("1, other: 2"));
        assert_eq!(read_value("allowlist", true).unwrap_err().exit, crate::error::USAGE);
    }

    #[test]
    fn secret_fields_are_known() {
        let path = |text: &str| ConfigPath::parse(text).unwrap();
        let secret = |text: &str| is_secret(&path(text), &json!("v"));
        assert!(secret("gateway.auth.token") && secret("channels.telegram.botToken"));
        assert!(secret("models.providers.mine.apiKey"));
        assert!(!secret("gateway.bind") && !secret("agents.defaults.workspace"));
    }
}
