//! A gateway that a person starts in a terminal opens the keychain itself.

use std::time::Duration;

use bulkhead_config::{Config, SecretSource};
use bulkhead_profile::{Environment, Place};
use bulkhead_secrets::{Resolved, SecretBundle, SecretId, Sources, get_or_generate, references, resolve};

use crate::error::GatewayError;

/// Pause between two looks at a locked keychain.
pub(crate) const PAUSE: Duration = Duration::from_secs(3);

/// What resolving brought.
pub(crate) enum Found {
    /// Everything that could be found; what is missing was told in the log.
    Secrets(SecretBundle),
    /// The keychain is locked: what is elsewhere, and why.
    Locked(SecretBundle, String),
}

/// Reads every secret that the configuration refers to, and makes the gateway's own where they do not exist yet.
pub(crate) async fn secrets(
    place: &Place,
    env: &Environment,
    config: &Config,
    has_token: bool,
) -> Result<Found, GatewayError> {
    let sources = Sources::for_place(place, env).with_providers(config);
    let own = config.secrets.default_source.unwrap_or(SecretSource::Keychain);
    let needed = references(config).into_iter().filter(|reference| {
        // A token on the command line makes the stored one unnecessary.
        !(has_token && reference.id == SecretId::gateway_token().as_str())
    });
    let Resolved { mut bundle, missing } = resolve(needed, &sources).await;
    // Without the device key no device tokens are handed out, without rescue's no foreign configuration is copied;
    // everything else works.
    let needed =
        |id: &str| ![SecretId::device_key(), SecretId::rescue_key()].iter().any(|own| own.as_str() == id);
    let locked = missing.iter().find(|(reference, error)| needed(&reference.id) && error.may_pass());
    if let Some((_, error)) = locked {
        return Ok(Found::Locked(bundle, error.to_string()));
    }
    for (reference, error) in &missing {
        let id = match SecretId::parse(&reference.id) {
            Ok(id) => id,
            Err(error) => {
                tracing::warn!(secret = %reference.id, "{error}");
                continue;
            }
        };
        let ours = [SecretId::gateway_token(), SecretId::device_key(), SecretId::rescue_key()].contains(&id);
        let store =
            sources.store(own).filter(|store| ours && reference.source == own && store.describe().writable);
        let Some(store) = store else {
            tracing::warn!(secret = %reference.id, "{error}");
            continue;
        };
        match get_or_generate(store.as_ref(), &id).await {
            Ok((secret, _)) => bundle.insert(id, secret),
            Err(error) => tracing::warn!(secret = %reference.id, "{error}"),
        }
    }
    Ok(Found::Secrets(bundle))
}
