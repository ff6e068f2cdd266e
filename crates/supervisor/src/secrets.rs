//! Where the supervisor gets secrets from, and what it hands over: one JSON line on the gateway's stdin.

use async_trait::async_trait;
use bulkhead_config::{ConfigStore, SecretRef, SecretSource};
use bulkhead_profile::{Environment, Place};
use bulkhead_secrets::handoff::{HandoffMessage, VERSION, Waiting};
use bulkhead_secrets::{SecretBundle, SecretId, Sources, get_or_generate, references, resolve};
use secrecy::{ExposeSecret as _, SecretString};

/// What a source gave.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// What could be read.
    pub bundle: SecretBundle,
    /// Set while the keychain is locked or missing: the gateway starts without it and is handed the rest later.
    pub waiting: Option<Waiting>,
}

impl Secrets {
    /// Everything was read.
    pub fn ready(bundle: SecretBundle) -> Self {
        Self { bundle, waiting: None }
    }

    /// The keychain cannot be read now.
    pub fn waiting(code: impl Into<String>, message: impl Into<String>) -> Self {
        let waiting = Waiting { code: code.into(), message: message.into() };
        Self { bundle: SecretBundle::new(), waiting: Some(waiting) }
    }

    /// The first line of a run.
    pub(crate) fn first_message(&self) -> HandoffMessage {
        HandoffMessage::Secrets {
            version: VERSION,
            secrets: self.bundle.clone(),
            waiting: self.waiting.clone(),
        }
    }

    /// The line that makes a gateway that has `before` have this; `None` if nothing changed.
    pub(crate) fn update_from(&self, before: &Self) -> Option<HandoffMessage> {
        let same = |id: &SecretId, secret: &SecretString| {
            before.bundle.get(id).is_some_and(|old| old.expose_secret() == secret.expose_secret())
        };
        let changed: SecretBundle = self
            .bundle
            .iter()
            .filter(|(id, secret)| !same(id, secret))
            .map(|(id, secret)| (id.clone(), secret.clone()))
            .collect();
        // While the keychain is shut, a secret that is not seen is not a secret that was deleted.
        let removed: Vec<SecretId> = match self.waiting {
            Some(_) => Vec::new(),
            None => before.bundle.ids().filter(|id| self.bundle.get(id).is_none()).cloned().collect(),
        };
        if changed.is_empty() && removed.is_empty() && self.waiting == before.waiting {
            return None;
        }
        let waiting = self.waiting.clone();
        Some(HandoffMessage::Update { version: VERSION, secrets: changed, removed, waiting })
    }

    /// The values that must not stand in any line that is kept. Shorter ones would blot out innocent text.
    pub(crate) fn values(&self) -> Vec<SecretString> {
        self.bundle
            .iter()
            .map(|(_, secret)| secret.clone())
            .filter(|s| s.expose_secret().len() >= 6)
            .collect()
    }
}

/// A keychain, a file, the environment.
#[async_trait]
pub trait SecretsSource: Send + Sync {
    /// Reads every secret of the profile. Within a time limit of its own: an unlock dialog must not hold up a start.
    async fn read(&self) -> Secrets;
}

/// A profile without secrets.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSecrets;

#[async_trait]
impl SecretsSource for NoSecrets {
    async fn read(&self) -> Secrets {
        Secrets::default()
    }
}

/// What the profile's configuration refers to, from keychain, file, environment and commands.
#[derive(Debug, Clone)]
pub struct StoredSecrets {
    place: Place,
    env: Environment,
}

impl StoredSecrets {
    /// The secrets of a place.
    pub fn new(place: Place, env: Environment) -> Self {
        Self { place, env }
    }
}

#[async_trait]
impl SecretsSource for StoredSecrets {
    async fn read(&self) -> Secrets {
        let store = ConfigStore::new(&self.place);
        // A configuration that cannot be read is the gateway's to tell; what it needs by itself is read all the same.
        let config = tokio::task::spawn_blocking(move || store.load().map(|loaded| loaded.config)).await;
        let config = config.ok().and_then(Result::ok).unwrap_or_default();
        let sources = Sources::for_place(&self.place, &self.env).with_providers(&config);
        let resolved = resolve(references(&config), &sources).await;
        let waiting = resolved.missing.iter().find(|(_, error)| error.may_pass());
        let waiting =
            waiting.map(|(_, error)| Waiting { code: error.code().to_owned(), message: error.to_string() });
        let own = config.secrets.default_source.unwrap_or(SecretSource::Keychain);
        let mut bundle = resolved.bundle;
        for (reference, error) in resolved.missing.iter().filter(|(_, error)| !error.may_pass()) {
            if let Some((id, secret)) = make_own(&sources, own, reference).await {
                bundle.insert(id, secret);
            } else {
                tracing::warn!(id = %reference.id, code = error.code(), "a secret is missing: {error}");
            }
        }
        // The child's environment is cleared, so a token named there is handed over like every other secret.
        if let Some((_, token)) = self.env.either("GATEWAY_TOKEN") {
            bundle.insert(SecretId::gateway_token(), SecretString::from(token.to_owned()));
        }
        Secrets { bundle, waiting }
    }
}

/// The gateway's own token and keys need nobody's choice: where they do not exist yet they are made, in the store where
/// this profile keeps its secrets.
async fn make_own(
    sources: &Sources,
    own: SecretSource,
    reference: &SecretRef,
) -> Option<(SecretId, SecretString)> {
    let id = SecretId::parse(&reference.id).ok()?;
    let gateways = [SecretId::gateway_token(), SecretId::device_key(), SecretId::rescue_key()].contains(&id);
    if !gateways || reference.source != own || reference.provider.is_some() {
        return None;
    }
    let store = sources.store(own).filter(|store| store.describe().writable)?;
    let (secret, _) = get_or_generate(store.as_ref(), &id).await.ok()?;
    Some((id, secret))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // also in what the tests share
mod tests {
    use super::*;

    fn bundle(items: &[(&str, &str)]) -> Secrets {
        let item = |(id, secret): &(&str, &str)| (SecretId::parse(id).unwrap(), SecretString::from(*secret));
        Secrets::ready(items.iter().map(item).collect())
    }

    fn line(message: &HandoffMessage) -> serde_json::Value {
        serde_json::from_slice(&message.to_line().unwrap()).unwrap()
    }

    #[test]
    fn an_update_holds_only_what_changed() {
        let before = bundle(&[("gateway/token", "one"), ("telegram/bot-token", "two")]);
        let after = bundle(&[("gateway/token", "one"), ("models/x/api-key", "three")]);
        assert_eq!(
            line(&after.update_from(&before).unwrap()),
            serde_json::json!({"v": 1, "type": "update", "secrets": {"models/x/api-key": "three"}, "removed": ["telegram/bot-token"]})
        );
        assert!(after.update_from(&after).is_none());
    }

    #[test]
    fn a_locked_keychain_takes_nothing_away_and_its_unlocking_is_told() {
        let full = bundle(&[("gateway/token", "one")]);
        let locked = Secrets::waiting("keychain.locked", "unlock it");
        let update = line(&locked.update_from(&full).unwrap());
        assert_eq!(update["waiting"]["code"], "keychain.locked");
        assert!(update.get("removed").is_none());
        let update = line(&full.update_from(&locked).unwrap());
        assert!(update.get("waiting").is_none() && update["secrets"]["gateway/token"] == "one");
        assert_eq!(line(&locked.first_message())["waiting"]["message"], "unlock it");
    }
}
