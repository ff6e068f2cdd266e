//! What was begun: enough to undo it after a crash, and nothing secret.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bulkhead_agent::workspace::PROMPT_FILES;
use bulkhead_profile::{Environment, Finding, Register, RegisterEntry, files};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::event::error;
use crate::import::BroughtJournal;
use crate::plan::SecretsPlan;
use crate::target::Target;
use crate::world::World;

const LIMIT: u64 = 1024 * 1024;
const LOCK_PATIENCE: Duration = Duration::from_mins(2);

/// The profiles that a run is making.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Journal {
    pub(super) entries: Vec<Entry>,
}

/// What was there before one profile was begun, and what was added since.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    pub(super) name: String,
    pub(super) state_dir: PathBuf,
    pub(super) config_path: PathBuf,
    pub(super) workspace: PathBuf,
    /// The claim as it was.
    pub(super) registered: Option<RegisterEntry>,
    pub(super) had_state_dir: bool,
    pub(super) had_workspace: bool,
    pub(super) had_config: bool,
    /// The configuration as it was, beside the new one; never in the journal: it may hold secrets.
    pub(super) backup: Option<PathBuf>,
    /// Template files with their hashes, so that only untouched ones are taken back.
    pub(super) templates: BTreeMap<String, String>,
    /// Where `secrets` went.
    pub(super) store: Option<String>,
    /// Names of secrets that were not there before.
    pub(super) secrets: Vec<String>,
    /// What an import made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) brought: Option<BroughtJournal>,
}

impl Journal {
    pub(super) fn read(env: &Environment) -> Option<Self> {
        serde_json::from_slice(&files::read_limited(&path(env), LIMIT).ok()?).ok()
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.entries.iter().map(|entry| entry.name.clone()).collect()
    }

    /// Takes out the entries of profiles that are not wanted any more.
    pub(super) fn take_others(&mut self, wanted: &[&str]) -> Vec<Entry> {
        let (kept, others) = std::mem::take(&mut self.entries)
            .into_iter()
            .partition(|entry| wanted.contains(&entry.name.as_str()));
        self.entries = kept;
        others
    }

    /// A new journal; what an earlier run began and this one takes up keeps its history.
    pub(super) fn begin(targets: &[Target<'_>], left: &Self, world: &World) -> Self {
        let register = Register::open(&world.env);
        let entries = targets
            .iter()
            .map(|target| {
                let earlier = left.entries.iter().find(|entry| entry.state_dir == target.place.state_dir());
                earlier.cloned().unwrap_or_else(|| Entry {
                    name: target.name().to_owned(),
                    state_dir: target.place.state_dir().to_owned(),
                    config_path: target.place.config_path().to_owned(),
                    workspace: target.workspace.clone(),
                    registered: register.find(&target.place).ok().flatten(),
                    had_state_dir: target.place.state_dir().exists(),
                    had_workspace: target.workspace.exists(),
                    had_config: target.place.config_path().exists(),
                    backup: back_up(target),
                    ..Entry::default()
                })
            })
            .collect();
        Self { entries }
    }

    pub(super) fn note_workspace(&mut self, index: usize, workspace: &Path) {
        if let Some(entry) = self.entries.get_mut(index)
            && !entry.had_workspace
        {
            entry.templates = hashes(workspace);
        }
    }

    pub(super) fn note_secret(&mut self, index: usize, store: SecretsPlan, id: &str) {
        if let Some(entry) = self.entries.get_mut(index) {
            entry.store = Some(store.source().to_string());
            if !entry.secrets.iter().any(|known| known == id) {
                entry.secrets.push(id.to_owned());
            }
        }
    }

    pub(super) fn brought(&self, index: usize) -> Option<BroughtJournal> {
        self.entries.get(index)?.brought.clone()
    }

    pub(super) fn note_brought(&mut self, index: usize, step: &BroughtJournal) {
        if let Some(entry) = self.entries.get_mut(index) {
            entry.brought = Some(step.clone());
        }
    }

    pub(super) fn save(&self, env: &Environment) -> Result<(), Finding> {
        let bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        files::atomic_write_in_new_dir(&path(env), &bytes, 0o600)
            .map_err(|trouble| unwritable(&path(env), &trouble))
    }

    pub(super) fn save_or_remove(&self, env: &Environment) {
        if self.entries.is_empty() {
            let _ = std::fs::remove_file(path(env));
        } else {
            let _ = self.save(env);
        }
    }

    /// The copies of configurations go.
    pub(super) fn forget_copies(entries: &[Entry]) {
        for backup in entries.iter().filter_map(|entry| entry.backup.as_ref()) {
            let _ = std::fs::remove_file(backup);
        }
    }
}

fn back_up(target: &Target<'_>) -> Option<PathBuf> {
    let bytes = std::fs::read(target.place.config_path()).ok()?;
    let backup = target.place.last_good_config_path().with_extension("before-setup");
    files::atomic_write(&backup, &bytes, 0o600).ok().map(|()| backup)
}

pub(super) fn hashes(workspace: &Path) -> BTreeMap<String, String> {
    PROMPT_FILES
        .iter()
        .filter_map(|name| {
            let bytes = std::fs::read(workspace.join(name)).ok()?;
            Some(((*name).to_owned(), hex::encode(Sha256::digest(bytes))))
        })
        .collect()
}

fn path(env: &Environment) -> PathBuf {
    env.shared_dir().join("setup-journal.json")
}

fn unwritable(path: &Path, trouble: &io::Error) -> Finding {
    error(
        "path-not-writable",
        &[],
        format!("{}", path.display()),
        trouble.to_string(),
        "a folder that your user may write to",
        "correct its permissions, or set XDG_CONFIG_HOME to another folder",
    )
}

fn open_lock(env: &Environment) -> io::Result<File> {
    files::create_private_dir(&env.shared_dir())?;
    File::options().create(true).truncate(false).write(true).open(env.shared_dir().join("setup.lock"))
}

/// The lock if nobody has it. Makes nothing where nothing is.
pub(super) fn try_lock(env: &Environment) -> io::Result<Option<File>> {
    if !env.shared_dir().exists() {
        return Ok(None);
    }
    let file = open_lock(env)?;
    Ok(file.try_lock().is_ok().then_some(file))
}

/// One creation at a time on this machine.
pub(super) async fn lock(env: &Environment) -> Result<File, Finding> {
    let refuse = |trouble: &io::Error| unwritable(&env.shared_dir(), trouble);
    let file = open_lock(env).map_err(|trouble| refuse(&trouble))?;
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if start.elapsed() < LOCK_PATIENCE => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(TryLockError::WouldBlock) => {
                return Err(error(
                    "setup-busy",
                    &[],
                    "setup",
                    format!(
                        "another setup that has been running for more than {} s",
                        LOCK_PATIENCE.as_secs()
                    ),
                    "one setup at a time",
                    "let the other one finish, or close it, and try again",
                ));
            }
            Err(TryLockError::Error(trouble)) => return Err(refuse(&trouble)),
        }
    }
}
