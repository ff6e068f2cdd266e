//! The skills of this gateway's agents: what is on the shelf, what of it can be used, and noticing that it changed.

mod library;
mod machine;
mod watch;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use bulkhead_agent::skills::{self, Entry, Root, Rules, Shelf, Skill, listing};
use bulkhead_config::{Config, ConfigStore, redact};
use bulkhead_profile::{Environment, Place};
use secrecy::SecretString;
use serde_json::Value;
use tokio::sync::Notify;

use crate::gateway::Gateway;
use crate::settings::{AgentView, Settings};
pub(crate) use library::{Found, Library};
pub use machine::Machine;
pub(crate) use watch::watch;

/// Shelves by agent, looked through once and again when something changed.
#[derive(Debug, Default)]
pub(crate) struct Skills {
    shelves: Mutex<HashMap<String, Arc<Shelf>>>,
    /// Another configuration: other places may count.
    pub(crate) places_changed: Notify,
}

impl Skills {
    /// What was found is no longer known to be so.
    pub(crate) fn forget(&self) {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Where skills of an agent may lie.
pub fn places(
    place: &Place,
    environment: &Environment,
    config: &Config,
    workspace: &std::path::Path,
) -> Vec<Root> {
    let extra: Vec<PathBuf> =
        config.skills.load.extra_dirs.iter().map(|path| environment.expand(path)).collect();
    // A profile in a place of its own stays apart from what lies in the home folder.
    let home = (!place.overridden() && place.name().as_str() == "main").then_some(environment.home.as_path());
    skills::roots(workspace, home, place.state_dir(), &extra)
}

/// What the configuration says about an agent's skills. `whole` is the configuration itself.
pub fn rules(config: &Config, agent: &str, whole: &Value) -> Rules {
    let own = config.agents.list.iter().find(|one| one.id == agent).and_then(|one| one.skills.clone());
    let entries = config.skills.entries.iter().map(|(key, entry)| {
        let env = entry.env.keys().cloned().collect();
        (key.clone(), Entry { enabled: entry.enabled, env, has_key: entry.api_key.is_some() })
    });
    Rules {
        entries: entries.collect(),
        allowed: own.or_else(|| config.agents.defaults.skills.clone()),
        config: redact(whole),
    }
}

/// What an agent is told of its skills for one turn, and what comes with it.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// The paragraph for the prompt.
    pub(crate) note: Option<String>,
    /// Folders that may be read besides the workspace.
    pub(crate) folders: Vec<PathBuf>,
    /// Variables for commands.
    pub(crate) variables: Vec<(String, SecretString)>,
}

impl Gateway {
    /// The shelf of an agent.
    pub(crate) async fn shelf(&self, settings: &Settings, agent: &AgentView) -> Arc<Shelf> {
        let known =
            self.skills.shelves.lock().unwrap_or_else(PoisonError::into_inner).get(&agent.id).cloned();
        if let Some(shelf) = known {
            return shelf;
        }
        let roots = places(&self.place, &settings.environment, &settings.config, &agent.workspace);
        let shelf = tokio::task::spawn_blocking(move || skills::scan(&roots)).await.unwrap_or_default();
        for (path, why) in &shelf.problems {
            tracing::warn!(path = %path.display(), "a skill is left out: {why}");
        }
        let shelf = Arc::new(shelf);
        let mut shelves = self.skills.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        shelves.insert(agent.id.clone(), Arc::clone(&shelf));
        shelf
    }

    /// The skills of all agents, each folder once.
    pub(crate) async fn library(&self) -> Library {
        let settings = self.settings.now();
        let mut library = Library::default();
        for agent in settings.agents() {
            let shelf = self.shelf(&settings, &agent).await;
            let rules = self.skill_rules(&settings, &agent.id).await;
            library.add(&agent.name, &shelf.skills, &rules);
        }
        library
    }

    /// The rules for an agent's skills.
    pub(crate) async fn skill_rules(&self, settings: &Settings, agent: &str) -> Rules {
        let place = self.place.clone();
        let whole = tokio::task::spawn_blocking(move || {
            ConfigStore::new(&place).load().map(|loaded| loaded.document.value()).unwrap_or_default()
        });
        rules(&settings.config, agent, &whole.await.unwrap_or_default())
    }

    /// What an agent is told of its skills.
    pub(crate) async fn skills_for(&self, settings: &Settings, agent: &AgentView) -> Told {
        let shelf = self.shelf(settings, agent).await;
        if shelf.skills.is_empty() {
            return Told::default();
        }
        let rules = self.skill_rules(settings, &agent.id).await;
        let usable = shelf.eligible(&rules, &Machine);
        Told {
            note: listing(usable.iter().copied(), &agent.workspace),
            folders: usable.iter().map(|skill| skill.folder.clone()).collect(),
            variables: usable.iter().flat_map(|skill| self.variables(settings, skill)).collect(),
        }
    }

    /// The variables that the configuration gives a skill, as far as their secrets are here.
    fn variables(&self, settings: &Settings, skill: &Skill) -> Vec<(String, SecretString)> {
        let Some(entry) = settings.config.skills.entries.get(skill.key()) else { return Vec::new() };
        let main = skill.manifest.primary_env.as_ref().zip(entry.api_key.as_ref());
        main.into_iter()
            .chain(&entry.env)
            .filter_map(|(name, input)| Some((name.clone(), self.credentials.resolve(input)?)))
            .collect()
    }
}
