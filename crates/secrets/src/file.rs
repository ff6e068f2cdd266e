//! Secrets in a file: for machines without a keychain, chosen by the person, not encrypted.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bulkhead_config::SecretSource;
use bulkhead_profile::files;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::{SecretError, SecretId, SecretStore, StoreDescription};

const MAX_BYTES: u64 = 256 * 1024;
const VERSION: u32 = 1;
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// A JSON file, mode 0600 in a folder of mode 0700. Files that others could read are refused.
#[derive(Debug, Clone)]
pub struct FileStore {
    path: PathBuf,
}

type Secrets = BTreeMap<SecretId, SecretString>;

#[derive(Deserialize)]
struct Stored {
    version: u32,
    secrets: BTreeMap<SecretId, String>,
}

#[derive(Serialize)]
struct Written<'a> {
    version: u32,
    secrets: BTreeMap<&'a SecretId, &'a str>,
}

impl FileStore {
    /// The store at a path; nothing is created before the first write.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names that it keeps.
    pub fn ids(&self) -> Result<Vec<SecretId>, SecretError> {
        Ok(self.read()?.into_keys().collect())
    }

    fn read(&self) -> Result<Secrets, SecretError> {
        check_private(&self.path)?;
        let bytes = match files::read_limited(&self.path, MAX_BYTES) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Secrets::new()),
            Err(source) => return Err(self.io("read", source)),
        };
        let bad = |found: String| SecretError::BadFile { path: self.path.clone(), found };
        let mut stored: Stored = serde_json::from_slice(&bytes).map_err(|error| {
            // The message may quote what it read; line and column say enough.
            bad(format!("no such JSON (line {}, column {})", error.line(), error.column()))
        })?;
        if stored.version != VERSION {
            return Err(bad(format!("version {}", stored.version)));
        }
        Ok(std::mem::take(&mut stored.secrets)
            .into_iter()
            .map(|(id, secret)| (id, SecretString::from(secret)))
            .collect())
    }

    fn write(&self, secrets: &Secrets) -> Result<(), SecretError> {
        let written = Written {
            version: VERSION,
            secrets: secrets.iter().map(|(id, secret)| (id, secret.expose_secret())).collect(),
        };
        let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
        serde_json::to_writer_pretty(&mut *bytes, &written)
            .map_err(|error| self.io("written", error.into()))?;
        bytes.push(b'\n');
        files::atomic_write(&self.path, &bytes, 0o600).map_err(|source| self.io("written", source))
    }

    fn change(&self, change: impl FnOnce(&mut Secrets) -> bool) -> Result<bool, SecretError> {
        let _lock = self.lock()?;
        let mut secrets = self.read()?;
        let changed = change(&mut secrets);
        if changed {
            self.write(&secrets)?;
        }
        Ok(changed)
    }

    fn lock(&self) -> Result<File, SecretError> {
        if let Some(dir) = self.path.parent() {
            files::create_private_dir(dir).map_err(|source| self.io("written", source))?;
        }
        let path = self.path.with_extension("lock");
        let mut options = File::options();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let file = options.open(&path).map_err(|source| self.io("written", source))?;
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if start.elapsed() < LOCK_PATIENCE => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(self.io("written", io::ErrorKind::TimedOut.into()));
                }
                Err(TryLockError::Error(source)) => return Err(self.io("written", source)),
            }
        }
    }

    fn io(&self, action: &'static str, source: io::Error) -> SecretError {
        SecretError::Io { path: self.path.clone(), action, source }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, SecretError> + Send + 'static,
    ) -> Result<T, SecretError> {
        let store = self.clone();
        tokio::task::spawn_blocking(move || work(&store))
            .await
            .unwrap_or_else(|_| Err(self.io("read", io::Error::other("the task stopped unexpectedly"))))
    }
}

#[async_trait]
impl SecretStore for FileStore {
    async fn get(&self, id: &SecretId) -> Result<SecretString, SecretError> {
        let wanted = id.clone();
        self.blocking(move |store| {
            store.read()?.remove(&wanted).ok_or_else(|| SecretError::NotFound {
                id: wanted.clone(),
                store: store.path.display().to_string(),
            })
        })
        .await
    }

    async fn set(&self, id: &SecretId, secret: &SecretString) -> Result<(), SecretError> {
        let (id, secret) = (id.clone(), secret.clone());
        self.blocking(move |store| {
            store.change(|secrets| {
                secrets.insert(id, secret);
                true
            })
        })
        .await
        .map(|_| ())
    }

    async fn delete(&self, id: &SecretId) -> Result<bool, SecretError> {
        let id = id.clone();
        self.blocking(move |store| store.change(|secrets| secrets.remove(&id).is_some())).await
    }

    async fn list(&self) -> Result<Option<Vec<SecretId>>, SecretError> {
        self.ids().map(Some)
    }

    fn describe(&self) -> StoreDescription {
        StoreDescription {
            source: SecretSource::File,
            label: self.path.display().to_string(),
            encrypted: false,
            writable: true,
        }
    }
}

impl Drop for Stored {
    fn drop(&mut self) {
        self.secrets.values_mut().for_each(Zeroize::zeroize);
    }
}

#[cfg(unix)]
fn check_private(path: &Path) -> Result<(), SecretError> {
    use std::os::unix::fs::MetadataExt as _;
    let checks = [(path, 0o600_u32, "a file"), (path.parent().unwrap_or(path), 0o700, "a folder")];
    for (place, mode, kind) in checks {
        let Ok(meta) = fs::metadata(place) else { continue };
        let loose = |found: String, fix: String| SecretError::LooseFile {
            path: place.to_owned(),
            found,
            expected: format!("{kind} of your own with mode {mode:04o}, which nobody else can read"),
            fix,
        };
        let shown = place.display();
        if meta.uid() != rustix::process::geteuid().as_raw() {
            return Err(loose(
                format!("one that belongs to user {}", meta.uid()),
                format!("chown $(id -u) {shown}"),
            ));
        }
        if meta.mode() & 0o077 != 0 {
            return Err(loose(
                format!("mode {:04o}", meta.mode() & 0o7777),
                format!("chmod {mode:o} {shown}"),
            ));
        }
    }
    Ok(())
}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps)]
fn check_private(path: &Path) -> Result<(), SecretError> {
    // The user's own profile folder is closed to others by its access list.
    let _ = fs::metadata(path);
    Ok(())
}
