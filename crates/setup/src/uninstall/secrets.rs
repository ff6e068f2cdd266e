//! Deleting what a profile has in the keychain and in its secrets file.

use std::collections::BTreeSet;
use std::time::Duration;

use bulkhead_config::{ConfigStore, SecretSource};
use bulkhead_profile::Place;
use bulkhead_secrets::{FileStore, SecretError, SecretId, SecretStore, references};

use crate::world::World;

/// Somebody may have to unlock it.
const LIST_LIMIT: Duration = Duration::from_mins(1);

/// What became of a profile's secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct DeletedSecrets {
    /// Names of those that are gone.
    pub deleted: Vec<String>,
    /// Names of those that are not ours to delete: in the environment, in another file, behind a command.
    pub kept: Vec<String>,
}

/// Deletes every secret of a profile in its keychain namespace and its secrets file: those that its configuration refers
/// to, those with names by rule, and whatever else the store lists. A keychain that is locked is an error: nothing is
/// left behind unseen. Where there is no keychain there is nothing in it.
pub async fn delete_secrets(world: &World, place: &Place) -> Result<DeletedSecrets, SecretError> {
    let config = ConfigStore::new(place).load().map(|loaded| loaded.config).unwrap_or_default();
    let mut outcome = DeletedSecrets::default();
    let mut ids: BTreeSet<SecretId> = by_rule().into();
    for reference in references(&config) {
        let ours = matches!(reference.source, SecretSource::Keychain | SecretSource::File)
            && reference.provider.is_none();
        match SecretId::parse(&reference.id) {
            Ok(id) if ours => drop(ids.insert(id)),
            _ => outcome.kept.push(reference.id),
        }
    }
    ids.extend(config.models.providers.keys().map(|provider| SecretId::model_api_key(provider)));
    ids.extend(
        config.channels.telegram.accounts.keys().map(|account| SecretId::telegram_account_token(account)),
    );
    let keychain = world.keychain(&place.keychain_service());
    match delete_all(&*keychain, ids.clone()).await {
        Ok(deleted) => outcome.deleted.extend(deleted),
        Err(SecretError::NoService { .. } | SecretError::NoBus { .. } | SecretError::NoKeychain { .. }) => {}
        Err(error) => return Err(error),
    }
    let file = place.secrets_file();
    if file.exists() {
        // A file that others may read, or that is broken, is refused by the store; it goes all the same.
        let named = FileStore::new(&file).ids().unwrap_or_default();
        std::fs::remove_file(&file).map_err(|source| SecretError::Io {
            action: "remove",
            path: file.clone(),
            source,
        })?;
        outcome.deleted.extend(named.into_iter().map(|id| id.to_string()));
    }
    outcome.deleted.sort();
    outcome.deleted.dedup();
    Ok(outcome)
}

fn by_rule() -> [SecretId; 5] {
    [
        SecretId::gateway_token(),
        SecretId::gateway_password(),
        SecretId::device_key(),
        SecretId::rescue_key(),
        SecretId::telegram_bot_token(),
    ]
}

async fn delete_all(
    store: &dyn SecretStore,
    mut ids: BTreeSet<SecretId>,
) -> Result<Vec<String>, SecretError> {
    if let Ok(Ok(Some(listed))) = tokio::time::timeout(LIST_LIMIT, store.list()).await {
        ids.extend(listed);
    }
    let mut deleted = Vec::new();
    for id in ids {
        if store.delete(&id).await? {
            deleted.push(id.to_string());
        }
    }
    Ok(deleted)
}
