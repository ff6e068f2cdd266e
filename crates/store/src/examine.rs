//! Looking at a database from outside, beside the gateway that uses it: nothing is changed, no writer waits.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::StoreError;
use crate::migrations::{copy_to, latest_version};
use crate::schedule::{CronJobRow, all_jobs};

/// What [`examine`] found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Examination {
    /// The schema's version in the file.
    pub version: usize,
    /// The newest schema version that this program reads.
    pub supported: usize,
    /// What does not fit together inside the file; empty means healthy.
    pub damage: Vec<String>,
    /// Rows that point to rows that are not there, by table.
    pub orphans: Vec<String>,
    /// Whether everything was looked at within the time limit.
    pub complete: bool,
    /// The file's size in bytes, with what waits in its write-ahead log.
    pub bytes: u64,
}

impl Examination {
    /// Whether nothing is wrong with what was looked at.
    pub fn is_healthy(&self) -> bool {
        self.damage.is_empty() && self.orphans.is_empty() && self.version <= self.supported
    }
}

/// Reads a database without changing it and says what does not fit together: `PRAGMA quick_check` (with `thorough`
/// `integrity_check`, which also compares every index) and `foreign_key_check`. It reads one snapshot, so a gateway
/// goes on writing meanwhile. After `limit` it stops and says so in [`Examination::complete`].
///
/// Where nobody uses the file, it leaves no file beside it either.
///
/// Blocks: call it off the async threads. Fails where the file cannot be opened or is no database at all.
pub fn examine(path: &Path, limit: Duration, thorough: bool) -> Result<Examination, StoreError> {
    let at_rest = is_at_rest(path);
    match examine_once(path, limit, thorough, at_rest) {
        // A gateway may have begun to write just now; then what was seen at rest proves nothing.
        Ok(found) if at_rest && !found.is_healthy() => examine_once(path, limit, thorough, false),
        other => other,
    }
}

fn examine_once(
    path: &Path,
    limit: Duration,
    thorough: bool,
    at_rest: bool,
) -> Result<Examination, StoreError> {
    let connection = open_beside(path, at_rest)?;
    let interrupt = connection.get_interrupt_handle();
    let (done, over) = mpsc::channel::<()>();
    let watch = std::thread::Builder::new().name("examine-limit".to_owned()).spawn(move || {
        if over.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
            interrupt.interrupt();
        }
    });
    let mut found = Examination {
        supported: latest_version(),
        bytes: size_with_log(path),
        complete: true,
        ..Examination::default()
    };
    let outcome = look(&connection, thorough, &mut found);
    drop(done);
    if let Ok(watch) = watch {
        let _ = watch.join();
    }
    match outcome {
        Ok(()) => {}
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => {
            found.complete = false;
        }
        Err(error) => match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => {
                return Err(StoreError::Damaged { path: path.to_path_buf(), reason: error.to_string() });
            }
            // Too broken to be checked to the end: what it said is the finding.
            Some(ErrorCode::DatabaseCorrupt) => found.damage.push(error.to_string()),
            _ => return Err(StoreError::query("examine itself")(error)),
        },
    }
    Ok(found)
}

/// The timed jobs of a database that may be in use; none where the schema is older than they are. Changes nothing.
///
/// Blocks: call it off the async threads. Fails where the file cannot be opened or is no database at all.
pub fn jobs_beside(path: &Path) -> Result<Vec<CronJobRow>, StoreError> {
    let connection = open_beside(path, is_at_rest(path))?;
    let known: i64 = connection
        .query_row(
            "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'cron_job'",
            [],
            |row| row.get(0),
        )
        .map_err(StoreError::query("list jobs"))?;
    if known == 0 {
        return Ok(Vec::new());
    }
    all_jobs(&connection)
}

/// Writes a compact copy of a database that may be in use, as it is at one instant, to `target`, which must not exist.
/// `VACUUM INTO` reads one snapshot: no writer waits, it never starts over however much is written meanwhile, and
/// what was deleted before is not in the copy.
pub fn copy_beside(path: &Path, target: &Path) -> Result<(), StoreError> {
    copy_to(&open_beside(path, is_at_rest(path))?, target)
}

/// Nothing waits in a write-ahead log, so nobody has it open: SQLite need not make one to read.
pub(crate) fn is_at_rest(path: &Path) -> bool {
    std::fs::metadata(with_end(path, "-wal")).is_err()
}

/// A URI that says that nobody writes; `None` for a path that is no text.
fn immutable(path: &Path) -> Option<String> {
    use std::fmt::Write as _;
    let mut uri = "file:".to_owned();
    for byte in path.to_str()?.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                uri.push(char::from(byte));
            }
            b'\\' if cfg!(windows) => uri.push('/'),
            byte => drop(write!(uri, "%{byte:02X}")),
        }
    }
    uri.push_str("?immutable=1");
    Some(uri)
}

pub(crate) fn open_beside(path: &Path, at_rest: bool) -> Result<Connection, StoreError> {
    let failed = |reason: String| StoreError::Open { path: path.to_path_buf(), reason };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = match at_rest.then(|| immutable(path)).flatten() {
        Some(uri) => Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI),
        None => Connection::open_with_flags(path, flags),
    };
    let connection = opened.map_err(|error| failed(error.to_string()))?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(|error| failed(error.to_string()))?;
    connection
        .execute_batch("PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -2048;")
        .map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                StoreError::Damaged { path: path.to_path_buf(), reason: error.to_string() }
            }
            _ => failed(error.to_string()),
        })?;
    Ok(connection)
}

fn look(connection: &Connection, thorough: bool, found: &mut Examination) -> rusqlite::Result<()> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    found.version = usize::try_from(version).unwrap_or(usize::MAX);
    let pragma = if thorough { "PRAGMA integrity_check(20)" } else { "PRAGMA quick_check(20)" };
    let mut statement = connection.prepare(pragma)?;
    for line in statement.query_map([], |row| row.get::<_, String>(0))? {
        let line = line?;
        if line != "ok" {
            found.damage.push(line);
        }
    }
    let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
    for table in statement.query_map([], |row| row.get::<_, String>(0))? {
        let table = table?;
        if !found.orphans.contains(&table) {
            found.orphans.push(table);
        }
    }
    Ok(())
}

fn size_with_log(path: &Path) -> u64 {
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |meta| meta.len());
    size(path) + size(&with_end(path, "-wal"))
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NewMessage, NewSession, Store};

    async fn filled(path: &Path, rows: usize) -> Store {
        let store = Store::open(path).unwrap();
        let session =
            store.sessions().get_or_create(NewSession::new("agent:main:main", "main")).await.unwrap();
        for n in 0..rows {
            let text = serde_json::json!(format!("{n} {}", "words ".repeat(200)));
            store.sessions().append_message(NewMessage::new(&session.key, "user", text)).await.unwrap();
        }
        store
    }

    #[tokio::test]
    async fn a_database_in_use_is_examined_and_copied_while_it_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bulkhead.sqlite");
        let store = filled(&path, 20).await;
        // A writer holds its transaction all the while.
        let writer = Connection::open(&path).unwrap();
        writer.execute_batch("BEGIN IMMEDIATE; CREATE TABLE half_done (x)").unwrap();
        let found = examine(&path, Duration::from_secs(20), true).unwrap();
        assert!(found.is_healthy() && found.complete && found.bytes > 20_000, "{found:?}");
        assert_eq!(found.version, latest_version());
        let copy = dir.path().join("copy.sqlite");
        copy_beside(&path, &copy).unwrap();
        writer.execute_batch("ROLLBACK").unwrap();
        let copied = Store::open(&copy).unwrap();
        assert_eq!(copied.sessions().history("agent:main:main", 100, None).await.unwrap().len(), 20);
        assert!(copy_beside(&path, &copy).is_err(), "a copy never replaces anything");
        store.close().await;
        drop(writer);
        let odd = dir.path().join("a %41?b#c.sqlite");
        std::fs::rename(&path, &odd).unwrap();
        assert!(examine(&odd, Duration::from_secs(20), false).unwrap().is_healthy());
        let names: Vec<_> =
            std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(
            !names.iter().any(|name| name.to_string_lossy().starts_with("a %41?b#c.sqlite-")),
            "{names:?}"
        );
    }

    #[tokio::test]
    async fn damage_and_orphans_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bulkhead.sqlite");
        filled(&path, 60).await.close().await;
        let raw = Connection::open(&path).unwrap();
        raw.execute_batch(
            "PRAGMA foreign_keys = OFF; INSERT INTO tool_call (run_id, call_id, name, args, state, started_at)
             VALUES ('gone', 'c', 'n', '{}', 'done', 1);
             PRAGMA wal_checkpoint(TRUNCATE);",
        )
        .unwrap();
        drop(raw);
        let found = examine(&path, Duration::from_secs(20), false).unwrap();
        assert!(found.damage.is_empty() && !found.orphans.is_empty(), "{found:?}");
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle..middle + 8192].fill(0xA5);
        std::fs::write(&path, &bytes).unwrap();
        assert!(!examine(&path, Duration::from_secs(20), false).unwrap().damage.is_empty());
        std::fs::write(
            &path,
            b"no database at all, though long enough to be read as a header of one.............",
        )
        .unwrap();
        assert_eq!(examine(&path, Duration::from_secs(20), false).unwrap_err().code(), "store_damaged");
    }
}
