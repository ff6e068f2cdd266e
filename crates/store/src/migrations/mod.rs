//! The schema, step by step, and the copy that is made before a step is taken.

use std::path::{Path, PathBuf};

use bulkhead_killpoint::{ARMED, Point, reached};
use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

use crate::StoreError;

/// Steps are only ever added; one that was released is never edited.
#[rustfmt::skip]
const STEPS: &[M<'static>] = &[
    M::up(include_str!("001_first.sql")),
    M::up(include_str!("002_rescue.sql")),
    M::up(include_str!("003_schedule.sql")),
    M::up(include_str!("004_approvals.sql")),
    M::up(include_str!("006_sessions.sql")),
    M::up(include_str!("005_nodes.sql")),
    M::up(include_str!("007_usage.sql")),
    M::up(include_str!("009_canvas.sql")),
    M::up(include_str!("010_branches.sql")),
];

/// Copies from before a migration that are kept; older ones go.
const COPIES_KEPT: usize = 3;

/// The schema version that this program writes.
pub const fn latest_version() -> usize {
    STEPS.len() + ARMED as usize
}

/// The steps of this build: a torture build takes one more, so that there is always one to be killed in.
fn steps() -> Vec<M<'static>> {
    let mut steps = STEPS.to_vec();
    if ARMED {
        steps.push(M::up_with_hook("CREATE TABLE torture AS SELECT id FROM inbox", |_| {
            reached(Point::MidMigration);
            Ok(())
        }));
    }
    steps
}

/// Brings an opened file to [`latest_version`]; copies it first if it holds anything.
pub(crate) fn bring_up_to_date(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    take_steps(connection, path, &steps())
}

fn take_steps(connection: &mut Connection, path: &Path, steps: &[M<'_>]) -> Result<(), StoreError> {
    let found = connection
        .query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))
        .map_err(|error| damaged_or_query(path, error))?;
    let found = usize::try_from(found)
        .map_err(|_| StoreError::Damaged { path: path.to_path_buf(), reason: format!("version {found}") })?;
    let latest = steps.len();
    if found == latest {
        return Ok(());
    }
    if found > latest {
        return Err(StoreError::Newer { path: path.to_path_buf(), found, supported: latest });
    }
    let copy = if found == 0 { None } else { Some(copy_before(connection, path, found)?) };
    reached(Point::MigrationCopied);
    tracing::info!(from = found, to = latest, "bringing the database up to date");
    Migrations::from_slice(steps).to_latest(connection).map_err(|error| StoreError::Migration {
        path: path.to_path_buf(),
        from: found,
        to: latest,
        reason: error.to_string(),
        copy: copy
            .map_or_else(|| "not made, since the file was empty".into(), |copy| copy.display().to_string()),
    })
}

fn damaged_or_query(path: &Path, error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
            StoreError::Damaged { path: path.to_path_buf(), reason: error.to_string() }
        }
        _ => StoreError::query("read its version")(error),
    }
}

/// Name of the copy that is made before leaving version `from`.
fn copy_name(path: &Path, from: usize) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".before-{:03}", from + 1));
    path.with_file_name(name)
}

fn copy_before(connection: &Connection, path: &Path, from: usize) -> Result<PathBuf, StoreError> {
    let target = copy_name(path, from);
    // An older copy of the same step is from an interrupted try; what is in the file now is newer.
    let _ = std::fs::remove_file(&target);
    copy_to(connection, &target)?;
    if let Some(oldest) = (from + 1).checked_sub(COPIES_KEPT).filter(|oldest| *oldest > 0) {
        let _ = std::fs::remove_file(copy_name(path, oldest - 1));
    }
    Ok(target)
}

/// Writes a compact copy of everything, including what is still in the WAL.
pub(crate) fn copy_to(connection: &Connection, target: &Path) -> Result<(), StoreError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(target)
        .map_err(|error| StoreError::Open { path: target.to_path_buf(), reason: error.to_string() })?;
    let text = target.to_str().ok_or_else(|| StoreError::Open {
        path: target.to_path_buf(),
        reason: "the path is not valid UTF-8".into(),
    })?;
    connection.execute("VACUUM INTO ?1", [text]).map_err(StoreError::query("copy itself")).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &[M<'static>] = &[M::up("CREATE TABLE note (text TEXT); INSERT INTO note VALUES ('kept');")];

    fn old_file(dir: &Path) -> (Connection, PathBuf) {
        let path = dir.join("bulkhead.sqlite");
        let mut connection = Connection::open(&path).unwrap();
        connection.execute_batch("PRAGMA journal_mode = WAL").unwrap();
        take_steps(&mut connection, &path, OLD).unwrap();
        (connection, path)
    }

    fn notes(connection: &Connection) -> String {
        connection.query_row("SELECT group_concat(text) FROM note", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn every_step_is_valid_sql() {
        Migrations::from_slice(STEPS).validate().unwrap();
    }

    #[test]
    fn a_copy_is_made_before_a_step_and_none_for_a_new_file() {
        let dir = tempfile::tempdir().unwrap();
        let (mut connection, path) = old_file(dir.path());
        assert!(!copy_name(&path, 0).exists());
        let steps = [OLD[0].clone(), M::up("UPDATE note SET text = 'changed'")];
        take_steps(&mut connection, &path, &steps).unwrap();
        assert_eq!(notes(&connection), "changed");
        let copy = copy_name(&path, 1);
        assert_eq!(copy.file_name().unwrap(), "bulkhead.sqlite.before-002");
        assert_eq!(notes(&Connection::open(copy).unwrap()), "kept");
    }

    #[test]
    fn a_step_that_fails_changes_nothing_and_names_the_copy() {
        let dir = tempfile::tempdir().unwrap();
        let (mut connection, path) = old_file(dir.path());
        let steps =
            [OLD[0].clone(), M::up("UPDATE note SET text = 'changed'; INSERT INTO missing VALUES (1);")];
        let error = take_steps(&mut connection, &path, &steps).unwrap_err();
        assert_eq!(error.code(), "store_migration");
        assert!(error.to_string().contains("bulkhead.sqlite.before-002"), "{error}");
        assert_eq!(notes(&connection), "kept");
        // The next try replaces the copy instead of stumbling over it.
        assert_eq!(take_steps(&mut connection, &path, &steps).unwrap_err().code(), "store_migration");
    }

    #[test]
    fn only_the_newest_copies_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let (mut connection, path) = old_file(dir.path());
        let mut steps = OLD.to_vec();
        for n in 2..=6 {
            steps.push(M::up("INSERT INTO note VALUES ('more')"));
            take_steps(&mut connection, &path, &steps).unwrap();
            assert!(copy_name(&path, n - 1).exists());
        }
        let kept: Vec<_> = (1..6).filter(|from| copy_name(&path, *from).exists()).collect();
        assert_eq!(kept, [3, 4, 5]);
    }
}
