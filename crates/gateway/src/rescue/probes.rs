//! What looks at the watched gateway, and whoever can do something to it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bulkhead_rescue::openclaw::{self, OpenClawKeeper, Vault, VaultKey};
use bulkhead_rescue::{Clock, Keeper, Sighting, WatchHandle, probe};
use bulkhead_secrets::SecretId;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::keeper::{BundledKeeper, RemoteKeeper, base_port};
use super::target::Target;
use crate::gateway::Gateway;

/// Where encrypted copies of a foreign configuration lie, in the state directory.
const VAULT: &str = "rescue";

/// Everything about one target that is not the watch itself.
pub(super) struct Lookout {
    /// For people: `main`, `OpenClaw`, a host name.
    pub(super) label: String,
    pub(super) keeper: Arc<dyn Keeper>,
    /// An OpenClaw's keeper also follows the watch, to keep its good configurations.
    openclaw: Option<Arc<OpenClawKeeper>>,
    target: bulkhead_rescue::Target,
}

impl Lookout {
    /// Works out where the target is and who keeps it.
    pub(super) async fn new(gateway: &Gateway, target: &Target) -> Option<Self> {
        let env = Arc::clone(&gateway.settings.now().environment);
        match target {
            Target::Bundled { place } => {
                let (looked, around) = ((**place).clone(), Arc::clone(&env));
                let port = tokio::task::spawn_blocking(move || base_port(&looked, &around)).await.ok()?;
                let found = bulkhead_rescue::Target::bundled(place, port, &env);
                let keeper = BundledKeeper::new((**place).clone(), env, gateway.redactor.clone());
                Some(Self {
                    label: found.label.clone(),
                    keeper: Arc::new(keeper),
                    openclaw: None,
                    target: found,
                })
            }
            Target::OpenClaw { main, .. } => {
                let main = main.clone();
                let looked = Arc::clone(&env);
                let look = move || bulkhead_rescue::Target::openclaw(&main, &looked);
                let found = tokio::task::spawn_blocking(look).await.ok()?;
                let keeper = Arc::new(OpenClawKeeper::new(found.clone(), vault(gateway)));
                Some(Self {
                    label: found.label.clone(),
                    keeper: Arc::clone(&keeper) as Arc<dyn Keeper>,
                    openclaw: Some(keeper),
                    target: found,
                })
            }
            Target::Remote { url } => {
                let found = bulkhead_rescue::Target::remote(url, &env)?;
                let keeper = Arc::new(RemoteKeeper::new(found.label.clone()));
                Some(Self { label: found.label.clone(), keeper, openclaw: None, target: found })
            }
        }
    }

    /// Begins to look, until `stop`.
    pub(super) fn look(&self, clock: &Arc<dyn Clock>, stop: &CancellationToken) -> mpsc::Receiver<Sighting> {
        probe::start(self.target.clone(), Arc::clone(&self.keeper), Arc::clone(clock), stop)
    }

    /// Lets the keeper follow the watch, where it wants to.
    pub(super) fn follow(&self, handle: &WatchHandle, stop: &CancellationToken) {
        if let Some(keeper) = &self.openclaw {
            tokio::spawn(openclaw::follow(Arc::clone(keeper), handle.clone(), stop.clone()));
        }
    }
}

/// Where copies are kept; none without a key: they may hold secrets in plain text.
fn vault(gateway: &Gateway) -> Option<Vault> {
    let key = gateway.credentials.get(&SecretId::rescue_key())?;
    let Some(key) = key_of(&key) else {
        tracing::warn!(
            "the secret rescue/key is no key of 32 bytes, so no copies of the watched configuration are kept"
        );
        return None;
    };
    Some(Vault::new(gateway.place.state_dir().join(VAULT), key))
}

fn key_of(secret: &SecretString) -> Option<VaultKey> {
    let bytes = URL_SAFE_NO_PAD.decode(secret.expose_secret().trim()).ok()?;
    bytes.try_into().ok().map(VaultKey::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_32_bytes_as_the_supervisor_makes_them() {
        assert!(key_of(&bulkhead_secrets::generate::token()).is_some());
        assert!(key_of(&"too-short".into()).is_none());
    }
}
