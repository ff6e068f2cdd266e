//! Which profiles there are: those in the register, and those that lie in the places of the rule.

use std::collections::BTreeSet;

use crate::environment::Environment;
use crate::files;
use crate::glimpse::ConfigGlimpse;
use crate::name::ProfileName;
use crate::place::Place;
use crate::register::{Owner, Register, RegisterEntry};
use crate::spacing;

/// A profile on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownProfile {
    /// Its place.
    pub place: Place,
    /// Its base port: `gateway.port`, else its claim; for an unregistered main, rescue or dev the preferred one.
    pub base_port: Option<u16>,
    /// The claim in the register.
    pub claimed: Option<u16>,
    /// Who runs it, if it is registered.
    pub owner: Option<Owner>,
    /// Public ids of its Telegram bots, as recorded when they were set up.
    pub bot_ids: Vec<u64>,
    /// What its configuration says; `None` if there is no file.
    pub glimpse: Option<ConfigGlimpse>,
}

/// Every profile known here, by name and directory. Never fails: what cannot be read is left out or unreadable.
pub fn known_profiles(env: &Environment) -> Vec<KnownProfile> {
    let entries = Register::open(env).read().unwrap_or_default();
    known_beside(&entries, env)
}

/// The same, with entries read already.
pub(crate) fn known_beside(entries: &[RegisterEntry], env: &Environment) -> Vec<KnownProfile> {
    let mut seen = BTreeSet::new();
    let mut known = Vec::new();
    for entry in entries {
        if seen.insert(files::canonical(&entry.state_dir)) {
            known.push(look(Place::of_entry(entry, env), Some(entry)));
        }
    }
    for name in names_by_rule(env) {
        let place = Place::by_rule(&name, env);
        if seen.insert(files::canonical(place.state_dir())) {
            known.push(look(place, None));
        }
    }
    known.sort_by(|a, b| (a.place.name(), a.place.state_dir()).cmp(&(b.place.name(), b.place.state_dir())));
    known
}

fn look(place: Place, entry: Option<&RegisterEntry>) -> KnownProfile {
    let glimpse = ConfigGlimpse::of_file(place.config_path());
    let claimed = entry.map(|entry| entry.base_port);
    let configured = glimpse.as_ref().and_then(|glimpse| glimpse.base_port);
    let preferred = spacing::preferred_base(place.name());
    let by_rule = (preferred != spacing::PREFERRED_OTHERS).then_some(preferred);
    KnownProfile {
        base_port: configured.or(claimed).or(by_rule),
        claimed,
        owner: entry.map(|entry| entry.owner),
        bot_ids: entry.map(|entry| entry.bot_ids.clone()).unwrap_or_default(),
        glimpse,
        place,
    }
}

/// Names whose directory by the rule holds a profile: a marker or a configuration.
fn names_by_rule(env: &Environment) -> Vec<ProfileName> {
    let Ok(entries) = std::fs::read_dir(&env.home) else { return Vec::new() };
    let mut names: Vec<_> = entries
        .flatten()
        .filter_map(|entry| {
            let folder = entry.file_name();
            let name = match folder.to_str()? {
                ".bulkhead" => ProfileName::main(),
                other => ProfileName::parse(other.strip_prefix(".bulkhead-")?).ok()?,
            };
            let place = Place::by_rule(&name, env);
            (place.marker_path().is_file() || place.config_path().is_file()).then_some(name)
        })
        .collect();
    names.sort();
    names
}
