//! Going back to a version that worked. The rejected file stays beside the configuration.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::history::named;
use super::{ConfigStore, mode_of, put};
use crate::ConfigError;
use crate::document::hash_bytes;
use crate::inspect::Good;

/// What going back did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RolledBack {
    /// Hash of the file before.
    pub from: String,
    /// Hash of the file now. The same as `from` if nothing had to be done.
    pub to: String,
    /// Where the rejected file is kept; nothing if there was none.
    pub rejected: Option<PathBuf>,
}

impl RolledBack {
    /// Whether the file is another one now.
    pub fn changed(&self) -> bool {
        self.from != self.to
    }
}

impl ConfigStore {
    /// Puts a good version back in place of the file: the one with this hash (or its first digits), else the newest.
    ///
    /// `base` is the hash of the file that the asker saw: a file that somebody changed since stays as it is
    /// ([`ConfigError::Stale`]). Asking again for what is there already does nothing.
    pub fn rollback_to(&self, hash: Option<&str>, base: Option<&str>) -> Result<RolledBack, ConfigError> {
        let _lock = self.lock()?;
        let good = self.version_to_restore(hash)?;
        let from = self.present_hash()?;
        if from == good.hash {
            self.accept(&good.hash)?;
            return Ok(RolledBack { to: from.clone(), from, rejected: None });
        }
        if let Some(base) = base
            && base != from
        {
            return Err(ConfigError::Stale { file: self.label(), found: from, expected: base.to_owned() });
        }
        let rejected = if self.path.exists() { Some(self.keep_rejected()?) } else { None };
        self.accept(&good.hash)?;
        put(&self.path, good.text.as_bytes(), mode_of(&self.path))?;
        Ok(RolledBack { from, to: good.hash, rejected })
    }

    fn version_to_restore(&self, hash: Option<&str>) -> Result<Good, ConfigError> {
        let Some(hash) = hash else {
            return self.last_good_version().ok_or_else(|| ConfigError::NoLastGood {
                file: self.label(),
                expected: self.last_good.display().to_string(),
            });
        };
        if let Some(good) = self.last_good_version()
            && good.hash == hash
        {
            return Ok(good);
        }
        let kept = self.history.kept();
        let one = named(&kept, hash).ok_or_else(|| ConfigError::NoSuchVersion {
            file: self.label(),
            found: hash.to_owned(),
            known: kept.len(),
        })?;
        one.good()
    }

    /// Also of a file that is too large to be read as a configuration.
    fn present_hash(&self) -> Result<String, ConfigError> {
        match self.read(&self.path) {
            Ok(bytes) => Ok(hash_bytes(&bytes.unwrap_or_default())),
            Err(ConfigError::TooLarge { size, .. }) => Ok(format!("too-large:{size}")),
            Err(error) => Err(error),
        }
    }

    fn keep_rejected(&self) -> Result<PathBuf, ConfigError> {
        let unwritable = |path: &Path| {
            let path = path.to_owned();
            move |source| ConfigError::Write { path, source }
        };
        let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S%3fZ").to_string();
        let named = |again: u32| {
            let mut name = self.path.as_os_str().to_owned();
            name.push(format!(".rejected-{time}"));
            if again > 0 {
                name.push(format!("-{again}"));
            }
            PathBuf::from(name)
        };
        let path = (0..100).map(named).find(|path| !path.exists()).unwrap_or_else(|| named(100));
        match self.read(&self.path) {
            Ok(bytes) => put(&path, &bytes.unwrap_or_default(), 0o600)?,
            // Too large for one piece in memory.
            Err(_) => {
                fs::copy(&self.path, &path).map_err(unwritable(&path))?;
            }
        }
        Ok(path)
    }
}
