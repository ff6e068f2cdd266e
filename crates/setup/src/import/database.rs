//! Reading a database of a program that may be running, without making or changing a single file of it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::Connection;
use zeroize::Zeroize as _;

use super::wal;

/// The image is held in memory: it may hold secrets and is never written anywhere.
const LIMIT: u64 = 1024 * 1024 * 1024;
const TRIES: u32 = 8;
const PAUSE: Duration = Duration::from_millis(40);

/// Why a database cannot be read: what was found, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub(super) found: String,
    pub(super) next_step: &'static str,
}

/// The database as it is now, with everything that its write-ahead log has committed. `None` if there is no such file.
pub(super) fn open(path: &Path) -> Result<Option<Connection>, Unreadable> {
    let Some(mut image) = snapshot(path)? else { return Ok(None) };
    let mut memory = Connection::open_in_memory().map_err(|error| broken(&error))?;
    let read = memory.deserialize_read_exact("main", image.as_slice(), image.len(), true);
    image.zeroize();
    read.map_err(|error| broken(&error))?;
    memory.query_row("PRAGMA schema_version", [], |_| Ok(())).map_err(|error| broken(&error))?;
    Ok(Some(memory))
}

/// Whether a table is there.
pub(super) fn has_table(database: &Connection, name: &str) -> bool {
    database
        .query_row("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1", [name], |_| Ok(()))
        .is_ok()
}

fn broken(error: &rusqlite::Error) -> Unreadable {
    Unreadable {
        found: format!("a database that cannot be read ({error})"),
        next_step: "let OpenClaw repair it with: openclaw doctor --fix",
    }
}

/// Both files as they stood at one moment: read again when one of them changed meanwhile.
fn snapshot(path: &Path) -> Result<Option<Vec<u8>>, Unreadable> {
    let log = with_suffix(path, "-wal");
    let trouble = |error: &io::Error| Unreadable {
        found: format!("a file that cannot be read ({error})"),
        next_step: "correct its permissions and run this again",
    };
    for attempt in 0..TRIES {
        let before = (state(path), state(&log));
        let Some((size, _)) = before.0 else { return Ok(None) };
        if size.saturating_add(before.1.map_or(0, |(size, _)| size)) > LIMIT {
            return Err(Unreadable {
                found: format!("a database of more than {} MiB", LIMIT >> 20),
                next_step: "make it smaller in OpenClaw (archive old sessions), and run this again",
            });
        }
        let database = fs::read(path).map_err(|error| trouble(&error))?;
        let pages = match fs::read(&log) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(trouble(&error)),
        };
        if before == (state(path), state(&log)) {
            return wal::image(database, &pages).map(Some).map_err(|error| Unreadable {
                found: error.to_string(),
                next_step: "let OpenClaw repair it with: openclaw doctor --fix",
            });
        }
        std::thread::sleep(PAUSE * (attempt + 1));
    }
    Err(Unreadable {
        found: "a database that is being written all the time".to_owned(),
        next_step: "stop OpenClaw for a moment (openclaw gateway stop), and run this again",
    })
}

fn state(path: &Path) -> Option<(u64, Option<SystemTime>)> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.len(), metadata.modified().ok()))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
