//! From the references in a configuration to the secrets.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_config::{Config, SecretProvider, SecretRef, SecretSource, WatchedKind};
use bulkhead_profile::{Environment, Place};
use secrecy::SecretString;

use crate::{
    EnvStore, ExecStore, FileStore, KeychainStore, SecretBundle, SecretError, SecretId, SecretStore,
    StoreDescription,
};

/// Where the references of one profile lead.
#[derive(Clone)]
pub struct Sources {
    keychain: Arc<dyn SecretStore>,
    file: Arc<dyn SecretStore>,
    env: Arc<dyn SecretStore>,
    named: BTreeMap<String, Named>,
}

#[derive(Clone)]
enum Named {
    Store(Arc<dyn SecretStore>),
    Env { allowlist: Vec<String> },
    Builtin,
}

impl Sources {
    /// The keychain namespace, the secrets file and the environment of a profile.
    pub fn for_place(place: &Place, env: &Environment) -> Self {
        Self::new(
            Arc::new(KeychainStore::new(&place.keychain_service())),
            Arc::new(FileStore::new(place.secrets_file())),
            Arc::new(EnvStore::new(env.vars.clone())),
        )
    }

    /// Given stores.
    pub fn new(
        keychain: Arc<dyn SecretStore>,
        file: Arc<dyn SecretStore>,
        env: Arc<dyn SecretStore>,
    ) -> Self {
        Self { keychain, file, env, named: BTreeMap::new() }
    }

    /// Another time limit for the keychain of a place.
    #[must_use]
    pub fn with_keychain_limit(mut self, place: &Place, limit: Duration) -> Self {
        self.keychain = Arc::new(KeychainStore::new(&place.keychain_service()).with_limit(limit));
        self
    }

    /// With the named providers of the configuration.
    #[must_use]
    pub fn with_providers(mut self, config: &Config) -> Self {
        self.named = config
            .secrets
            .providers
            .iter()
            .map(|(name, provider)| {
                let named = match provider {
                    SecretProvider::Env { allowlist } => Named::Env { allowlist: allowlist.clone() },
                    SecretProvider::Keychain {} | SecretProvider::File { path: None } => Named::Builtin,
                    SecretProvider::File { path: Some(path) } => Named::Store(Arc::new(FileStore::new(path))),
                    SecretProvider::Exec { .. } => match ExecStore::from_provider(provider) {
                        Some(store) => Named::Store(Arc::new(store)),
                        None => Named::Builtin,
                    },
                };
                (name.clone(), named)
            })
            .collect();
        self
    }

    /// The store of a kind that this profile has without further description.
    pub fn store(&self, source: SecretSource) -> Option<&Arc<dyn SecretStore>> {
        match source {
            SecretSource::Keychain => Some(&self.keychain),
            SecretSource::File => Some(&self.file),
            SecretSource::Env => Some(&self.env),
            SecretSource::Exec => None,
        }
    }

    /// What the stores are.
    pub fn describe(&self, source: SecretSource) -> Option<StoreDescription> {
        self.store(source).map(|store| store.describe())
    }

    /// Reads what one reference names.
    pub async fn get(&self, reference: &SecretRef) -> Result<SecretString, SecretError> {
        let id = SecretId::parse(&reference.id)?;
        let named = reference.provider.as_ref().and_then(|name| self.named.get(name));
        let bad = |found: &str, expected: &str| SecretError::BadReference {
            id: reference.id.clone(),
            found: found.to_owned(),
            expected: expected.to_owned(),
        };
        match named {
            Some(Named::Store(store)) => {
                let kind = store.describe().source;
                if kind != reference.source {
                    return Err(bad(
                        &format!("source \"{}\"", reference.source),
                        &format!("\"{kind}\", as its provider has"),
                    ));
                }
                store.get(&id).await
            }
            Some(Named::Env { allowlist }) if !allowlist.is_empty() && !allowlist.contains(&reference.id) => {
                Err(bad("a variable that its provider does not allow", "one of the allowlist"))
            }
            Some(Named::Builtin | Named::Env { .. }) | None => match self.store(reference.source) {
                Some(store) => store.get(&id).await,
                None => Err(bad("a command source without a provider", "a provider of secrets.providers")),
            },
        }
    }
}

/// What came of resolving.
#[derive(Debug, Default)]
pub struct Resolved {
    /// What was found.
    pub bundle: SecretBundle,
    /// What was not, and why.
    pub missing: Vec<(SecretRef, SecretError)>,
}

impl Resolved {
    /// Whether everything missing may come by itself (a keychain that is still locked).
    pub fn waits_for_keychain(&self) -> bool {
        self.missing.iter().any(|(_, error)| error.may_pass())
    }
}

/// The references that a gateway with this configuration needs: those of the file, the gateway's shared token where the
/// file names none, and the device key.
pub fn references(config: &Config) -> Vec<SecretRef> {
    let source = config.secrets.default_source.unwrap_or(SecretSource::Keychain);
    let mut references: Vec<SecretRef> =
        config.secret_inputs().into_iter().filter_map(|(_, input)| input.reference().cloned()).collect();
    if config.gateway.auth.token.is_none() {
        references.push(SecretRef::new(source, SecretId::gateway_token().as_str()));
    }
    references.push(SecretRef::new(source, SecretId::device_key().as_str()));
    let foreign = config.rescue.main.as_ref().is_some_and(|main| main.kind == WatchedKind::OpenClaw);
    if foreign {
        references.push(SecretRef::new(source, SecretId::rescue_key().as_str()));
    }
    references.sort();
    references.dedup();
    references
}

/// Reads all references. One that fails does not stop the others; a locked keychain is asked once, not once a secret.
pub async fn resolve(references: impl IntoIterator<Item = SecretRef>, sources: &Sources) -> Resolved {
    let mut resolved = Resolved::default();
    let mut keychain_waits: Option<SecretError> = None;
    for reference in references {
        if reference.source == SecretSource::Keychain
            && let Some(error) = keychain_waits.as_ref().and_then(same_again)
        {
            resolved.missing.push((reference, error));
            continue;
        }
        match (sources.get(&reference).await, SecretId::parse(&reference.id)) {
            (Ok(secret), Ok(id)) => resolved.bundle.insert(id, secret),
            (Err(error), _) | (_, Err(error)) => {
                if reference.source == SecretSource::Keychain && error.may_pass() {
                    keychain_waits = same_again(&error);
                }
                resolved.missing.push((reference, error));
            }
        }
    }
    resolved
}

fn same_again(error: &SecretError) -> Option<SecretError> {
    match error {
        SecretError::Locked { keychain, .. } => Some(SecretError::Locked { keychain, item: None }),
        SecretError::NoService { keychain } => Some(SecretError::NoService { keychain }),
        SecretError::NoBus { keychain, cause } => Some(SecretError::NoBus { keychain, cause: cause.clone() }),
        SecretError::Timeout { keychain, limit } => Some(SecretError::Timeout { keychain, limit: *limit }),
        _ => None,
    }
}
