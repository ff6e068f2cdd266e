//! The model providers in force: built when first asked, built anew when configuration or keys change.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bulkhead_agent::{
    AgentError, Provider, ProviderApi, ProviderErrorKind, ProviderSettings, RunOutcome, provider,
};
use bulkhead_config::ModelApi;

use crate::checks::{ModelTroubles, Noted};
use crate::cooldown::Cooldowns;
use crate::credentials::Credentials;
use crate::settings::{ModelRef, Settings};

/// How long a provider may take to list its models.
const LISTING: Duration = Duration::from_secs(10);
/// Models that are remembered of one list.
const MOST_LISTED: usize = 1000;

/// Providers by id.
#[derive(Debug)]
pub(crate) struct ModelSet {
    credentials: Arc<Credentials>,
    built: Mutex<HashMap<String, Arc<dyn Provider>>>,
    troubles: Arc<ModelTroubles>,
    cooldowns: Cooldowns,
    /// What providers said they have, by provider.
    listed: Mutex<BTreeMap<String, Vec<String>>>,
}

impl ModelSet {
    /// Nothing is built yet.
    pub(crate) fn new(credentials: Arc<Credentials>) -> Self {
        Self {
            credentials,
            built: Mutex::default(),
            troubles: Arc::default(),
            cooldowns: Cooldowns::default(),
            listed: Mutex::default(),
        }
    }

    /// Forgets what was built; runs that go on keep theirs.
    pub(crate) fn forget(&self) {
        self.built.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.troubles.forget();
        self.cooldowns.forget();
        self.listed.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What providers answered last.
    pub(crate) fn troubles(&self) -> &ModelTroubles {
        &self.troubles
    }

    /// Which models rest after failures.
    pub(crate) fn cooldowns(&self) -> &Cooldowns {
        &self.cooldowns
    }

    /// Asks providers for their lists of models, all at once, and remembers them. Answers how it went per provider:
    /// `ready`, `auth-rejected` or `unavailable`.
    pub(crate) async fn discover(
        &self,
        settings: &Settings,
        only: Option<&str>,
    ) -> Vec<(String, &'static str)> {
        let ids = settings.config.models.providers.keys().filter(|id| only.is_none_or(|one| one == *id));
        let asked = ids.map(|id| async move {
            let which = ModelRef { provider: id.clone(), model: String::new() };
            let Ok(ready) = self.provider(settings, &which) else { return (id.clone(), "auth-rejected") };
            match provider::list_models(&*ready, LISTING).await {
                Ok(list) => {
                    let names = list.into_iter().map(|model| model.id).take(MOST_LISTED).collect();
                    self.listed.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), names);
                    (id.clone(), "ready")
                }
                Err(error) if error.kind == ProviderErrorKind::KeyRejected => (id.clone(), "auth-rejected"),
                Err(_) => (id.clone(), "unavailable"),
            }
        });
        futures::future::join_all(asked).await
    }

    /// What providers said they have, as far as they were asked.
    pub(crate) fn discovered(&self) -> Vec<ModelRef> {
        let listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |(provider, models): (&String, &Vec<String>)| {
            let provider = provider.clone();
            models
                .iter()
                .map(move |model| ModelRef { provider: provider.clone(), model: model.clone() })
                .collect::<Vec<_>>()
        };
        listed.iter().flat_map(of).collect()
    }

    /// A run ended: did the model that was asked last answer?
    pub(crate) fn note_end(&self, outcome: &RunOutcome) {
        let (provider, model) = outcome.model.clone();
        let which = ModelRef { provider, model };
        match &outcome.error {
            None => self.cooldowns.worked(&which),
            Some(AgentError::Provider(error)) => self.cooldowns.failed(&which, error),
            Some(_) => {}
        }
    }

    /// Why a model cannot be asked, in words for a person.
    pub(crate) fn missing(&self, settings: &Settings, which: &ModelRef) -> Option<String> {
        let Some(entry) = settings.provider(&which.provider) else {
            return Some(format!(
                "model {} names provider {:?}, which models.providers does not have; add it with `bulkhead onboard`, \
                 or choose another model",
                which.full(),
                which.provider
            ));
        };
        let key = entry.api_key.as_ref()?;
        if self.credentials.resolve(key).is_some() {
            return None;
        }
        let name = key
            .reference()
            .map_or_else(|| format!("models/{}/api-key", which.provider), |one| one.id.clone());
        Some(format!(
            "the key of provider {:?} is missing: secret {name:?} was not found; store it with \
             `bulkhead secrets set {name}`",
            which.provider
        ))
    }

    /// The provider of a model, ready to be asked.
    pub(crate) fn provider(
        &self,
        settings: &Settings,
        which: &ModelRef,
    ) -> Result<Arc<dyn Provider>, String> {
        if let Some(ready) = self.built.lock().unwrap_or_else(PoisonError::into_inner).get(&which.provider) {
            return Ok(Arc::clone(ready));
        }
        let wanted = self.wanted(settings, which)?;
        let inner = provider::build(wanted).map_err(|error| error.to_string())?;
        let ready: Arc<dyn Provider> = Arc::new(Noted { inner, troubles: Arc::clone(&self.troubles) });
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        built.insert(which.provider.clone(), Arc::clone(&ready));
        Ok(ready)
    }

    /// Where the provider of a model is and how it is spoken to.
    pub(crate) fn wanted(&self, settings: &Settings, which: &ModelRef) -> Result<ProviderSettings, String> {
        if let Some(problem) = self.missing(settings, which) {
            return Err(problem);
        }
        let entry = settings.provider(&which.provider).ok_or_else(|| "the provider is gone".to_owned())?;
        let (api, home) = match entry.api {
            ModelApi::OpenAi => (ProviderApi::OpenAi, "https://api.openai.com/v1"),
            ModelApi::Anthropic => (ProviderApi::Anthropic, "https://api.anthropic.com"),
            ModelApi::Ollama => (ProviderApi::Ollama, "http://127.0.0.1:11434"),
        };
        let mut wanted =
            ProviderSettings::new(&which.provider, api, entry.base_url.as_deref().unwrap_or(home));
        wanted.api_key = entry.api_key.as_ref().and_then(|key| self.credentials.resolve(key));
        wanted.headers.clone_from(&entry.headers);
        wanted.proxy.clone_from(&entry.proxy);
        Ok(wanted)
    }
}
