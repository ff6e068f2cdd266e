//! The operating system's keychain.
//!
//! Its calls block, and while a dialog asks the person to unlock they block for as long as the person takes. So each
//! call runs on a thread of its own, one at a time per process, and is given up (not killed) after a time limit.

mod explain;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bulkhead_config::SecretSource;
use keyring_core::{CredentialStore, Entry};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Semaphore, oneshot};

use self::explain::explain;
use crate::error::system;
use crate::{SecretError, SecretId, SecretStore, StoreDescription};

const DEFAULT_LIMIT: Duration = Duration::from_secs(15);

type Opener = Arc<dyn Fn() -> keyring_core::Result<Arc<CredentialStore>> + Send + Sync>;

/// The keychain namespace of one profile.
#[derive(Clone)]
pub struct KeychainStore {
    service: String,
    limit: Duration,
    backend: Arc<Backend>,
}

/// The open connection; opened again after any failure, because a keychain that was missing may come.
struct Backend {
    open: Opener,
    /// Whether its items can carry a label for people.
    labels: bool,
    current: Mutex<Option<Arc<CredentialStore>>>,
    turn: Arc<Semaphore>,
}

impl KeychainStore {
    /// The namespace `service` of this system's keychain, such as `ai.bulkhead.main`.
    pub fn new(service: &str) -> Self {
        static SYSTEM: OnceLock<Arc<Backend>> = OnceLock::new();
        let backend = SYSTEM
            .get_or_init(|| Arc::new(Backend::new(Arc::new(open_system_store), cfg!(target_os = "linux"))));
        Self { service: service.to_owned(), limit: DEFAULT_LIMIT, backend: Arc::clone(backend) }
    }

    /// A namespace of another credential store, for tests.
    pub fn with_opener(
        service: &str,
        open: impl Fn() -> keyring_core::Result<Arc<CredentialStore>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            service: service.to_owned(),
            limit: DEFAULT_LIMIT,
            backend: Arc::new(Backend::new(Arc::new(open), false)),
        }
    }

    /// Another time limit: long where a person sits in front of a dialog, short in the background.
    #[must_use]
    pub fn with_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The namespace.
    pub fn service(&self) -> &str {
        &self.service
    }

    async fn call<T: Send + 'static>(
        &self,
        id: &SecretId,
        work: impl FnOnce(&Entry) -> keyring_core::Result<T> + Send + 'static,
    ) -> Result<T, SecretError> {
        let (service, user) = (self.service.clone(), id.as_str().to_owned());
        self.aside(id, move |backend| backend.with_entry(&service, &user, work)).await
    }

    /// Runs something on a thread of its own, one at a time, within the limit.
    async fn aside<T: Send + 'static>(
        &self,
        id: &SecretId,
        work: impl FnOnce(&Backend) -> keyring_core::Result<T> + Send + 'static,
    ) -> Result<T, SecretError> {
        let late = || SecretError::Timeout { keychain: system().name, limit: self.limit };
        let backend = Arc::clone(&self.backend);
        let answer = async move {
            let turn = Arc::clone(&backend.turn).acquire_owned().await;
            let (send, receive) = oneshot::channel();
            let spawned = std::thread::Builder::new().name("keychain".to_owned()).spawn(move || {
                let result = work(&backend);
                // Nobody waits any more after a timeout.
                let _ = send.send(result);
                drop(turn);
            });
            match spawned {
                Ok(_) => receive.await.ok(),
                Err(error) => Some(Err(keyring_core::Error::PlatformFailure(Box::new(error)))),
            }
        };
        match tokio::time::timeout(self.limit, answer).await {
            Err(_) => Err(late()),
            Ok(None) => Err(SecretError::Failed {
                keychain: system().name,
                cause: "its library stopped unexpectedly".to_owned(),
            }),
            Ok(Some(result)) => result.map_err(|error| self.explain(error, id)),
        }
    }

    fn explain(&self, error: keyring_core::Error, id: &SecretId) -> SecretError {
        explain(error, id, &self.describe().label)
    }
}

impl Backend {
    fn new(open: Opener, labels: bool) -> Self {
        Self { open, labels, current: Mutex::new(None), turn: Arc::new(Semaphore::new(1)) }
    }

    fn with_entry<T>(
        &self,
        service: &str,
        user: &str,
        work: impl FnOnce(&Entry) -> keyring_core::Result<T>,
    ) -> keyring_core::Result<T> {
        let label = format!("Bulkhead: {user} ({service})");
        let modifiers = self.labels.then(|| HashMap::from([("label", label.as_str())]));
        self.with_store(|store| store.build(service, user, modifiers.as_ref()).and_then(|entry| work(&entry)))
    }

    fn with_store<T>(
        &self,
        work: impl FnOnce(&CredentialStore) -> keyring_core::Result<T>,
    ) -> keyring_core::Result<T> {
        let known = self.current.lock().unwrap_or_else(PoisonError::into_inner).take();
        let store = match known {
            Some(store) => store,
            None => (self.open)()?,
        };
        let result = work(&*store);
        if matches!(&result, Ok(_) | Err(keyring_core::Error::NoEntry)) {
            *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(store);
        }
        result
    }
}

#[async_trait]
impl SecretStore for KeychainStore {
    async fn get(&self, id: &SecretId) -> Result<SecretString, SecretError> {
        self.call(id, |entry| entry.get_password().map(SecretString::from)).await
    }

    async fn set(&self, id: &SecretId, secret: &SecretString) -> Result<(), SecretError> {
        let secret = secret.clone();
        self.call(id, move |entry| entry.set_password(secret.expose_secret())).await
    }

    async fn delete(&self, id: &SecretId) -> Result<bool, SecretError> {
        match self.call(id, Entry::delete_credential).await {
            Ok(()) => Ok(true),
            Err(SecretError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn list(&self) -> Result<Option<Vec<SecretId>>, SecretError> {
        let service = self.service.clone();
        let search = move |backend: &Backend| {
            backend.with_store(|store| store.search(&HashMap::from([("service", service.as_str())])))
        };
        // Only its name goes into errors.
        let any = SecretId::gateway_token();
        let named = |entries: Vec<Entry>| {
            let names = entries.iter().filter_map(Entry::get_specifiers).map(|(_, user)| user);
            names.filter_map(|user| SecretId::parse(&user).ok()).collect()
        };
        // Searching there is by the pattern of another name.
        if cfg!(windows) {
            return Ok(None);
        }
        let listed = move |backend: &Backend| match search(backend) {
            Ok(entries) => Ok(Some(named(entries))),
            Err(keyring_core::Error::NoEntry) => Ok(Some(Vec::new())),
            Err(keyring_core::Error::NotSupportedByStore(_)) => Ok(None),
            Err(error) => Err(error),
        };
        self.aside(&any, listed).await
    }

    fn describe(&self) -> StoreDescription {
        StoreDescription {
            source: SecretSource::Keychain,
            label: format!("the keychain ({})", self.service),
            encrypted: true,
            writable: true,
        }
    }
}

impl fmt::Debug for KeychainStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeychainStore").field("service", &self.service).finish_non_exhaustive()
    }
}

#[cfg(target_os = "linux")]
fn open_system_store() -> keyring_core::Result<Arc<CredentialStore>> {
    let store = zbus_secret_service_keyring_store::Store::new()?;
    Ok(store)
}

#[cfg(target_os = "macos")]
fn open_system_store() -> keyring_core::Result<Arc<CredentialStore>> {
    let store = apple_native_keyring_store::keychain::Store::new()?;
    Ok(store)
}

#[cfg(windows)]
fn open_system_store() -> keyring_core::Result<Arc<CredentialStore>> {
    let store = windows_native_keyring_store::Store::new()?;
    Ok(store)
}

#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
fn open_system_store() -> keyring_core::Result<Arc<CredentialStore>> {
    Err(keyring_core::Error::NotSupportedByStore(
        "this system has no keychain that Bulkhead knows".to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use keyring_core::{Error, mock};

    use super::*;

    fn id() -> SecretId {
        SecretId::telegram_bot_token()
    }

    #[tokio::test]
    async fn a_call_that_hangs_is_given_up_and_the_next_one_waits_for_it() {
        let (release, wait) = mpsc::channel::<()>();
        let wait = Mutex::new(wait);
        let store = KeychainStore::with_opener("test", move || {
            // The dialog: nothing happens until the person acts.
            let _ = wait.lock().unwrap().recv();
            let store: Arc<CredentialStore> = mock::Store::new()?;
            Ok(store)
        })
        .with_limit(Duration::from_millis(30));
        assert_eq!(store.get(&id()).await.unwrap_err().code(), "keychain.timeout");
        assert_eq!(store.get(&id()).await.unwrap_err().code(), "keychain.timeout");
        release.send(()).unwrap();
        let patient = store.with_limit(Duration::from_secs(30));
        assert_eq!(patient.get(&id()).await.unwrap_err().code(), "secret.not-found");
    }

    #[tokio::test]
    async fn a_keychain_that_comes_later_is_found() {
        let tries = Arc::new(Mutex::new(0));
        let counter = Arc::clone(&tries);
        let store = KeychainStore::with_opener("test", move || {
            let mut tries = counter.lock().unwrap();
            *tries += 1;
            if *tries < 3 {
                return Err(Error::PlatformFailure("org.freedesktop.DBus.Error.ServiceUnknown".into()));
            }
            let store: Arc<CredentialStore> = mock::Store::new()?;
            Ok(store)
        });
        for _ in 0..2 {
            assert_eq!(store.get(&id()).await.unwrap_err().code(), "keychain.no-service");
        }
        assert_eq!(store.get(&id()).await.unwrap_err().code(), "secret.not-found");
        store.set(&id(), &SecretString::from("x")).await.unwrap();
        assert_eq!(*tries.lock().unwrap(), 3, "the open store is kept");
    }
}
