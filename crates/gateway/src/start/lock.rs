//! One process per state directory, by a lock of the operating system: it dies with the process,
//! so nothing stale is left after `kill -9`.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::GatewayError;

/// Whoever only wants to know whether a gateway runs tries the lock, and holds it for a moment: that is nobody who runs.
const MOMENT: Duration = Duration::from_millis(200);
const LOOK: Duration = Duration::from_millis(5);

/// Holds the state directory as long as it lives.
#[derive(Debug)]
pub(crate) struct StateLock {
    _file: File,
}

/// Takes the lock, and writes into it who holds it.
pub(crate) fn take(path: &Path, state_dir: &Path, profile: &str) -> Result<StateLock, GatewayError> {
    let io = |action: &'static str| {
        let path = PathBuf::from(path);
        move |source| GatewayError::Io { action, path, source }
    };
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path).map_err(io("open the lock"))?;
    let begun = Instant::now();
    let outcome = loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if begun.elapsed() < MOMENT => std::thread::sleep(LOOK),
            outcome => break outcome,
        }
    };
    match outcome {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(held(path, state_dir, profile)),
        Err(TryLockError::Error(source)) => return Err(io("lock")(source)),
    }
    file.set_len(0).map_err(io("write the lock"))?;
    file.rewind().map_err(io("write the lock"))?;
    writeln!(file, "{}\t{profile}", std::process::id()).map_err(io("write the lock"))?;
    Ok(StateLock { _file: file })
}

/// Reads who holds the lock, for the message.
fn held(path: &Path, state_dir: &Path, profile: &str) -> GatewayError {
    let mut text = String::new();
    if let Ok(file) = File::open(path) {
        let _ = file.take(256).read_to_string(&mut text);
    }
    let mut parts = text.trim().split('\t');
    let pid = parts.next().filter(|pid| !pid.is_empty()).unwrap_or("unknown").to_owned();
    let holder = parts.next().unwrap_or(profile).to_owned();
    GatewayError::Locked { state_dir: state_dir.to_owned(), pid, profile: holder }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_one_is_told_who_holds_it_and_a_dead_holder_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gateway.lock");
        let first = take(&path, dir.path(), "rescue").unwrap();
        let text = take(&path, dir.path(), "main").unwrap_err().to_string();
        assert!(text.contains(&format!("pid {}", std::process::id())), "{text}");
        assert!(text.contains("profile rescue"), "{text}");
        drop(first);
        take(&path, dir.path(), "main").unwrap();
    }

    #[test]
    fn somebody_who_only_looks_keeps_nobody_from_starting() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gateway.lock");
        let looking = File::create(&path).unwrap();
        looking.lock_shared().unwrap();
        std::thread::scope(|scope| {
            let starting = scope.spawn(|| take(&path, dir.path(), "main"));
            std::thread::sleep(LOOK);
            drop(looking);
            starting.join().unwrap().unwrap();
        });
    }
}
