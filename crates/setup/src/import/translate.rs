//! A configuration of OpenClaw in Bulkhead's terms: what is known is taken over, secrets become references, what is not
//! known is kept where it can do no harm. Pure but for the secrets that [`Credentials`] follows.

mod agents;
mod channels;
mod gateway;
mod keep;
mod providers;
mod valid;

pub(super) use self::channels::user_id;

use std::collections::BTreeSet;
use std::path::PathBuf;

use bulkhead_config::{SecretRef, SecretSource};
use bulkhead_secrets::SecretId;
use secrecy::SecretString;
use serde_json::{Map, Value};

use super::credentials::{Credentials, Found};
use super::line::{ImportArea, ImportLine};
use super::profiles::AuthProfile;

/// A secret that was found, and the field that it is for.
pub(super) struct FoundSecret {
    pub(super) id: SecretId,
    pub(super) value: SecretString,
}

/// A folder that an agent works in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Folder {
    /// The agent; none for the one that all agents share.
    pub(super) agent: Option<String>,
    pub(super) from: PathBuf,
    pub(super) to: PathBuf,
}

/// What the translation has to know beside the configuration.
pub(super) struct Terms<'t> {
    pub(super) credentials: &'t Credentials,
    pub(super) profiles: &'t [AuthProfile],
    /// Where references point.
    pub(super) source: SecretSource,
    /// The state directory of the OpenClaw.
    pub(super) their_state: PathBuf,
    /// The home directory.
    pub(super) home: PathBuf,
    /// The folder that its agents share by rule.
    pub(super) their_workspace: PathBuf,
    /// The shared folder of the profile to be.
    pub(super) our_workspace: PathBuf,
    /// The state directory of the profile to be.
    pub(super) our_state: PathBuf,
    /// Whether the bots may be polled by the profile from now on.
    pub(super) take_over: bool,
    /// Whether the ports stay the same.
    pub(super) same_port: bool,
}

/// What came of it.
#[derive(Default)]
pub(super) struct Translation {
    pub(super) value: Value,
    pub(super) secrets: Vec<FoundSecret>,
    pub(super) folders: Vec<Folder>,
    /// Ids of Telegram bots that the profile will poll.
    pub(super) bots: Vec<u64>,
    pub(super) lines: Vec<ImportLine>,
}

/// Translates a whole configuration.
pub(super) fn translate(config: Value, terms: &Terms<'_>) -> Translation {
    let Value::Object(config) = config else { return Translation::default() };
    let mut draft = Draft {
        terms,
        config,
        done: Translation::default(),
        handled: BTreeSet::new(),
        cleared: BTreeSet::new(),
        put_in: BTreeSet::new(),
    };
    draft.bookkeeping();
    draft.gateway();
    draft.channels();
    draft.providers();
    draft.agents();
    draft.browser();
    let (mut done, config) = draft.keep();
    done.value = valid::made_valid(config, &mut done.lines);
    providers::check_choice(&done.value, &mut done.lines);
    done
}

/// Parts of a configuration that mean nothing outside of the program that wrote them, with the reason.
const LEFT: [(&str, &str); 13] = [
    ("meta", "OpenClaw's own notes"),
    ("wizard", "OpenClaw's own notes"),
    ("update", "how OpenClaw updates itself"),
    ("plugins", "plugins of OpenClaw, which run in Node only"),
    ("extensions", "plugins of OpenClaw, which run in Node only"),
    ("skills", "settings of OpenClaw's skills; those in the workspace come with it"),
    ("mcp", "tool servers; they may hold secrets, and Bulkhead does not start any"),
    ("acp", "editors that drive OpenClaw"),
    ("hooks", "incoming hooks; set them up anew, with a token of their own"),
    ("secrets", "the sources of OpenClaw's secrets; what could be read is stored anew"),
    ("auth", "the list of OpenClaw's sign-ins; those that could be read are told below"),
    ("env", "variables for OpenClaw's process; those that settings name were put in"),
    ("talk", "voice, which Bulkhead does not have"),
];

struct Draft<'d, 't> {
    terms: &'d Terms<'t>,
    config: Map<String, Value>,
    done: Translation,
    /// Paths that have a line already.
    handled: BTreeSet<String>,
    /// Paths that may hold a secret by rule, and hold none.
    cleared: BTreeSet<String>,
    /// Variables whose values were put into settings.
    put_in: BTreeSet<String>,
}

impl Draft<'_, '_> {
    fn say(&mut self, line: ImportLine) {
        self.done.lines.push(line);
    }

    fn bookkeeping(&mut self) {
        for (key, why) in LEFT {
            if self.config.remove(key).is_some() {
                self.say(ImportLine::skipped(ImportArea::Config, key, format!("{why}.")));
            }
        }
        let owners = self
            .config
            .get("commands")
            .and_then(|commands| commands.get("ownerAllowFrom"))
            .and_then(Value::as_array);
        for owner in
            owners.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
        {
            self.say(
                ImportLine::skipped(ImportArea::People, format!("owner {owner}"), "Who may repair is chosen on this machine, never imported.")
                    .then("add the user id to rescue.operators of the profile that watches, if that person may repair"),
            );
        }
    }

    /// Variables that nothing needed, by name only.
    fn variables(&mut self) {
        let credentials = self.terms.credentials;
        let names = credentials.variables.names();
        for (place, name) in
            names.into_iter().filter(|(_, name)| !credentials.was_used(name) && !self.put_in.contains(name))
        {
            self.done.lines.push(
                ImportLine::skipped(
                    ImportArea::Secrets,
                    format!("{place}{name}"),
                    "No setting needs it, and Bulkhead sets no variables for its tools.",
                )
                .then("set it where the gateway is started, if a tool needs it"),
            );
        }
    }

    /// The object at a key of the file, if it is one.
    fn section(&mut self, key: &str) -> Option<&mut Map<String, Value>> {
        self.config.get_mut(key).and_then(Value::as_object_mut)
    }

    /// Follows a place of a secret: a reference of ours to put there, if it led somewhere.
    fn secret(&mut self, item: &str, input: &Value, id: SecretId) -> Option<Value> {
        let found = self.terms.credentials.follow(input, "the configuration")?;
        Some(self.found(item, found, id))
    }

    fn found(&mut self, item: &str, found: Found, id: SecretId) -> Value {
        self.handled.insert(item.to_owned());
        match found {
            Found::Secret(value, from) => {
                let reference = SecretRef::new(self.terms.source, id.as_str()).to_value();
                self.say(ImportLine::changed(
                    ImportArea::Secrets,
                    item,
                    format!("From {from} to {id} in {}.", words(self.terms.source)),
                ));
                self.done.secrets.push(FoundSecret { id, value });
                reference
            }
            Found::Variable(name) => {
                self.say(
                    ImportLine::skipped(
                        ImportArea::Secrets,
                        item,
                        format!("It is in the variable {name}, which is set nowhere here."),
                    )
                    .then(format!("store it with: bulkhead secrets set {id} -")),
                );
                SecretRef::new(self.terms.source, id.as_str()).to_value()
            }
            Found::Nowhere { why, next_step } => {
                let next = if next_step == "store it by hand" {
                    format!("store it with: bulkhead secrets set {id} -")
                } else {
                    next_step
                };
                self.say(ImportLine::skipped(ImportArea::Secrets, item, format!("{why}.")).then(next));
                SecretRef::new(self.terms.source, id.as_str()).to_value()
            }
        }
    }

    fn browser(&mut self) {
        let Some(browser) = self.section("browser") else { return };
        let mut gone = Vec::new();
        for key in ["controlPort", "cdpUrl"] {
            if browser.remove(key).is_some() {
                gone.push(format!("browser.{key}"));
            }
        }
        let profiles = browser.get_mut("profiles").and_then(Value::as_object_mut);
        for (name, profile) in profiles.into_iter().flatten() {
            let Some(profile) = profile.as_object_mut() else { continue };
            for key in ["cdpPort", "cdpUrl"] {
                if profile.remove(key).is_some() {
                    gone.push(format!("browser.profiles.{name}.{key}"));
                }
            }
        }
        for item in gone {
            self.say(ImportLine::changed(
                ImportArea::Ports,
                item,
                "Left out: two programs cannot share it, and the profile has ports of its own.",
            ));
        }
    }
}

/// A place of secrets in words.
pub(super) fn words(source: SecretSource) -> &'static str {
    match source {
        SecretSource::Keychain => "the keychain",
        SecretSource::File => "the profile's secrets file",
        SecretSource::Env => "the environment",
        SecretSource::Exec => "a command",
    }
}
