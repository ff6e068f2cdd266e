//! Which file a program's name means.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The file behind a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// Where it was found.
    pub path: PathBuf,
    /// Where that leads, with every link followed.
    pub real: PathBuf,
}

/// Finds the file that a name means.
pub trait Programs: Send + Sync {
    /// As the shell would in `cwd`; `None` if there is none, or it cannot be said for sure.
    fn resolve(&self, name: &str, cwd: &Path) -> Option<Resolved>;
}

/// The programs of this machine, by the `PATH` that commands get.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemPrograms;

impl Programs for SystemPrograms {
    fn resolve(&self, name: &str, cwd: &Path) -> Option<Resolved> {
        resolve_on_path(name, cwd, std::env::var_os("PATH").as_deref())
    }
}

/// Resolves with this `PATH`. A relative entry of it is never trusted: what it means changes with the directory.
pub fn resolve_on_path(name: &str, cwd: &Path, path: Option<&OsStr>) -> Option<Resolved> {
    let found = if name.contains('/') {
        Some(cwd.join(name)).filter(|path| is_executable(path))
    } else {
        let mut hit = None;
        for folder in std::env::split_paths(path?) {
            if !folder.is_absolute() {
                return None;
            }
            let candidate = folder.join(name);
            if is_executable(&candidate) {
                hit = Some(candidate);
                break;
            }
        }
        hit
    }?;
    let real = found.canonicalize().ok()?;
    Some(Resolved { path: found, real })
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file())
}
