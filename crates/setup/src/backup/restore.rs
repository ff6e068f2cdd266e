//! Restoring a backup.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bulkhead_config::ConfigDocument;
use bulkhead_process::RunRecord;
use bulkhead_profile::{Marker, Place, Register, files, known_profiles, siblings};
use serde::Serialize;

use super::adapt::{Adapted, adapt};
use super::archive::{Archive, RawKind};
use super::contents;
use super::create::stamp;
use super::error::BackupError;
use super::manifest::{self, LeftOut};
use super::swap::{Hold, Move, Swap, undo_left};
use crate::world::World;

/// How a backup is restored.
#[derive(Debug, Clone, Copy, Default)]
pub struct RestoreOptions {
    /// In the place of what is there, which is kept.
    pub force: bool,
}

/// What was restored.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Restored {
    /// The profile.
    pub profile: String,
    /// When the backup was made.
    pub created_at: String,
    /// Its state directory.
    pub state_dir: PathBuf,
    /// Its workspace.
    pub workspace: PathBuf,
    /// Its base port.
    pub base_port: u16,
    /// How many files.
    pub files: usize,
    /// Where what was there before is now.
    pub kept: Vec<PathBuf>,
    /// What the configuration says otherwise than in the backup, in sentences.
    pub changes: Vec<String>,
    /// Names of the secrets that it refers to; they are in no backup.
    pub secrets: Vec<String>,
    /// What was left out when the backup was made.
    pub left_out: Vec<LeftOut>,
}

/// Restores a backup into a place. Nothing is visible before everything is there; what was there is kept beside it. A
/// running gateway is refused. Blocks on the disk.
pub fn restore(
    world: &World,
    archive: &Archive,
    place: &Place,
    options: RestoreOptions,
) -> Result<Restored, BackupError> {
    place.check_marker()?;
    let running = |who: String| BackupError::Running { profile: place.name().to_string(), who };
    if let Some(record) = RunRecord::read_running(&place.run_record_path()) {
        return Err(running(format!("process {}", record.identity.pid)));
    }
    let was_there = place.state_dir().exists();
    let hold = Hold::take(place).map_err(BackupError::io("lock", &place.lock_path()))?;
    let Some(hold) = hold else { return Err(running("or another restore is under way".to_owned())) };
    let outcome = Restore::new(world, archive, place).and_then(|restore| restore.run(options));
    drop(hold);
    if outcome.is_err() && !was_there {
        let _ = fs::remove_file(place.lock_path());
        let _ = fs::remove_dir(place.state_dir());
    }
    outcome
}

struct Restore<'r> {
    world: &'r World,
    archive: &'r Archive,
    place: &'r Place,
    workspace: PathBuf,
    id: String,
    neighbours: Vec<Place>,
}

impl<'r> Restore<'r> {
    fn new(world: &'r World, archive: &'r Archive, place: &'r Place) -> Result<Self, BackupError> {
        undo_left(place)?;
        let manifest = archive.manifest();
        // Back where it was, the workspace goes back where it was; elsewhere it is the place's own.
        let same = files::canonical(place.state_dir()) == files::canonical(&manifest.state_dir);
        let workspace = if same { manifest.workspace.clone() } else { place.workspace().to_owned() };
        let own = files::canonical(place.state_dir());
        let neighbours = known_profiles(&world.env)
            .into_iter()
            .map(|known| known.place)
            .filter(|other| files::canonical(other.state_dir()) != own)
            .collect();
        Ok(Self { world, archive, place, workspace, id: stamp(world.now()), neighbours })
    }

    fn run(self, options: RestoreOptions) -> Result<Restored, BackupError> {
        let there = self.there();
        if !there.is_empty() && !options.force {
            let mut names: Vec<String> = there
                .iter()
                .filter_map(|path| path.file_name().map(|name| name.to_string_lossy().into_owned()))
                .take(4)
                .collect();
            names.sort();
            return Err(BackupError::NotEmpty {
                profile: self.place.name().to_string(),
                state_dir: self.place.state_dir().to_owned(),
                found: names.join(", "),
                kept: self.place.state_dir().join("replaced").display().to_string(),
            });
        }
        let state_stage = self.place.state_dir().join(format!(".restore-{}", self.id));
        let parent = self.workspace.parent().unwrap_or(Path::new("/")).to_owned();
        files::create_private_dir(&parent).map_err(BackupError::io("make", &parent))?;
        let workspace_stage = parent.join(format!(".restore-{}-workspace", self.id));
        let config_dir = self.place.config_path().parent().unwrap_or(Path::new("/")).to_owned();
        files::create_private_dir(&config_dir).map_err(BackupError::io("make", &config_dir))?;
        let config_stage = config_dir.join(format!(".restore-{}-config", self.id));
        let stages = vec![state_stage.clone(), workspace_stage.clone(), config_stage.clone()];
        let swap = Swap::begin(self.place, stages)?;
        let staged = self.stage(&state_stage, &workspace_stage, &config_stage);
        let adapted = match staged {
            Ok(adapted) => adapted,
            Err(error) => {
                swap.abandon()?;
                return Err(error);
            }
        };
        let kept = match self.moves(&there, &state_stage, &workspace_stage, &config_stage) {
            Ok((moves, kept)) => {
                let dirs = kept.iter().map(|(dir, _)| dir.clone()).collect();
                swap.commit(moves, dirs).map(|()| kept)
            }
            Err(error) => swap.abandon().and(Err(error)),
        };
        let kept = match kept {
            Ok(kept) => kept,
            Err(error) => {
                if adapted.claimed {
                    let _ = Register::open(&self.world.env).release(self.place);
                }
                return Err(error);
            }
        };
        if !adapted.bots.is_empty() {
            Register::open(&self.world.env).record_bots(self.place, &adapted.bots)?;
        }
        let manifest = self.archive.manifest();
        Ok(Restored {
            profile: self.place.name().to_string(),
            created_at: manifest.created_at.clone(),
            state_dir: self.place.state_dir().to_owned(),
            workspace: self.workspace.clone(),
            base_port: adapted.base_port,
            files: manifest.files(),
            kept: kept
                .into_iter()
                .filter(|(_, told)| *told)
                .map(|(dir, _)| dir)
                .filter(|dir| dir.exists())
                .collect(),
            changes: adapted.changes,
            secrets: manifest.secrets.clone(),
            left_out: manifest.left_out.clone(),
        })
    }

    /// What of this profile is there now; siblings inside main's directory are not.
    fn there(&self) -> Vec<PathBuf> {
        let mut there: Vec<PathBuf> = fs::read_dir(self.place.state_dir())
            .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
            .unwrap_or_default();
        let own_workspace = files::canonical(&self.workspace);
        there.retain(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let locked = path.extension().is_some_and(|end| end == "lock");
            let lock = locked || name == "replaced" || name == "restore-journal.json";
            let earlier = name.starts_with(".restore-") || name.contains(".replaced-");
            let is_workspace = files::canonical(path) == own_workspace;
            !lock && !earlier && !is_workspace && siblings::owns(self.place, path, &self.neighbours)
        });
        if self.place.config_path().symlink_metadata().is_ok()
            && !there.iter().any(|path| path == self.place.config_path())
        {
            there.push(self.place.config_path().to_owned());
        }
        let full = fs::read_dir(&self.workspace).is_ok_and(|mut entries| entries.next().is_some());
        if full {
            there.push(self.workspace.clone());
        }
        there.sort();
        there
    }

    /// Unpacks everything where nobody sees it yet.
    fn stage(&self, state: &Path, workspace: &Path, config: &Path) -> Result<Adapted, BackupError> {
        for dir in [state, workspace, config] {
            files::create_private_dir(dir).map_err(BackupError::io("make", dir))?;
        }
        let mut links: Vec<(String, PathBuf)> = Vec::new();
        let mut folders: Vec<(PathBuf, u32)> = Vec::new();
        let mut text = None;
        self.archive.for_each(&mut |entry, reader| {
            if entry.path == manifest::CONFIG {
                let mut bytes = String::new();
                reader.read_to_string(&mut bytes).map_err(BackupError::io("read", self.archive.path()))?;
                text = Some(bytes);
                return Ok(());
            }
            let (part, rest) = entry.path.split_once('/').unwrap_or_default();
            let target = if part == manifest::STATE { state.join(rest) } else { workspace.join(rest) };
            match entry.kind {
                RawKind::Folder => {
                    files::create_private_dir(&target).map_err(BackupError::io("make", &target))?;
                    folders.push((target, entry.mode));
                    Ok(())
                }
                // Last: nothing is ever written through a link.
                RawKind::Link(to) => {
                    links.push((to, target));
                    Ok(())
                }
                RawKind::File => write(&target, entry.mode, reader),
            }
        })?;
        for (to, at) in links {
            link(&to, &at)?;
        }
        for (folder, mode) in folders.into_iter().rev() {
            set_mode(&folder, mode)?;
        }
        self.marker(state)?;
        self.configuration(text.as_deref(), config)
    }

    fn marker(&self, state: &Path) -> Result<(), BackupError> {
        let marker = Marker { product: "bulkhead".to_owned(), profile: self.place.name().clone() };
        let mut text = serde_json::to_vec_pretty(&marker).unwrap_or_default();
        text.push(b'\n');
        let path = state.join("profile.json");
        files::atomic_write(&path, &text, 0o600).map_err(BackupError::io("write", &path))
    }

    fn configuration(&self, text: Option<&str>, stage: &Path) -> Result<Adapted, BackupError> {
        let file = self.place.config_path().display().to_string();
        let mut document = match text {
            Some(text) => ConfigDocument::parse(&file, text)?,
            None => ConfigDocument::empty().named(&file),
        };
        let adapted = adapt(self.world, self.place, self.archive.manifest(), &mut document, &self.workspace)?;
        if text.is_some() {
            let path = stage.join("bulkhead.json");
            files::atomic_write(&path, document.to_string().as_bytes(), 0o600)
                .map_err(BackupError::io("write", &path))?;
        }
        Ok(adapted)
    }

    /// Which names change, in which order: the old configuration goes first and the new one comes last, so that in between
    /// there is none and no gateway starts.
    #[allow(clippy::type_complexity, reason = "moves, and folders with whether they are told")]
    fn moves(
        &self,
        there: &[PathBuf],
        state: &Path,
        workspace: &Path,
        config: &Path,
    ) -> Result<(Vec<Move>, Vec<(PathBuf, bool)>), BackupError> {
        let replaced = self.place.state_dir().join("replaced");
        let kept = free_name(&replaced.join(&self.id));
        let kept_workspace = free_name(&with_end(&self.workspace, &format!(".replaced-{}", self.id)));
        let config_path = self.place.config_path();
        let is_config = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            path == config_path || name.starts_with("bulkhead.last-good") || name == "config-history"
        };
        let mut old: Vec<&PathBuf> = there.iter().filter(|path| **path != self.workspace).collect();
        old.sort_by_key(|path| !is_config(path));
        let mut moves = Vec::new();
        for path in old {
            let name = path.file_name().unwrap_or_default();
            let to = if path.parent() == Some(self.place.state_dir()) {
                kept.join(name)
            } else {
                free_name(&with_end(path, &format!(".replaced-{}", self.id)))
            };
            moves.push(Move { from: path.clone(), to });
        }
        if self.workspace.symlink_metadata().is_ok() {
            moves.push(Move { from: self.workspace.clone(), to: kept_workspace.clone() });
        }
        let mut new: Vec<PathBuf> = fs::read_dir(state)
            .map_err(BackupError::io("read", state))?
            .flatten()
            .map(|entry| entry.path())
            .collect();
        new.sort();
        for path in new {
            let name = path.file_name().unwrap_or_default().to_owned();
            // Nothing of what stays behind is ever replaced, whatever an archive calls its files.
            let stays = contents::left_out(&name.to_string_lossy()).is_some();
            let known = name == "bulkhead.sqlite" || name == "profile.json";
            if !stays || known {
                moves.push(Move { to: self.place.state_dir().join(&name), from: path });
            }
        }
        moves.push(Move { from: workspace.to_owned(), to: self.workspace.clone() });
        let staged = config.join("bulkhead.json");
        if staged.exists() {
            moves.push(Move { from: staged, to: config_path.to_owned() });
        }
        let used = moves.iter().any(|step| step.to.starts_with(&kept));
        let mut dirs = Vec::new();
        if used {
            dirs.push((replaced, false));
            dirs.push((kept, true));
        }
        Ok((moves, dirs))
    }
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

fn free_name(path: &Path) -> PathBuf {
    let mut number = 1;
    let mut free = path.to_owned();
    while free.symlink_metadata().is_ok() {
        number += 1;
        free = with_end(path, &format!("-{number}"));
    }
    free
}

fn write(path: &Path, mode: u32, content: &mut dyn Read) -> Result<(), BackupError> {
    if let Some(dir) = path.parent() {
        files::create_private_dir(dir).map_err(BackupError::io("make", dir))?;
    }
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let io = |error| BackupError::io("write", path)(error);
    let mut file = options.open(path).map_err(io)?;
    io::copy(content, &mut file).map_err(io)?;
    file.sync_all().map_err(io)?;
    drop(file);
    set_mode(path, mode)
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> Result<(), BackupError> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map_err(BackupError::io("set the mode of", path))
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) -> Result<(), BackupError> {
    Ok(())
}

#[cfg(unix)]
fn link(to: &str, at: &Path) -> Result<(), BackupError> {
    if let Some(dir) = at.parent() {
        files::create_private_dir(dir).map_err(BackupError::io("make", dir))?;
    }
    std::os::unix::fs::symlink(to, at).map_err(BackupError::io("link", at))
}

#[cfg(not(unix))]
fn link(to: &str, at: &Path) -> Result<(), BackupError> {
    // Links need a privilege there: what one led to is said in a file of its name.
    fs::write(at, to).map_err(BackupError::io("write", at))
}
