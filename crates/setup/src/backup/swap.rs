//! Putting a restored profile in place, so that at every moment either the old one or the new one can be had: everything
//! is staged first, then only names change, and a journal says how to take that back.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use bulkhead_profile::{Place, files};
use serde::{Deserialize, Serialize};

use super::create::sync_dir;
use super::error::BackupError;

const LIMIT: u64 = 64 * 1024 * 1024;

/// One change of a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Move {
    pub(super) from: PathBuf,
    pub(super) to: PathBuf,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Journal {
    /// Folders that hold what is to come.
    staging: Vec<PathBuf>,
    /// Folders that were made for what was there.
    kept: Vec<PathBuf>,
    moves: Vec<Move>,
}

fn journal_path(place: &Place) -> PathBuf {
    place.state_dir().join("restore-journal.json")
}

/// No gateway starts in this place as long as it is held.
#[derive(Debug)]
pub(super) struct Hold {
    _file: File,
}

impl Hold {
    /// Takes the lock that a gateway takes; none if somebody has it.
    pub(super) fn take(place: &Place) -> io::Result<Option<Self>> {
        files::create_private_dir(place.state_dir())?;
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(place.lock_path())?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// A restore under way.
pub(super) struct Swap<'p> {
    place: &'p Place,
    journal: Journal,
}

impl<'p> Swap<'p> {
    /// Notes where things are staged, before anything is there.
    pub(super) fn begin(place: &'p Place, staging: Vec<PathBuf>) -> Result<Self, BackupError> {
        let swap = Self { place, journal: Journal { staging, ..Journal::default() } };
        swap.save()?;
        Ok(swap)
    }

    /// Changes all names. If one cannot be changed, those before it are changed back.
    pub(super) fn commit(mut self, moves: Vec<Move>, kept: Vec<PathBuf>) -> Result<(), BackupError> {
        self.journal.moves = moves;
        self.journal.kept = kept;
        self.save()?;
        for dir in &self.journal.kept {
            if let Err(error) = files::create_private_dir(dir) {
                let failed = BackupError::io("make", dir)(error);
                self.abandon()?;
                return Err(failed);
            }
        }
        for step in &self.journal.moves {
            if let Err(error) = fs::rename(&step.from, &step.to) {
                let failed = BackupError::io("put in place", &step.to)(error);
                self.abandon()?;
                return Err(failed);
            }
        }
        for dir in self.journal.moves.iter().filter_map(|step| step.to.parent()) {
            sync_dir(dir);
        }
        // From here on it is the new one.
        let path = journal_path(self.place);
        fs::remove_file(&path).map_err(BackupError::io("remove", &path))?;
        sync_dir(self.place.state_dir());
        for dir in &self.journal.staging {
            let _ = fs::remove_dir_all(dir);
        }
        Ok(())
    }

    /// Takes everything back.
    pub(super) fn abandon(&self) -> Result<(), BackupError> {
        undo(self.place, &self.journal)
    }

    fn save(&self) -> Result<(), BackupError> {
        let path = journal_path(self.place);
        let text = serde_json::to_vec(&self.journal).unwrap_or_default();
        files::atomic_write(&path, &text, 0o600).map_err(BackupError::io("write", &path))
    }
}

fn undo(place: &Place, journal: &Journal) -> Result<(), BackupError> {
    for step in journal.moves.iter().rev() {
        // Done and not taken back yet: the new name is there, the old one is not.
        let done = step.to.symlink_metadata().is_ok() && step.from.symlink_metadata().is_err();
        if done {
            fs::rename(&step.to, &step.from).map_err(BackupError::io("put back", &step.from))?;
        }
    }
    for dir in journal.moves.iter().filter_map(|step| step.from.parent()) {
        sync_dir(dir);
    }
    for dir in &journal.staging {
        match fs::remove_dir_all(dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(BackupError::io("remove", dir)(error));
            }
            _ => {}
        }
    }
    for dir in journal.kept.iter().rev() {
        // Only empty ones go.
        let _ = fs::remove_dir(dir);
    }
    let path = journal_path(place);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(BackupError::io("remove", &path)(error)),
        _ => Ok(()),
    }
}

/// Whether a restore was begun here and not finished, by nobody who is still at it.
pub(crate) fn is_unfinished(place: &Place) -> bool {
    journal_path(place).exists() && matches!(Hold::take(place), Ok(Some(_)))
}

/// Puts back what was there before a restore that was interrupted. Returns whether there was one.
pub(crate) fn undo_unfinished(place: &Place) -> Result<bool, BackupError> {
    let path = journal_path(place);
    if !path.exists() {
        return Ok(false);
    }
    let Some(_hold) = Hold::take(place).map_err(BackupError::io("lock", &place.lock_path()))? else {
        return Err(BackupError::Running {
            profile: place.name().to_string(),
            who: "or another restore is under way".to_owned(),
        });
    };
    undo_left(place)
}

/// The same for somebody who holds the place already.
pub(super) fn undo_left(place: &Place) -> Result<bool, BackupError> {
    let path = journal_path(place);
    let bytes = match files::read_limited(&path, LIMIT) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(BackupError::io("read", &path)(error)),
    };
    let journal: Journal =
        serde_json::from_slice(&bytes).map_err(|error| BackupError::io("read", &path)(error.into()))?;
    let inside = |path: &Path| path.is_absolute();
    if !journal.moves.iter().all(|step| inside(&step.from) && inside(&step.to)) {
        return Err(BackupError::not_whole(&path, "a journal that was not written by this program"));
    }
    undo(place, &journal)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bulkhead_profile::Environment;

    use super::*;

    fn tree(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut dirs = vec![root.to_owned()];
        while let Some(dir) = dirs.pop() {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    dirs.push(path);
                } else if path.extension().is_none_or(|end| end != "lock") {
                    found.insert(path.clone(), fs::read(&path).unwrap());
                }
            }
        }
        found
    }

    /// Killed after any number of steps, with the journal as it was then: what was there is there again.
    #[test]
    fn a_restore_that_was_killed_at_any_step_is_taken_back() {
        for killed_after in 0..=4 {
            let home = tempfile::tempdir().unwrap();
            let place = Place::resolve(None, &Environment::for_test(home.path())).unwrap();
            let state = place.state_dir().to_owned();
            fs::create_dir_all(state.join("a")).unwrap();
            fs::write(state.join("bulkhead.json"), "old config").unwrap();
            fs::write(state.join("a/x"), "old").unwrap();
            let before = tree(home.path());
            let (staging, kept) = (state.join(".restore-1"), state.join("replaced/1"));
            let swap = Swap::begin(&place, vec![staging.clone()]).unwrap();
            fs::create_dir_all(staging.join("a")).unwrap();
            fs::write(staging.join("bulkhead.json"), "new config").unwrap();
            fs::write(staging.join("a/x"), "new").unwrap();
            let step = |from: PathBuf, to: PathBuf| Move { from, to };
            let moves = vec![
                step(state.join("bulkhead.json"), kept.join("bulkhead.json")),
                step(state.join("a"), kept.join("a")),
                step(staging.join("a"), state.join("a")),
                step(staging.join("bulkhead.json"), state.join("bulkhead.json")),
            ];
            let killed = Swap {
                place: &place,
                journal: Journal { moves: moves.clone(), kept: vec![kept.clone()], ..swap.journal },
            };
            killed.save().unwrap();
            fs::create_dir_all(&kept).unwrap();
            for step in &moves[..killed_after] {
                fs::rename(&step.from, &step.to).unwrap();
            }
            assert!(is_unfinished(&place));
            assert!(undo_unfinished(&place).unwrap());
            assert_eq!(tree(home.path()), before, "killed after {killed_after}");
            assert!(!is_unfinished(&place) && !undo_unfinished(&place).unwrap());
        }
    }

    #[test]
    fn a_name_that_cannot_be_changed_takes_everything_back() {
        let home = tempfile::tempdir().unwrap();
        let place = Place::resolve(None, &Environment::for_test(home.path())).unwrap();
        let state = place.state_dir().to_owned();
        fs::create_dir_all(&state).unwrap();
        fs::write(state.join("bulkhead.json"), "old").unwrap();
        fs::write(state.join("file"), "").unwrap();
        let before = tree(home.path());
        let swap = Swap::begin(&place, vec![state.join(".restore-1")]).unwrap();
        let kept = state.join("replaced/1");
        let moves = vec![
            Move { from: state.join("bulkhead.json"), to: kept.join("bulkhead.json") },
            // Below a file nothing can be put.
            Move { from: state.join("file"), to: state.join("file/inside") },
        ];
        assert_eq!(swap.commit(moves, vec![kept]).unwrap_err().code(), "backup.io");
        assert_eq!(tree(home.path()), before);
    }

    #[test]
    fn a_place_that_somebody_holds_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let place = Place::resolve(None, &Environment::for_test(home.path())).unwrap();
        let hold = Hold::take(&place).unwrap().unwrap();
        assert!(Hold::take(&place).unwrap().is_none());
        Swap::begin(&place, Vec::new()).unwrap();
        assert!(!is_unfinished(&place));
        assert_eq!(undo_unfinished(&place).unwrap_err().code(), "backup.running");
        drop(hold);
        assert!(is_unfinished(&place));
    }
}
