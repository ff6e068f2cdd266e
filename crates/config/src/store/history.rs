//! The versions that a gateway ran healthy on, newest first: one private file each, the newest twenty.

use std::fs;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;

use super::put;
use crate::document::hash_bytes;
use crate::inspect::{Good, count_keys, parse_good};
use crate::tree::MAX_BYTES;
use crate::{Config, ConfigDocument, ConfigError};
use bulkhead_profile::files;

/// Versions kept.
const KEPT: usize = 20;
/// The note on which version a gateway came up.
const CAME_UP: &str = "came-up";
/// Fewer digits of a hash would name a version by accident.
const FEWEST_DIGITS: usize = 4;

/// One version of the configuration that a gateway ran healthy on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// Hash of its text, `sha256:…`.
    pub hash: String,
    /// When it had proven itself.
    pub at: Timestamp,
    /// How many keys it has, at all depths.
    pub keys: usize,
    /// Whether the file on disk is this version.
    pub current: bool,
}

/// A kept version with its text.
pub(super) struct Kept {
    pub(super) hash: String,
    pub(super) at_ms: i64,
    pub(super) text: String,
    path: PathBuf,
}

impl Kept {
    pub(super) fn version(&self, present: &str) -> Version {
        let value = ConfigDocument::parse("version", &self.text).map(|document| document.value());
        Version {
            hash: self.hash.clone(),
            at: Timestamp::from_millisecond(self.at_ms).unwrap_or_default(),
            keys: value.map_or(0, |value| count_keys(&value)),
            current: self.hash == present,
        }
    }

    /// The version, if this program can still read it.
    pub(super) fn good(&self) -> Result<Good, ConfigError> {
        parse_good(&self.path.display().to_string(), self.text.as_bytes(), &self.hash)
    }

    fn holds_plain_secret(&self) -> bool {
        let config =
            ConfigDocument::parse("version", &self.text).ok().and_then(|d| Config::from_document(&d).ok());
        config.is_some_and(|config| plain_secrets(&config))
    }
}

/// The directory of kept versions.
#[derive(Debug, Clone)]
pub(super) struct History {
    dir: PathBuf,
}

impl History {
    pub(super) fn at(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// All of them, newest first. What cannot be read is left out.
    pub(super) fn kept(&self) -> Vec<Kept> {
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let mut found: Vec<(i64, PathBuf)> =
            entries.filter_map(|entry| Some((time_in(&entry.path())?, entry.path()))).collect();
        found.sort_unstable();
        let read = |(at_ms, path): (i64, PathBuf)| {
            let bytes = files::read_limited(&path, MAX_BYTES as u64).ok()?;
            let hash = hash_bytes(&bytes);
            Some(Kept { hash, at_ms, text: String::from_utf8(bytes).ok()?, path })
        };
        found.into_iter().rev().filter_map(read).collect()
    }

    /// Notes on which version a gateway came up, while none is good yet.
    pub(super) fn note_came_up(&self, hash: &str) -> Result<(), ConfigError> {
        files::create_private_dir(&self.dir)
            .map_err(|source| ConfigError::Write { path: self.dir.clone(), source })?;
        put(&self.dir.join(CAME_UP), hash.as_bytes(), 0o600)
    }

    /// Hash of that version.
    pub(super) fn came_up(&self) -> String {
        fs::read_to_string(self.dir.join(CAME_UP)).unwrap_or_default().trim().to_owned()
    }

    /// Keeps a version as the newest one and lets the oldest go.
    pub(super) fn keep(&self, good: &Good, now: Timestamp) -> Result<(), ConfigError> {
        let kept = self.kept();
        if kept.first().is_some_and(|newest| newest.hash == good.hash) {
            return Ok(());
        }
        files::create_private_dir(&self.dir)
            .map_err(|source| ConfigError::Write { path: self.dir.clone(), source })?;
        // A clock that was set back must not make the newest version the oldest.
        let at_ms = now.as_millisecond().max(kept.first().map_or(0, |newest| newest.at_ms + 1));
        let digits = good.hash.trim_start_matches("sha256:").get(..12).unwrap_or_default();
        put(&self.dir.join(format!("{at_ms:015}-{digits}.json")), good.text.as_bytes(), 0o600)?;
        // A secret that moved into the keychain leaves the history with its text.
        let clean = !plain_secrets(&good.config);
        let mut room = KEPT - 1;
        for old in kept {
            if room == 0 || old.hash == good.hash || clean && old.holds_plain_secret() {
                let _ = fs::remove_file(&old.path);
            } else {
                room -= 1;
            }
        }
        Ok(())
    }
}

/// Which of the kept versions a hash means: all of it, or so many of its digits that only one fits.
pub(super) fn named<'k>(kept: &'k [Kept], hash: &str) -> Option<&'k Kept> {
    let digits = hash.strip_prefix("sha256:").unwrap_or(hash);
    if digits.len() < FEWEST_DIGITS {
        return None;
    }
    let mut fitting = kept.iter().filter(|one| one.hash.trim_start_matches("sha256:").starts_with(digits));
    let only = fitting.next()?;
    fitting.next().is_none().then_some(only)
}

fn plain_secrets(config: &Config) -> bool {
    config.secret_inputs().iter().any(|(_, input)| input.plain().is_some())
}

/// `000001795146921036-0a1b2c3d4e5f.json` → the time.
fn time_in(path: &std::path::Path) -> Option<i64> {
    let name = path.file_name()?.to_str()?.strip_suffix(".json")?;
    let (time, digits) = name.split_once('-')?;
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| time.parse().ok())?
}
