//! The configuration in force, as the rest of the gateway asks for it. Pure but for the shared slot.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use bulkhead_config::{
    Agent, Config, ConfigOrigin, Identity, Loaded, ModelCost, ModelEntry, Provider, ToolLists,
};
use bulkhead_profile::{Environment, Place};

/// How many tokens a model reads when its entry does not say.
pub(crate) const CONTEXT_WINDOW: u64 = 128_000;

/// One configuration, as it was loaded.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The typed view.
    pub(crate) config: Config,
    /// Hash of the text that it came from.
    pub(crate) hash: String,
    /// Why it is in force instead of the file.
    pub(crate) problem: Option<Problem>,
    /// Hash of a file that crashed the gateway: it is not taken up again until it is another one.
    pub(crate) distrusted: Option<String>,
    /// There is no file: control plane only.
    pub(crate) unconfigured: bool,
    /// The profile's place: where agents live that name no workspace.
    pub(crate) place: Place,
    /// What `~` means in the file.
    pub(crate) environment: Arc<Environment>,
}

/// Why the file on disk is not in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Stable code, such as `config.syntax`.
    pub(crate) code: String,
    /// In words, with the next step; without secrets.
    pub(crate) message: String,
}

/// One agent, with everything that the defaults add.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AgentView {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) is_default: bool,
    pub(crate) workspace: PathBuf,
    /// Models in the order they are tried.
    pub(crate) models: Vec<ModelRef>,
    /// The name that its entry gives it.
    pub(crate) own_name: Option<String>,
    /// How its entry says that it presents itself.
    pub(crate) configured_identity: Identity,
    /// The tools that its entry allows and denies.
    pub(crate) tools: ToolLists,
}

#[cfg(test)]
impl AgentView {
    /// One with an id and nothing else.
    pub(crate) fn for_test(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: id.to_owned(),
            is_default: false,
            workspace: PathBuf::new(),
            models: Vec::new(),
            own_name: None,
            configured_identity: Identity::default(),
            tools: ToolLists::default(),
        }
    }
}

/// `provider/model`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ModelRef {
    pub(crate) provider: String,
    pub(crate) model: String,
}

impl ModelRef {
    /// Takes `provider/model` apart at the first slash: model ids may hold more of them.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (provider, model) = text.split_once('/')?;
        (!provider.is_empty() && !model.is_empty())
            .then(|| Self { provider: provider.to_owned(), model: model.to_owned() })
    }

    /// `provider/model`.
    pub(crate) fn full(&self) -> String {
        format!("{}/{}", self.provider, self.model)
    }
}

impl Settings {
    /// The agents in the order of the file; without any there is one named `main`.
    pub(crate) fn agents(&self) -> Vec<AgentView> {
        let default = self.config.default_agent_id();
        if self.config.agents.list.is_empty() {
            return vec![self.view(&Agent { id: "main".to_owned(), ..Agent::default() }, true)];
        }
        self.config.agents.list.iter().map(|agent| self.view(agent, agent.id == default)).collect()
    }

    /// An agent by id.
    pub(crate) fn agent(&self, id: &str) -> Option<AgentView> {
        self.agents().into_iter().find(|agent| agent.id == id)
    }

    /// The id of the agent that answers by default.
    pub(crate) fn default_agent(&self) -> &str {
        self.config.default_agent_id()
    }

    /// The key of the conversation that clients open first.
    pub(crate) fn main_session_key(&self) -> String {
        format!("agent:{}:main", self.default_agent())
    }

    /// The path that the web UI is served below: empty, or such as `/gateway`.
    pub(crate) fn base_path(&self) -> String {
        bulkhead_server::ui_base_path(self.config.gateway.control_ui.base_path.as_deref().unwrap_or_default())
    }

    /// The provider's entry.
    pub(crate) fn provider(&self, id: &str) -> Option<&Provider> {
        self.config.models.providers.get(id)
    }

    /// The model's entry, if the file lists it.
    pub(crate) fn model(&self, which: &ModelRef) -> Option<&ModelEntry> {
        self.provider(&which.provider)?.models.iter().find(|entry| entry.id == which.model)
    }

    /// What people call the model.
    pub(crate) fn alias(&self, which: &ModelRef) -> Option<&str> {
        self.config.agents.defaults.models.get(&which.full())?.alias.as_deref()
    }

    /// What the model costs, if the file says so.
    pub(crate) fn cost(&self, which: &ModelRef) -> Option<ModelCost> {
        self.model(which)?.cost
    }

    /// Whether the model takes pictures.
    pub(crate) fn takes_pictures(&self, which: &ModelRef) -> bool {
        self.model(which).is_some_and(|entry| entry.input.iter().any(|kind| kind == "image"))
    }

    /// How many tokens the model reads.
    pub(crate) fn context_window(&self, which: &ModelRef) -> u64 {
        self.model(which).and_then(|entry| entry.context_window).unwrap_or(CONTEXT_WINDOW)
    }

    /// An agent with what the defaults add. Only the default agent lives in the workspace of the defaults: others have
    /// one of their own.
    fn view(&self, agent: &Agent, is_default: bool) -> AgentView {
        let defaults = &self.config.agents.defaults;
        // An agent's own model is strict unless it brings fallbacks; fallbacks alone keep the shared first choice.
        let model = &agent.model;
        let own = model.primary.is_some();
        let primary = if own { &model.primary } else { &defaults.model.primary };
        let fallbacks =
            if own || !model.fallbacks.is_empty() { &model.fallbacks } else { &defaults.model.fallbacks };
        let mut models: Vec<ModelRef> = primary
            .iter()
            .chain(fallbacks)
            .filter_map(|text| ModelRef::parse(text).or_else(|| self.find_model(text)))
            .collect();
        if models.is_empty() {
            models.extend(self.only_model());
        }
        let named = agent.workspace.as_ref().or(defaults.workspace.as_ref().filter(|_| is_default));
        let workspace = match named {
            Some(path) => self.environment.expand(path),
            None if is_default => self.place.workspace().to_path_buf(),
            None => self.place.agent_workspace(&agent.id),
        };
        AgentView {
            id: agent.id.clone(),
            name: agent.name.as_ref().unwrap_or(&agent.id).clone(),
            is_default,
            workspace,
            models,
            own_name: agent.name.clone(),
            configured_identity: agent.identity.clone(),
            tools: agent.tools.lists.clone(),
        }
    }

    /// The model that a person names: `provider/model`, or a model's id alone. What is wrong is said.
    pub(crate) fn named_model(&self, name: &str) -> Result<ModelRef, String> {
        let name = name.trim();
        let providers = &self.config.models.providers;
        let known = || providers.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        if let Some(which) = ModelRef::parse(name)
            && let Some(entry) = providers.get(&which.provider)
        {
            let used = self.agents().iter().any(|agent| agent.models.contains(&which));
            if used || entry.models.is_empty() || entry.models.iter().any(|model| model.id == which.model) {
                return Ok(which);
            }
            let offered: Vec<&str> = entry.models.iter().map(|model| model.id.as_str()).collect();
            return Err(format!(
                "unknown model {name:?}: provider {:?} has {}",
                which.provider,
                offered.join(", ")
            ));
        }
        if let Some(which) = self.find_model(name) {
            return Ok(which);
        }
        Err(match name.split_once('/') {
            Some((provider, _)) => format!("unknown provider {provider:?}: expected one of {}", known()),
            None => format!("unknown model {name:?}: expected provider/model with one of {}", known()),
        })
    }

    /// The models of a run that names its own: that one, then `fallbacks` (none, if nothing is said of them). `None`: the
    /// agent's. What does not exist is an error, never another model.
    pub(crate) fn models_for(
        &self,
        model: Option<&str>,
        fallbacks: Option<&[String]>,
    ) -> Result<Option<Vec<ModelRef>>, String> {
        let Some(first) = model.map(str::trim).filter(|name| !name.is_empty()) else { return Ok(None) };
        let find = |name: &str| self.named_model(name);
        let more = fallbacks.unwrap_or_default().iter().map(String::as_str);
        std::iter::once(first).chain(more).map(find).collect::<Result<_, _>>().map(Some)
    }

    /// A model named by its alias, or without its provider.
    pub(crate) fn find_model(&self, name: &str) -> Option<ModelRef> {
        let notes = &self.config.agents.defaults.models;
        let by_alias = notes.iter().find(|(_, note)| note.alias.as_deref() == Some(name));
        if let Some(which) = by_alias.and_then(|(full, _)| ModelRef::parse(full)) {
            return Some(which);
        }
        let (provider, _) = self
            .config
            .models
            .providers
            .iter()
            .find(|(_, entry)| entry.models.iter().any(|model| model.id == name))?;
        Some(ModelRef { provider: provider.clone(), model: name.to_owned() })
    }

    /// Nothing is chosen, but something is configured: its first model.
    fn only_model(&self) -> Option<ModelRef> {
        let (provider, entry) =
            self.config.models.providers.iter().find(|(_, entry)| !entry.models.is_empty())?;
        Some(ModelRef { provider: provider.clone(), model: entry.models.first()?.id.clone() })
    }
}

/// The slot that holds the settings in force; readers get a snapshot.
#[derive(Debug)]
pub(crate) struct SettingsSlot(RwLock<Arc<Settings>>);

impl SettingsSlot {
    /// A slot with its first settings.
    pub(crate) fn new(settings: Settings) -> Self {
        Self(RwLock::new(Arc::new(settings)))
    }

    /// What is in force now.
    pub(crate) fn now(&self) -> Arc<Settings> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts other settings in force; answers the former ones.
    pub(crate) fn replace(&self, settings: Settings) -> Arc<Settings> {
        let mut slot = self.0.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *slot, Arc::new(settings))
    }
}

impl Settings {
    /// What was loaded, for a profile.
    pub(crate) fn of(loaded: Loaded, place: &Place, environment: Arc<Environment>) -> Self {
        let problem = match &loaded.source {
            ConfigOrigin::LastGood { reason, code } => {
                Some(Problem { code: (*code).to_owned(), message: reason.clone() })
            }
            ConfigOrigin::Current | ConfigOrigin::Missing => None,
        };
        Self {
            problem,
            distrusted: None,
            unconfigured: loaded.source == ConfigOrigin::Missing,
            config: loaded.config,
            hash: loaded.document.hash(),
            place: place.clone(),
            environment,
        }
    }
}

#[cfg(test)]
mod tests {
    use bulkhead_config::ConfigDocument;

    use super::*;

    fn settings(text: &str) -> Settings {
        let document = ConfigDocument::parse("test", text).unwrap();
        Settings {
            config: Config::from_document(&document).unwrap(),
            hash: String::new(),
            problem: None,
            distrusted: None,
            unconfigured: false,
            place: Place::resolve(None, &Environment::for_test("/home/ada")).unwrap(),
            environment: Arc::new(Environment::for_test("/home/ada")),
        }
    }

    #[test]
    fn without_agents_there_is_main_with_the_only_model() {
        let settings = settings(
            r#"{ models: { providers: { fake: { baseUrl: "http://127.0.0.1:1/v1", models: [{ id: "a/b" }] } } } }"#,
        );
        let agents = settings.agents();
        assert_eq!(agents.len(), 1);
        assert_eq!((agents[0].id.as_str(), agents[0].is_default), ("main", true));
        assert_eq!(agents[0].models, [ModelRef { provider: "fake".into(), model: "a/b".into() }]);
        assert_eq!(settings.main_session_key(), "agent:main:main");
        assert_eq!(settings.context_window(&agents[0].models[0]), CONTEXT_WINDOW);
    }

    #[test]
    fn every_agent_has_a_folder_and_models_of_its_own() {
        let settings = settings(
            r#"{ agents: { defaults: { model: "x/one", workspace: "~/all" },
                  list: [{ id: "main", default: true }, { id: "ops", model: "x/two" }, { id: "art", workspace: "~/art" }] },
                models: { providers: { x: { baseUrl: "http://127.0.0.1:1/v1", models: [{ id: "one" }, { id: "two" }] } } } }"#,
        );
        assert_eq!(settings.agent("ops").unwrap().models[0].full(), "x/two");
        assert_eq!(settings.agent("main").unwrap().models[0].full(), "x/one");
        let folder = |id: &str| settings.agent(id).unwrap().workspace;
        assert_eq!(folder("main"), PathBuf::from("/home/ada/all"));
        assert_eq!(folder("ops"), PathBuf::from("/home/ada/.bulkhead/agents/ops/workspace"));
        assert_eq!(folder("art"), PathBuf::from("/home/ada/art"));
    }
}
