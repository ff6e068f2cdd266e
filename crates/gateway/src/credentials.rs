//! The secrets in memory: where they came from is behind, and nothing here prints them.

use std::sync::{Arc, PoisonError, RwLock};

use bulkhead_config::{AuthMode as ConfiguredMode, SecretInput};
use bulkhead_secrets::{SecretBundle, SecretId};
use bulkhead_server::{AuthMode, AuthPolicy};
use secrecy::{ExposeSecret, SecretString};

use crate::logs::Redactor;
use crate::settings::Settings;

/// The secrets of one gateway.
pub(crate) struct Credentials {
    inner: RwLock<Inner>,
    /// `--token`, or the variable of that meaning: wins over the configuration.
    token: Option<SecretString>,
}

struct Inner {
    bundle: Arc<SecretBundle>,
    /// Why some cannot be read yet: the keychain is locked.
    waiting: Option<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("waiting", &self.waiting()).finish_non_exhaustive()
    }
}

impl Credentials {
    /// The first secrets, and why some are still waited for.
    pub(crate) fn new(bundle: SecretBundle, waiting: Option<String>, token: Option<SecretString>) -> Self {
        Self { inner: RwLock::new(Inner { bundle: Arc::new(bundle), waiting }), token }
    }

    /// Whether some are still waited for.
    pub(crate) fn waiting(&self) -> bool {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).waiting.is_some()
    }

    /// Why they are waited for, with the next step.
    pub(crate) fn waiting_for(&self) -> Option<String> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).waiting.clone()
    }

    /// All secrets anew.
    pub(crate) fn replace(&self, bundle: SecretBundle, waiting: Option<String>) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        *inner = Inner { bundle: Arc::new(bundle), waiting };
    }

    /// Some secrets anew. Answers the names that changed.
    pub(crate) fn update(
        &self,
        changed: SecretBundle,
        removed: &[SecretId],
        waiting: Option<String>,
    ) -> Vec<SecretId> {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let mut bundle = (*inner.bundle).clone();
        let names = bundle.update(changed, removed);
        *inner = Inner { bundle: Arc::new(bundle), waiting };
        names
    }

    /// What a secret field of the configuration stands for.
    pub(crate) fn resolve(&self, input: &SecretInput) -> Option<SecretString> {
        self.bundle().resolve(input)
    }

    /// A secret by name.
    pub(crate) fn get(&self, id: &SecretId) -> Option<SecretString> {
        self.bundle().get(id).cloned()
    }

    /// The policy for connects that a configuration and these secrets make.
    pub(crate) fn policy(&self, settings: &Settings) -> AuthPolicy {
        let auth = &settings.config.gateway.auth;
        let by_rule = |field: Option<&SecretInput>, id: SecretId| match field {
            Some(input) => self.resolve(input),
            None => self.get(&id),
        };
        let (mode, shared_secret) = match (auth.mode, &self.token) {
            (ConfiguredMode::None, None) => (AuthMode::None, None),
            (ConfiguredMode::Password, _) => {
                (AuthMode::Password, by_rule(auth.password.as_ref(), SecretId::gateway_password()))
            }
            (_, Some(token)) => (AuthMode::Token, Some(token.clone())),
            (ConfiguredMode::Token, None) => {
                (AuthMode::Token, by_rule(auth.token.as_ref(), SecretId::gateway_token()))
            }
        };
        AuthPolicy {
            mode,
            shared_secret,
            device_token_key: self.get(&SecretId::device_key()),
            allowed_origins: settings.config.gateway.control_ui.allowed_origins.clone(),
            trusted_proxies: settings
                .config
                .gateway
                .trusted_proxies
                .iter()
                .filter_map(|address| address.parse().ok())
                .collect(),
            approve_local: settings.config.gateway.nodes.pairing.auto_approve_local.unwrap_or(true),
            approve_nodes_from: settings
                .config
                .gateway
                .nodes
                .pairing
                .auto_approve_cidrs
                .iter()
                .filter_map(|network| network.parse().ok())
                .collect(),
        }
    }

    /// Teaches the log what to leave out.
    pub(crate) fn teach(&self, redactor: &Redactor) {
        let bundle = self.bundle();
        redactor.learn(bundle.iter().map(|(_, secret)| secret.expose_secret()));
        redactor.learn(self.token.iter().map(ExposeSecret::expose_secret));
    }

    fn bundle(&self) -> Arc<SecretBundle> {
        Arc::clone(&self.inner.read().unwrap_or_else(PoisonError::into_inner).bundle)
    }
}

/// The same for secrets that somebody typed into the configuration: fields, header values, proxy passwords.
pub(crate) fn teach_plain(redactor: &Redactor, settings: &Settings) {
    let config = &settings.config;
    let inputs = config.secret_inputs();
    redactor.learn(inputs.iter().filter_map(|(_, input)| input.plain()).map(ExposeSecret::expose_secret));
    for provider in config.models.providers.values() {
        redactor.learn(provider.headers.values().filter(|value| value.len() >= 12).map(String::as_str));
    }
    let telegram = &config.channels.telegram;
    let proxies = config
        .models
        .providers
        .values()
        .map(|provider| &provider.proxy)
        .chain([&telegram.proxy])
        .chain(telegram.accounts.values().map(|account| &account.proxy))
        .flatten();
    for proxy in proxies {
        if let Some(password) = url::Url::parse(proxy).ok().and_then(|url| url.password().map(str::to_owned))
        {
            redactor.learn([password.as_str()]);
        }
    }
}
