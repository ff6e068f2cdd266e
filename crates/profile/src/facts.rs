//! What the audit compares: one profile's places, ports and bots, as plain values.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::discover::known_profiles;
use crate::environment::Environment;
use crate::files;
use crate::glimpse::ConfigGlimpse;
use crate::openclaw::{self, OpenClawInstall};
use crate::place::Place;

/// Whose profile it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FactsKind {
    /// Ours.
    #[default]
    Bulkhead,
    /// An OpenClaw's on this machine: compared with ours, never with another OpenClaw's.
    OpenClaw,
}

/// The facts of one profile. Paths are canonical where they exist.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileFacts {
    /// Ours or an OpenClaw's.
    pub kind: FactsKind,
    /// How people call it; names of two instances in other directories carry the directory.
    pub name: String,
    /// The state directory.
    pub state_dir: PathBuf,
    /// The configuration file.
    pub config_path: PathBuf,
    /// The agents' directory.
    pub workspace: PathBuf,
    /// The base port, if known.
    pub base_port: Option<u16>,
    /// `browser.controlPort`, if set.
    pub control_port: Option<u16>,
    /// Explicit CDP ports by field path.
    pub cdp_ports: BTreeMap<String, u16>,
    /// CDP addresses by field path.
    pub cdp_urls: BTreeMap<String, String>,
    /// Public ids of its Telegram bots; never a token.
    pub bot_ids: Vec<u64>,
    /// Keychain service; empty for OpenClaw.
    pub keychain_service: String,
    /// systemd unit; empty for OpenClaw.
    pub service_name: String,
    /// False if its configuration exists and cannot be read.
    pub readable: bool,
}

impl ProfileFacts {
    /// The facts of a place, without a look into its configuration.
    pub fn of_place(place: &Place, base_port: Option<u16>) -> Self {
        Self {
            kind: FactsKind::Bulkhead,
            name: place.label(),
            state_dir: files::canonical(place.state_dir()),
            config_path: files::canonical(place.config_path()),
            workspace: files::canonical(place.workspace()),
            base_port,
            keychain_service: place.keychain_service(),
            service_name: place.service_name(),
            readable: true,
            ..Self::default()
        }
    }

    /// Adds what the configuration says.
    #[must_use]
    pub fn with_glimpse(mut self, glimpse: &ConfigGlimpse, env: &Environment) -> Self {
        self.readable = glimpse.readable;
        self.base_port = glimpse.base_port.or(self.base_port);
        self.control_port = glimpse.control_port;
        self.cdp_ports.clone_from(&glimpse.cdp_ports);
        self.cdp_urls.clone_from(&glimpse.cdp_urls);
        self.with_bots(&glimpse.bot_ids).with_workspace(glimpse.workspace.as_deref(), env)
    }

    /// Adds bots by their public ids.
    #[must_use]
    pub fn with_bots(mut self, ids: &[u64]) -> Self {
        for id in ids {
            if !self.bot_ids.contains(id) {
                self.bot_ids.push(*id);
            }
        }
        self
    }

    fn with_workspace(mut self, workspace: Option<&str>, env: &Environment) -> Self {
        if let Some(path) = workspace.filter(|path| !path.is_empty()) {
            self.workspace = files::canonical(&env.expand(path));
        }
        self
    }

    /// The facts of an OpenClaw profile.
    pub fn of_openclaw(install: &OpenClawInstall, env: &Environment) -> Self {
        let workspace = match &install.profile {
            Some(profile) => env.home.join(".openclaw").join(format!("workspace-{profile}")),
            None => install.state_dir.join("workspace"),
        };
        Self {
            kind: FactsKind::OpenClaw,
            name: install.label(),
            state_dir: files::canonical(&install.state_dir),
            config_path: files::canonical(&install.config_path),
            workspace: files::canonical(&workspace),
            ..Self::default()
        }
        .with_glimpse(&install.glimpse, env)
        .with_base(install.base_port)
    }

    fn with_base(mut self, base: u16) -> Self {
        self.base_port = Some(base);
        self
    }
}

/// The facts of every profile known here and of every OpenClaw found.
pub fn gather_facts(env: &Environment) -> Vec<ProfileFacts> {
    let mut facts: Vec<_> = known_profiles(env)
        .iter()
        .map(|known| {
            let facts = ProfileFacts::of_place(&known.place, known.base_port).with_bots(&known.bot_ids);
            match &known.glimpse {
                Some(glimpse) => facts.with_glimpse(glimpse, env),
                None => facts,
            }
        })
        .collect();
    facts.extend(openclaw::detect(env).iter().map(|install| ProfileFacts::of_openclaw(install, env)));
    facts
}
