//! The configuration on disk: atomic writes, versions to go back to, and what to do when the file is damaged.
//!
//! Two kinds of version lie beside the file. The **good** ones ([`ConfigStore::history`]) are those that a gateway ran
//! healthy on for a minute ([`ConfigStore::remember_good`]). The **fallback** is what a start uses when the file is
//! broken: the newest good version. Until there is one, it is a version that has not proven itself, but is better than
//! nothing: whatever this program wrote last, and once a gateway came up, what it came up on last
//! ([`ConfigStore::remember_start`]). So a profile that was set up a moment ago survives a damaged file too, and a
//! version that never ran healthy never pushes out one that did.

mod history;
mod rollback;

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::document::hash_bytes;
use crate::inspect::{Good, count_keys, errors_of, parse_good};
use crate::tree::MAX_BYTES;
use crate::{Config, ConfigDocument, ConfigError, ConfigIssue, validate_document};
use bulkhead_profile::{Place, files};

pub use history::Version;
use history::{History, named};
pub use rollback::RolledBack;

const LOCK_PATIENCE: Duration = Duration::from_secs(5);
const LOCK_PAUSE: Duration = Duration::from_millis(20);
/// A last good version with fewer keys says nothing about a loss.
const FEWEST_KEYS_TO_COMPARE: usize = 6;

/// Which version is in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigOrigin {
    /// The file as it is.
    Current,
    /// There is no file yet: every default.
    Missing,
    /// The file is broken; this is the last version that worked.
    LastGood {
        /// What is wrong with the file, in full words.
        reason: String,
        /// The stable code of the reason.
        code: &'static str,
    },
}

/// A configuration that can be used.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What the program reads.
    pub config: Config,
    /// The text that it was read from.
    pub document: ConfigDocument,
    /// Hash of the file on disk, broken or not: the base for the next write.
    pub hash: String,
    /// Which version this is.
    pub source: ConfigOrigin,
    /// What is worth knowing about it.
    pub warnings: Vec<ConfigIssue>,
}

impl Loaded {
    /// Why the file on disk is not in use, if it is broken.
    pub fn broken_reason(&self) -> Option<&str> {
        match &self.source {
            ConfigOrigin::LastGood { reason, .. } => Some(reason),
            ConfigOrigin::Current | ConfigOrigin::Missing => None,
        }
    }
}

/// A write that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Hash of the file now.
    pub hash: String,
    /// Whether a byte changed.
    pub changed: bool,
}

/// The configuration file of one profile with its last good version.
#[derive(Debug, Clone)]
pub struct ConfigStore {
    path: PathBuf,
    last_good: PathBuf,
    history: History,
}

enum Inspected {
    Missing,
    Good(Box<Good>),
    Broken { error: ConfigError, hash: String },
}

impl ConfigStore {
    /// The store of a profile.
    pub fn new(place: &Place) -> Self {
        Self::at(place.config_path(), &place.last_good_config_path())
    }

    /// A store at given paths.
    pub fn at(path: &Path, last_good: &Path) -> Self {
        let history = History::at(last_good.with_file_name("config-history"));
        Self { path: path.to_owned(), last_good: last_good.to_owned(), history }
    }

    /// The configuration file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the file; when it is broken and a good version exists, that one, with the reason.
    pub fn load(&self) -> Result<Loaded, ConfigError> {
        match self.inspect() {
            Inspected::Good(good) => Ok(Loaded {
                config: good.config,
                document: good.document,
                hash: good.hash,
                source: ConfigOrigin::Current,
                warnings: good.warnings,
            }),
            Inspected::Missing => match self.last_good_version() {
                Some(good) => {
                    let reason = format!(
                        "{}: found no file, expected the configuration. Go back with `bulkhead config rollback`, or write it again with `bulkhead onboard`.",
                        self.path.display()
                    );
                    Ok(from_last_good(good, reason, "config.missing", hash_bytes(b"")))
                }
                None => Ok(Loaded {
                    config: Config::default(),
                    document: ConfigDocument::empty().named(&self.label()),
                    hash: hash_bytes(b""),
                    source: ConfigOrigin::Missing,
                    warnings: Vec::new(),
                }),
            },
            Inspected::Broken { error, hash } => match self.last_good_version() {
                Some(good) => Ok(from_last_good(good, error.to_string(), error.code(), hash)),
                None => Err(error),
            },
        }
    }

    /// Reads the file without falling back: what an editor of the file needs.
    pub fn load_current(&self) -> Result<Loaded, ConfigError> {
        match self.inspect() {
            Inspected::Broken { error, .. } => Err(error),
            Inspected::Good(_) => self.load(),
            Inspected::Missing => Ok(Loaded {
                config: Config::default(),
                document: ConfigDocument::empty().named(&self.label()),
                hash: hash_bytes(b""),
                source: ConfigOrigin::Missing,
                warnings: Vec::new(),
            }),
        }
    }

    /// Hash of the file on disk now; that of an empty text when there is none.
    pub fn hash(&self) -> Result<String, ConfigError> {
        match self.read(&self.path)? {
            Some(bytes) => Ok(hash_bytes(&bytes)),
            None => Ok(hash_bytes(b"")),
        }
    }

    /// Writes a document if nobody wrote in between (`base_hash`) and the file on disk is not broken.
    pub fn write(&self, document: &ConfigDocument, base_hash: Option<&str>) -> Result<Written, ConfigError> {
        let _lock = self.lock()?;
        self.write_locked(document, base_hash)
    }

    /// Reads, changes and writes under one lock.
    pub fn edit(
        &self,
        change: impl FnOnce(&mut ConfigDocument) -> Result<(), ConfigError>,
    ) -> Result<Written, ConfigError> {
        let _lock = self.lock()?;
        let mut document = match self.inspect() {
            Inspected::Good(good) => good.document,
            Inspected::Missing => ConfigDocument::empty().named(&self.label()),
            Inspected::Broken { error, .. } => return Err(self.broken(&error)),
        };
        change(&mut document)?;
        self.write_locked(&document, None)
    }

    /// The versions that a gateway ran healthy on, newest first, at most twenty.
    pub fn history(&self) -> Vec<Version> {
        let present = self.hash().unwrap_or_default();
        self.history.kept().iter().map(|kept| kept.version(&present)).collect()
    }

    /// The text of a version in the history, by its hash or the first digits of it.
    pub fn version(&self, hash: &str) -> Option<ConfigDocument> {
        let kept = self.history.kept();
        let one = named(&kept, hash)?;
        ConfigDocument::parse(&one.hash, &one.text).ok()
    }

    /// What a start would use if the file were broken.
    pub fn fallback(&self) -> Option<ConfigDocument> {
        self.last_good_version().map(|good| good.document)
    }

    /// Remembers the file on disk as good: a gateway has run healthy on it for a minute. Nothing happens when it is
    /// broken or has changed since (`hash` is what the gateway loaded).
    pub fn remember_good(&self, hash: &str) -> Result<bool, ConfigError> {
        self.remember_good_at(hash, jiff::Timestamp::now())
    }

    /// The same at a given time.
    pub fn remember_good_at(&self, hash: &str, now: jiff::Timestamp) -> Result<bool, ConfigError> {
        let _lock = self.lock()?;
        match self.inspect() {
            Inspected::Good(good) if good.hash == hash => {
                self.history.keep(&good, now)?;
                self.fall_back_on(&good.text)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// A gateway came up on the file on disk. While no version has run healthy yet, that is the best there is to fall
    /// back on.
    pub fn remember_start(&self, hash: &str) -> Result<bool, ConfigError> {
        let _lock = self.lock()?;
        if !self.history.kept().is_empty() {
            return Ok(false);
        }
        match self.inspect() {
            Inspected::Good(good) if good.hash == hash => {
                self.fall_back_on(&good.text)?;
                self.history.note_came_up(&good.hash)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Whether a gateway ever came up on the version to fall back on.
    fn fallback_came_up(&self) -> bool {
        self.last_good_version().is_some_and(|good| good.hash == self.history.came_up())
    }

    /// A person says that the file is meant as it is, though it lost most of its keys. Answers its hash. What cannot be
    /// used for another reason stays refused.
    pub fn accept_present(&self) -> Result<String, ConfigError> {
        let _lock = self.lock()?;
        let Some(bytes) = self.read(&self.path)? else {
            return Err(ConfigError::Read {
                path: self.path.clone(),
                source: io::ErrorKind::NotFound.into(),
            });
        };
        let hash = hash_bytes(&bytes);
        parse_good(&self.label(), &bytes, &hash)?;
        self.accept(&hash)?;
        // The same bytes again: whoever watches the file looks at it anew.
        put(&self.path, &bytes, mode_of(&self.path))?;
        Ok(hash)
    }

    /// Lets whoever watches the file look at it anew, without changing a byte.
    pub fn touch(&self) -> Result<(), ConfigError> {
        let unwritable = |source| ConfigError::Write { path: self.path.clone(), source };
        let file = File::options().write(true).open(&self.path).map_err(unwritable)?;
        file.set_modified(std::time::SystemTime::now()).map_err(unwritable)
    }

    fn fall_back_on(&self, text: &str) -> Result<(), ConfigError> {
        let known = self.read(&self.last_good).ok().flatten();
        if known.as_deref() == Some(text.as_bytes()) {
            return Ok(());
        }
        put(&self.last_good, text.as_bytes(), 0o600)
    }

    fn write_locked(
        &self,
        document: &ConfigDocument,
        base_hash: Option<&str>,
    ) -> Result<Written, ConfigError> {
        let found = match self.inspect() {
            Inspected::Broken { error, .. } => return Err(self.broken(&error)),
            Inspected::Missing => None,
            Inspected::Good(good) => Some(good),
        };
        let found_hash = found.as_ref().map_or_else(|| hash_bytes(b""), |good| good.hash.clone());
        if let Some(base) = base_hash
            && base != found_hash
        {
            return Err(ConfigError::Stale {
                file: self.label(),
                found: found_hash,
                expected: base.to_owned(),
            });
        }
        let issues = errors_of(validate_document(document));
        if !issues.is_empty() {
            return Err(ConfigError::Invalid { file: self.label(), issues });
        }
        let text = document.to_string();
        let hash = hash_bytes(text.as_bytes());
        let changed = found.as_ref().is_none_or(|good| good.text != text);
        if changed {
            for dir in [self.path.parent(), self.last_good.parent()].into_iter().flatten() {
                files::create_private_dir(dir)
                    .map_err(|source| ConfigError::Write { path: dir.to_owned(), source })?;
            }
            self.accept(&hash)?;
            put(&self.path, text.as_bytes(), mode_of(&self.path))?;
        }
        if self.history.kept().is_empty() && !self.fallback_came_up() {
            self.fall_back_on(&text)?;
        }
        Ok(Written { hash, changed })
    }

    fn inspect(&self) -> Inspected {
        let bytes = match self.read(&self.path) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Inspected::Missing,
            Err(error) => return Inspected::Broken { error, hash: String::new() },
        };
        let hash = hash_bytes(&bytes);
        match self.examine(&bytes, &hash) {
            Ok(good) => Inspected::Good(Box::new(good)),
            Err(error) => Inspected::Broken { error, hash },
        }
    }

    fn examine(&self, bytes: &[u8], hash: &str) -> Result<Good, ConfigError> {
        let good = parse_good(&self.label(), bytes, hash)?;
        if self.accepted().as_deref() == Some(hash) {
            return Ok(good);
        }
        let Some(known) = self.last_good_version() else { return Ok(good) };
        let (now, before) = (count_keys(&good.document.value()), count_keys(&known.document.value()));
        if before >= FEWEST_KEYS_TO_COMPARE && now * 2 < before {
            return Err(ConfigError::Suspicious {
                file: self.label(),
                reason: format!(
                    "found {now} keys, expected about as many as the {before} of the last good version"
                ),
                next_step:
                    "If this is on purpose, say so with `bulkhead config accept`; otherwise go back with \
                            `bulkhead config rollback`."
                        .to_owned(),
            });
        }
        Ok(good)
    }

    fn last_good_version(&self) -> Option<Good> {
        let fallback = self.read(&self.last_good).ok().flatten().and_then(|bytes| {
            parse_good(&self.last_good.display().to_string(), &bytes, &hash_bytes(&bytes)).ok()
        });
        // That file can be damaged as well.
        fallback.or_else(|| self.history.kept().iter().find_map(|kept| kept.good().ok()))
    }

    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, ConfigError> {
        match files::read_limited(path, MAX_BYTES as u64) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Err(ConfigError::TooLarge {
                file: self.label(),
                size: fs::metadata(path).map_or(0, |meta| meta.len()),
                limit: MAX_BYTES as u64,
            }),
            Err(source) => Err(ConfigError::Read { path: path.to_owned(), source }),
        }
    }

    /// The hash of the last text that this program wrote: a loss of keys in it was meant.
    fn accepted(&self) -> Option<String> {
        fs::read_to_string(self.accepted_path()).ok().map(|text| text.trim().to_owned())
    }

    fn accept(&self, hash: &str) -> Result<(), ConfigError> {
        put(&self.accepted_path(), hash.as_bytes(), 0o600)
    }

    fn accepted_path(&self) -> PathBuf {
        self.last_good.with_extension("accepted")
    }

    fn lock(&self) -> Result<File, ConfigError> {
        let path = self.last_good.with_extension("lock");
        let unwritable = |source| ConfigError::Write { path: path.clone(), source };
        if let Some(dir) = path.parent() {
            files::create_private_dir(dir).map_err(unwritable)?;
        }
        let file =
            File::options().create(true).truncate(false).write(true).open(&path).map_err(unwritable)?;
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if start.elapsed() < LOCK_PATIENCE => {
                    std::thread::sleep(LOCK_PAUSE);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(ConfigError::Busy { lock: path, waited_ms: start.elapsed().as_millis() });
                }
                Err(TryLockError::Error(source)) => return Err(unwritable(source)),
            }
        }
    }

    fn broken(&self, error: &ConfigError) -> ConfigError {
        ConfigError::Broken { file: self.label(), reason: error.problem() }
    }

    fn label(&self) -> String {
        self.path.display().to_string()
    }
}

fn from_last_good(good: Good, reason: String, code: &'static str, hash: String) -> Loaded {
    Loaded {
        config: good.config,
        document: good.document,
        hash,
        source: ConfigOrigin::LastGood { reason, code },
        warnings: good.warnings,
    }
}

fn put(path: &Path, bytes: &[u8], mode: u32) -> Result<(), ConfigError> {
    files::atomic_write(path, bytes, mode)
        .map_err(|source| ConfigError::Write { path: path.to_owned(), source })
}

#[cfg(unix)]
fn mode_of(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).map_or(0o600, |meta| meta.permissions().mode() & 0o777)
}

#[cfg(not(unix))]
fn mode_of(_: &Path) -> u32 {
    0o600
}
