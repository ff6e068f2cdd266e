//! The way back of a database: a gateway copies it before it migrates it, and an older program refuses the newer one.

use bulkhead_profile::Place;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Puts the copy back that was made since `begun_ms`, if there is one; the newer database stays beside it under the name
/// that comes back. Nothing else may have it open.
pub fn put_back(place: &Place, begun_ms: u64) -> io::Result<Option<PathBuf>> {
    let database = place.database_path();
    let Some(copy) = copy_since(&database, begun_ms)? else { return Ok(None) };
    let aside = with_suffix(&database, &format!(".of-newer-program-{begun_ms}"));
    // The journal belongs to the file beside it, and to no other.
    for part in ["-wal", "-shm"] {
        let from = with_suffix(&database, part);
        if from.exists() {
            std::fs::rename(&from, with_suffix(&aside, part))?;
        }
    }
    std::fs::rename(&database, &aside)?;
    // Copied, not moved: a second way back must not find nothing.
    if let Err(error) = std::fs::copy(&copy, &database) {
        std::fs::rename(&aside, &database)?;
        return Err(error);
    }
    Ok(Some(aside))
}

/// The newest copy from before a migration, if it was made since then.
fn copy_since(database: &Path, begun_ms: u64) -> io::Result<Option<PathBuf>> {
    let Some(folder) = database.parent().filter(|folder| folder.is_dir()) else { return Ok(None) };
    let name = database.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let start = format!("{name}.before-");
    let mut newest: Option<(u64, PathBuf)> = None;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(&start) {
            continue;
        }
        let made = milliseconds(entry.metadata()?.modified()?);
        if made >= begun_ms && newest.as_ref().is_none_or(|(known, _)| made > *known) {
            newest = Some((made, entry.path()));
        }
    }
    Ok(newest.map(|(_, path)| path))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bulkhead_profile::Environment;

    fn place(home: &Path) -> Place {
        let place = Place::resolve(None, &Environment::for_test(home)).expect("place");
        std::fs::create_dir_all(place.state_dir()).expect("folder");
        place
    }

    #[test]
    fn the_copy_of_this_update_is_put_back_and_the_newer_one_is_kept() {
        let home = tempfile::tempdir().expect("home");
        let place = place(home.path());
        let database = place.database_path();
        std::fs::write(&database, "new").expect("write");
        std::fs::write(with_suffix(&database, "-wal"), "wal of new").expect("write");
        std::fs::write(with_suffix(&database, ".before-008"), "old").expect("write");
        let aside = put_back(&place, 1).expect("put back").expect("a copy");
        assert_eq!(std::fs::read_to_string(&database).expect("read"), "old");
        assert_eq!(std::fs::read_to_string(&aside).expect("read"), "new");
        assert_eq!(std::fs::read_to_string(with_suffix(&aside, "-wal")).expect("read"), "wal of new");
        assert!(!with_suffix(&database, "-wal").exists());
    }

    #[test]
    fn copies_of_earlier_updates_are_left_alone() {
        let home = tempfile::tempdir().expect("home");
        let place = place(home.path());
        let database = place.database_path();
        std::fs::write(&database, "now").expect("write");
        std::fs::write(with_suffix(&database, ".before-003"), "long ago").expect("write");
        let later = milliseconds(SystemTime::now()) + 60_000;
        assert_eq!(put_back(&place, later).expect("looked"), None);
        assert_eq!(std::fs::read_to_string(&database).expect("read"), "now");
    }
}
