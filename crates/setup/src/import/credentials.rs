//! From what stands in a configuration of OpenClaw to the secret itself: plain text, variables, files, its own store.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bulkhead_profile::{Environment, files};
use rusqlite::Connection;
use secrecy::SecretString;
use serde_json::Value;

use super::database::has_table;
use super::variables::{Variables, named};

const LIMIT: u64 = 1024 * 1024;

/// What a place of a secret led to.
pub(super) enum Found {
    /// The secret, and where it was in words.
    Secret(SecretString, String),
    /// A variable that is set nowhere here.
    Variable(String),
    /// Somewhere that cannot be read from here: why, and what to do.
    Nowhere { why: String, next_step: String },
}

/// Where secrets of one OpenClaw are.
pub(super) struct Credentials {
    pub(super) variables: Variables,
    env: Environment,
    providers: Value,
    default_file: Option<String>,
    stored: BTreeMap<String, SecretString>,
    used: RefCell<BTreeSet<String>>,
}

impl Credentials {
    pub(super) fn new(
        variables: Variables,
        config: &Value,
        state: Option<&Connection>,
        env: &Environment,
    ) -> Self {
        let at = |pointer: &str| config.pointer(pointer).cloned().unwrap_or(Value::Null);
        Self {
            variables,
            env: env.clone(),
            providers: at("/secrets/providers"),
            default_file: at("/secrets/defaults/file").as_str().map(str::to_owned),
            stored: state.map(stored).unwrap_or_default(),
            used: RefCell::default(),
        }
    }

    /// Follows one place; `holder` is where it stands, in words. `None` where there is nothing.
    pub(super) fn follow(&self, input: &Value, holder: &str) -> Option<Found> {
        match input {
            Value::String(text) if text.trim().is_empty() => None,
            Value::String(text) => Some(match named(text.trim()) {
                Some(name) => self.variable(name),
                None => Found::Secret(text.trim().into(), format!("plain text in {holder}")),
            }),
            Value::Object(reference) => {
                let text = |key: &str| reference.get(key).and_then(Value::as_str);
                let (source, id) = (text("source")?, text("id")?);
                Some(match source {
                    "env" => self.variable(id),
                    "file" => self.file(text("provider"), id),
                    "store" => match self.stored.get(id) {
                        Some(secret) => {
                            Found::Secret(secret.clone(), "OpenClaw's own store of secrets".to_owned())
                        }
                        None => Found::Nowhere {
                            why: format!("it names {id} in OpenClaw's own store, which has no such secret"),
                            next_step: "store it by hand".to_owned(),
                        },
                    },
                    other => Found::Nowhere {
                        why: format!(
                            "OpenClaw gets it from a source of kind {other}, which Bulkhead does not run"
                        ),
                        next_step: "store it by hand, or describe a command of your own in secrets.providers"
                            .to_owned(),
                    },
                })
            }
            _ => None,
        }
    }

    /// The content of a file that holds nothing but a secret.
    pub(super) fn token_file(&self, path: &str) -> Found {
        let path = self.env.expand(path);
        match files::read_limited(&path, LIMIT).map(String::from_utf8) {
            Ok(Ok(text)) if !text.trim().is_empty() => {
                Found::Secret(text.trim().into(), format!("the file {}", path.display()))
            }
            _ => Found::Nowhere {
                why: format!("{} cannot be read or is empty", path.display()),
                next_step: "store it by hand".to_owned(),
            },
        }
    }

    /// Whether a secret came from that variable.
    pub(super) fn was_used(&self, name: &str) -> bool {
        self.used.borrow().contains(name)
    }

    fn variable(&self, name: &str) -> Found {
        self.used.borrow_mut().insert(name.to_owned());
        match self.variables.get(name) {
            Some(value) => Found::Secret(value.into(), format!("the variable {name}")),
            None => Found::Variable(name.to_owned()),
        }
    }

    fn file(&self, provider: Option<&str>, id: &str) -> Found {
        let name = provider.or(self.default_file.as_deref()).unwrap_or("default");
        let provider = &self.providers[name];
        let path: Option<PathBuf> = provider["path"].as_str().map(|path| self.env.expand(path));
        let Some(path) = path else {
            return Found::Nowhere {
                why: format!("it is in the file of `{name}`, which secrets.providers does not describe"),
                next_step: "store it by hand".to_owned(),
            };
        };
        if provider["mode"].as_str() == Some("singleValue") {
            return self.token_file(&path.display().to_string());
        }
        let read = |path: &Path| {
            let bytes = files::read_limited(path, LIMIT).ok()?;
            let content: Value = serde_json::from_slice(&bytes).ok()?;
            content.pointer(id)?.as_str().map(SecretString::from)
        };
        match read(&path) {
            Some(secret) => Found::Secret(secret, format!("{} {id}", path.display())),
            None => Found::Nowhere {
                why: format!("{} has nothing at {id}, or cannot be read", path.display()),
                next_step: "store it by hand".to_owned(),
            },
        }
    }
}

fn stored(state: &Connection) -> BTreeMap<String, SecretString> {
    if !has_table(state, "secret_store_entries") {
        return BTreeMap::new();
    }
    let read = || -> rusqlite::Result<BTreeMap<String, SecretString>> {
        let mut rows = state.prepare(
            "SELECT name, value FROM secret_store_entries WHERE scope_kind = 'team' AND deleted_at_ms IS NULL",
        )?;
        let found =
            rows.query_map([], |row| Ok((row.get(0)?, SecretString::from(row.get::<_, String>(1)?))))?;
        found.collect()
    };
    read().unwrap_or_default()
}
