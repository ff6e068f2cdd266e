//! Another configuration, or other secrets, in the running process.

use std::sync::Arc;

use bulkhead_config::{Config, ConfigError, ConfigOrigin, ConfigStore, Loaded};
use bulkhead_supervisor::{ControlClient, ControlRequest};
use secrecy::ExposeSecret as _;

use crate::gateway::Gateway;
use crate::settings::{Problem, Settings};
use crate::start::foreground;

impl Gateway {
    /// What comes after "ready": channels and browser seat start.
    pub(crate) async fn wake(self: &Arc<Self>) {
        // A change between loading the file and watching it was seen by nobody.
        self.reload().await;
        self.remember_start().await;
        self.refresh_session_summary().await;
        self.apply_channels().await;
        self.apply_rescue().await;
        self.seat.apply(self).await;
        self.start_schedule().await;
        self.tell_readiness();
        self.rested();
    }

    /// Reads the configuration again and puts it in force. Answers what only a restart can change.
    pub(crate) async fn reload(self: &Arc<Self>) -> Vec<String> {
        let _one_at_a_time = self.reloading.lock().await;
        let place = self.place.clone();
        let loaded = tokio::task::spawn_blocking(move || ConfigStore::new(&place).load()).await;
        let before = self.settings.now();
        let next = match loaded {
            Ok(loaded) => self.next_settings(loaded, &before),
            Err(_) => return self.restart_reasons(),
        };
        if next.hash == before.hash && next.problem == before.problem {
            return self.restart_reasons();
        }
        if let Some(problem) = &next.problem {
            tracing::error!("the configuration on disk is not used: {}", problem.message);
        } else {
            tracing::info!(hash = %next.hash, "another configuration is in force");
        }
        self.note_restarts(&before.config, &next.config);
        crate::credentials::teach_plain(&self.redactor, &next);
        let hash = next.hash.clone();
        let before = self.settings.replace(next);
        if self.sidecar {
            self.ask_for_missing_secrets(&before.config);
        } else {
            self.resolve_again().await;
        }
        self.take_policy();
        let now = self.settings.now();
        if before.config.models != now.config.models {
            self.models.forget();
        }
        if before.config.models != now.config.models || before.config.agents != now.config.agents {
            self.events.metadata_changed();
        }
        if before.config.skills != now.config.skills || before.config.agents != now.config.agents {
            self.skills.places_changed.notify_one();
        }
        self.apply_channels().await;
        self.apply_rescue().await;
        self.seat.apply(self).await;
        self.apply_schedule().await;
        self.remember_start().await;
        self.events.config_changed(&self.place.config_path().display().to_string(), &hash);
        self.tell_readiness();
        self.restart_reasons()
    }

    /// Other secrets came in.
    pub(crate) async fn secrets_changed(self: &Arc<Self>) {
        let _one_at_a_time = self.reloading.lock().await;
        self.credentials.teach(&self.redactor);
        self.take_policy();
        self.models.forget();
        self.apply_channels().await;
        self.apply_rescue().await;
        self.seat.apply(self).await;
        self.apply_schedule().await;
        self.tell_readiness();
    }

    /// The access policy of the present configuration and secrets. Who came in by a secret that is void must come again.
    fn take_policy(&self) {
        let before = self.access_policy();
        let now = self.credentials.policy(&self.settings.now());
        let secret = |policy: &bulkhead_server::AuthPolicy| {
            policy.shared_secret.as_ref().map(|secret| secret.expose_secret().to_owned())
        };
        let rotated = before.shared_secret.is_some() && secret(&before) != secret(&now);
        self.access.set_policy(now);
        if rotated {
            self.events.hub().close_shared_secret();
        }
    }

    /// In a terminal: everything that the configuration refers to is read again and put in force.
    pub(crate) async fn read_secrets_again(self: &Arc<Self>) {
        self.resolve_again().await;
        self.secrets_changed().await;
    }

    /// A new configuration may refer to secrets that nobody handed over yet, such as another account's token: the
    /// supervisor is asked for them.
    fn ask_for_missing_secrets(&self, before: &Config) {
        let now = self.settings.now();
        let known = before.secret_inputs();
        let inputs = now.config.secret_inputs();
        let is_new = |path: &String| known.iter().all(|(other, _)| other != path);
        let missing =
            inputs.iter().any(|(path, input)| is_new(path) && self.credentials.resolve(input).is_none());
        if !missing {
            return;
        }
        let client = ControlClient::new(&self.place);
        tokio::spawn(async move {
            if let Err(error) = client.ask(&ControlRequest::ReloadSecrets).await {
                tracing::warn!(%error, "the supervisor could not be asked for new secrets");
            }
        });
    }

    /// In a terminal, references of a new configuration are resolved here.
    async fn resolve_again(&self) {
        let settings = self.settings.now();
        let found = foreground::secrets(&self.place, &settings.environment, &settings.config, true).await;
        if let Ok(foreground::Found::Secrets(secrets)) = found {
            self.credentials.update(secrets, &[], None);
            self.credentials.teach(&self.redactor);
        }
    }

    /// What follows from the file as it is now. While it is broken, what runs goes on.
    fn next_settings(&self, loaded: Result<Loaded, ConfigError>, before: &Settings) -> Settings {
        let goes_on = |code: &str, message: String| Settings {
            problem: Some(Problem { code: code.to_owned(), message }),
            ..before.clone()
        };
        match loaded {
            Ok(loaded) if before.distrusted.as_deref() == Some(loaded.hash.as_str()) => before.clone(),
            Ok(loaded) => match &loaded.source {
                ConfigOrigin::LastGood { reason, code } if !before.unconfigured => {
                    goes_on(code, reason.clone())
                }
                ConfigOrigin::Missing if !before.unconfigured => {
                    goes_on("config.missing", self.file_is_gone())
                }
                _ => Settings::of(loaded, &self.place, Arc::clone(&before.environment)),
            },
            Err(error) => goes_on(error.code(), error.to_string()),
        }
    }

    fn file_is_gone(&self) -> String {
        format!(
            "{}: found no file, expected the configuration; what was loaded stays in force. Put the file back, or write it \
             again with `bulkhead onboard`.",
            self.place.config_path().display()
        )
    }

    /// A gateway came up on this configuration: something to fall back on while none has run healthy yet.
    async fn remember_start(&self) {
        self.remember("as something to fall back on", ConfigStore::remember_start).await;
    }

    /// The configuration in force has run healthy for long enough.
    pub(crate) async fn remember_good(&self) {
        let kept = self.remember("as a good one", ConfigStore::remember_good).await;
        if kept {
            tracing::info!(hash = %self.settings.now().hash, "this configuration has run healthy and is kept as a good one");
        }
    }

    async fn remember(
        &self,
        why: &'static str,
        keep: impl FnOnce(&ConfigStore, &str) -> Result<bool, ConfigError> + Send + 'static,
    ) -> bool {
        let settings = self.settings.now();
        if settings.problem.is_some() || settings.unconfigured || self.safe_mode {
            return false;
        }
        let place = self.place.clone();
        let hash = settings.hash.clone();
        let kept = tokio::task::spawn_blocking(move || keep(&ConfigStore::new(&place), &hash)).await;
        match kept {
            Ok(Ok(kept)) => kept,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the configuration could not be kept {why}");
                false
            }
            Err(_) => false,
        }
    }

    fn note_restarts(&self, before: &Config, now: &Config) {
        let (was, is) = (&before.gateway, &now.gateway);
        let changed = [
            ("gateway.port", was.port != is.port),
            ("gateway.bind", was.bind != is.bind || was.custom_bind_host != is.custom_bind_host),
            (
                "gateway.controlUi",
                was.control_ui.enabled != is.control_ui.enabled || was.control_ui.root != is.control_ui.root,
            ),
            ("gateway.controlUi.basePath", was.control_ui.base_path != is.control_ui.base_path),
            ("gateway.tls", was.tls != is.tls),
            ("gateway.metrics.requireAuth", was.metrics.require_auth != is.metrics.require_auth),
            ("hooks.path", before.hooks.base_path() != now.hooks.base_path()),
            ("logging.level", before.logging.level != now.logging.level),
        ];
        let mut needed = self.restart_needed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for (path, _) in changed.into_iter().filter(|(_, changed)| *changed) {
            if !needed.iter().any(|known| known == path) {
                needed.push(path.to_owned());
                tracing::warn!("{path} changed; it takes effect after a restart of this gateway");
            }
        }
    }

    fn restart_reasons(&self) -> Vec<String> {
        self.restart_needed.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// The policy in force.
    pub(crate) fn access_policy(&self) -> Arc<bulkhead_server::AuthPolicy> {
        bulkhead_server::Authenticator::policy(self.access.as_ref())
    }
}
