//! What every place that keeps secrets can do.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use bulkhead_config::SecretSource;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::{SecretError, SecretId, generate};

/// What a store is, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreDescription {
    /// Its kind.
    pub source: SecretSource,
    /// Its name, such as `keychain ai.bulkhead.main` or a path.
    pub label: String,
    /// Whether what it keeps is encrypted at rest.
    pub encrypted: bool,
    /// Whether this program can write to it.
    pub writable: bool,
}

/// A place that keeps secrets. Every call ends within the store's own time limit.
#[async_trait]
pub trait SecretStore: Send + Sync {
    /// Reads a secret.
    async fn get(&self, id: &SecretId) -> Result<SecretString, SecretError>;

    /// Keeps a secret; replaces what was there.
    async fn set(&self, id: &SecretId, secret: &SecretString) -> Result<(), SecretError>;

    /// Forgets a secret. Returns whether it was there.
    async fn delete(&self, id: &SecretId) -> Result<bool, SecretError>;

    /// The names of everything in it; `None` where the store cannot tell.
    async fn list(&self) -> Result<Option<Vec<SecretId>>, SecretError> {
        Ok(None)
    }

    /// What this store is.
    fn describe(&self) -> StoreDescription;
}

/// Reads a secret that may be missing.
pub async fn get_optional(
    store: &dyn SecretStore,
    id: &SecretId,
) -> Result<Option<SecretString>, SecretError> {
    match store.get(id).await {
        Ok(secret) => Ok(Some(secret)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads a secret, or makes one (32 random bytes) and keeps it. Returns whether it was made.
pub async fn get_or_generate(
    store: &dyn SecretStore,
    id: &SecretId,
) -> Result<(SecretString, bool), SecretError> {
    if let Some(secret) = get_optional(store, id).await? {
        return Ok((secret, false));
    }
    let secret = generate::token();
    store.set(id, &secret).await?;
    Ok((secret, true))
}

/// Writes, reads and deletes a random item: proof that the store works, for the wizard and doctor.
pub async fn probe(store: &dyn SecretStore) -> Result<Duration, SecretError> {
    let start = Instant::now();
    let id = SecretId::parse(&format!("probe/{}", generate::name()))?;
    let secret = generate::token();
    store.set(&id, &secret).await?;
    let read = store.get(&id).await;
    let deleted = store.delete(&id).await?;
    let store_name = store.describe().label;
    let bad = |found: &str, expected: &str| SecretError::BadValue {
        id: id.clone(),
        store: store_name.clone(),
        found: found.to_owned(),
        expected: expected.to_owned(),
    };
    if read?.expose_secret() != secret.expose_secret() {
        return Err(bad("another value than was written", "the random value of the test"));
    }
    if !deleted || get_optional(store, &id).await?.is_some() {
        return Err(bad("the test item still there", "it to be gone after deleting"));
    }
    Ok(start.elapsed())
}
