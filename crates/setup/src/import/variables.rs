//! The variables that a configuration of OpenClaw may name, in the order in which OpenClaw looks.

use std::collections::BTreeMap;
use std::path::Path;

use bulkhead_profile::{Environment, files};
use serde_json::Value;

const LIMIT: u64 = 1024 * 1024;

/// Variables of the process, of `.env` beside the configuration, and of the configuration's own `env`.
#[derive(Clone, Default)]
pub(super) struct Variables {
    process: BTreeMap<String, String>,
    dotenv: BTreeMap<String, String>,
    config: BTreeMap<String, String>,
}

impl Variables {
    pub(super) fn gather(state_dir: &Path, config: &Value, env: &Environment) -> Self {
        let dotenv = files::read_limited(&state_dir.join(".env"), LIMIT)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .map(|text| parse_dotenv(&text))
            .unwrap_or_default();
        let mut own = BTreeMap::new();
        let block = config.get("env").and_then(Value::as_object);
        for (key, value) in block.into_iter().flatten() {
            match value {
                Value::String(text) => drop(own.insert(key.clone(), text.clone())),
                Value::Object(vars) if key == "vars" => {
                    own.extend(
                        vars.iter()
                            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))),
                    );
                }
                _ => {}
            }
        }
        Self { process: env.vars.clone(), dotenv, config: own }
    }

    /// A variable that is set and not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        [&self.process, &self.dotenv, &self.config]
            .into_iter()
            .find_map(|vars| vars.get(name).map(String::as_str).filter(|value| !value.is_empty()))
    }

    /// The same without this process's own: what somebody gave to OpenClaw.
    pub(super) fn of_openclaw(&self, name: &str) -> Option<&str> {
        [&self.dotenv, &self.config]
            .into_iter()
            .find_map(|vars| vars.get(name).map(String::as_str).filter(|value| !value.is_empty()))
    }

    /// The names that were given to OpenClaw, and where they stand.
    pub(super) fn names(&self) -> Vec<(&'static str, String)> {
        let of = |place: &'static str, vars: &BTreeMap<String, String>| {
            vars.keys().map(|name| (place, name.clone())).collect::<Vec<_>>()
        };
        [of(".env: ", &self.dotenv), of("env.vars.", &self.config)].concat()
    }
}

/// `NAME=value` lines; `export`, quotes and comments as dotenv has them.
fn parse_dotenv(text: &str) -> BTreeMap<String, String> {
    let line = |line: &str| -> Option<(String, String)> {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (name, value) = line.split_once('=')?;
        let name = name.trim();
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return None;
        }
        let value = value.trim();
        let quoted = ['"', '\'', '`'].into_iter().find_map(|quote| {
            let rest = value.strip_prefix(quote)?;
            Some(rest[..rest.find(quote)?].to_owned())
        });
        let bare = || value.split(" #").next().unwrap_or_default().trim().to_owned();
        Some((name.to_owned(), quoted.unwrap_or_else(bare)))
    };
    text.lines().filter(|text| !text.trim_start().starts_with('#')).filter_map(line).collect()
}

/// The variable that a whole text names: `${NAME}`, or `$NAME`, which OpenClaw takes in places of secrets.
pub(super) fn named(text: &str) -> Option<&str> {
    let name =
        text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).or_else(|| text.strip_prefix('$'))?;
    is_name(name).then_some(name)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// A text with its `${NAME}`s replaced.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Substituted {
    pub(super) text: String,
    /// The variables that were put in.
    pub(super) used: Vec<String>,
    /// Those that are set nowhere and stayed as they are.
    pub(super) missing: Vec<String>,
}

/// Replaces `${NAME}`; `$${NAME}` means the characters themselves.
pub(super) fn substitute(text: &str, variables: &Variables) -> Substituted {
    let mut done =
        Substituted { text: String::with_capacity(text.len()), used: Vec::new(), missing: Vec::new() };
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, here) = rest.split_at(at);
        let name = here[2..].split_once('}').map(|(name, _)| name).filter(|name| is_name(name));
        let Some(name) = name else {
            done.text.push_str(before);
            done.text.push_str("${");
            rest = &here[2..];
            continue;
        };
        let whole = &here[..name.len() + 3];
        if let Some(before) = before.strip_suffix('$') {
            done.text.push_str(before);
            done.text.push_str(whole);
        } else {
            done.text.push_str(before);
            if let Some(value) = variables.get(name) {
                done.text.push_str(value);
                done.used.push(name.to_owned());
            } else {
                done.text.push_str(whole);
                done.missing.push(name.to_owned());
            }
        }
        rest = &here[whole.len()..];
    }
    done.text.push_str(rest);
    done
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_process_wins_over_the_file_and_that_over_the_configuration() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(
            dir.path().join(".env"),
            "# x\nexport A=\"file # a\"\nB=file b # note\nEMPTY=\nbad line\n",
        )
        .unwrap();
        let env = Environment::for_test(dir.path()).with_var("A", "process");
        let config =
            json!({"env": {"B": "no", "D": "plain", "vars": {"C": "config"}, "shellEnv": {"enabled": true}}});
        let variables = Variables::gather(dir.path(), &config, &env);
        assert_eq!(variables.get("A"), Some("process"));
        assert_eq!(variables.of_openclaw("A"), Some("file # a"));
        assert_eq!(variables.get("B"), Some("file b"));
        assert_eq!((variables.get("C"), variables.get("D")), (Some("config"), Some("plain")));
        assert_eq!(variables.get("EMPTY"), None);
        let done = substitute("x ${C}/${NOPE} $${C} ${bad} ${", &variables);
        assert_eq!(done.text, "x config/${NOPE} ${C} ${bad} ${");
        assert_eq!((done.used, done.missing), (vec!["C".to_owned()], vec!["NOPE".to_owned()]));
        assert_eq!(
            (named("${A_1}"), named("$A"), named("A"), named("${a}")),
            (Some("A_1"), Some("A"), None, None)
        );
    }
}
