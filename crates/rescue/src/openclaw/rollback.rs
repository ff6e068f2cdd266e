//! The one write into an OpenClaw's files: exactly its configuration file is replaced. Compare-and-swap on its hash;
//! mode and links stay; what was there is kept beside it.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use bulkhead_config::hash_bytes;
use bulkhead_profile::files;

const LIMIT: u64 = 8 * 1024 * 1024;
const DEFAULT_MODE: u32 = 0o600;

/// Why nothing was replaced.
#[derive(Debug, thiserror::Error)]
pub enum RollbackError {
    /// The file is another one than the one that was looked at.
    #[error(
        "{path}: found another content than the one that was looked at; nothing was replaced; look at it again, then try again"
    )]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The file or its directory cannot be used.
    #[error(
        "{path}: {action} failed ({source}); nothing was replaced; look at the rights of the directory and at the disk"
    )]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl RollbackError {
    /// Stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Changed { .. } => "rollback.changed",
            Self::Io { .. } => "rollback.io",
        }
    }
}

/// Replaces the file. `expected` is the hash of what is there (`None`: whatever is there). Returns where the replaced
/// content is kept, if there was any.
pub fn replace_config(
    path: &Path,
    expected: Option<&str>,
    bytes: &[u8],
    at_ms: u64,
) -> Result<Option<PathBuf>, RollbackError> {
    let io = |action: &'static str, path: &Path| {
        let path = path.to_owned();
        move |source| RollbackError::Io { action, path, source }
    };
    let target = files::canonical(path);
    let before = match files::read_limited(&target, LIMIT) {
        Ok(before) => Some(before),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(io("read it", path)(error)),
    };
    let changed = || RollbackError::Changed { path: path.to_owned() };
    if let Some(expected) = expected
        && before.as_deref().map(hash_bytes).as_deref() != Some(expected)
    {
        return Err(changed());
    }
    let kept = match &before {
        Some(before) => {
            let kept = beside(&target, at_ms);
            keep(&kept, before).map_err(io("keep the present file beside it", &kept))?;
            Some(kept)
        }
        None => None,
    };
    // Once more, as late as possible: an editor may have written meanwhile.
    let now = files::read_limited(&target, LIMIT).ok();
    if now != before {
        if let Some(kept) = &kept {
            let _ = fs::remove_file(kept);
        }
        return Err(changed());
    }
    files::atomic_write(&target, bytes, mode_of(&target)).map_err(io("replace it", path))?;
    Ok(kept)
}

/// `openclaw.json.rejected-<time>`, a name that is free.
fn beside(target: &Path, at_ms: u64) -> PathBuf {
    let name = target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let candidate = |n: u64| target.with_file_name(format!("{name}.rejected-{}", at_ms + n));
    (0..1000).map(candidate).find(|path| !path.exists()).unwrap_or_else(|| candidate(0))
}

/// It may hold secrets: readable for its owner only, whatever the original allowed.
fn keep(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, DEFAULT_MODE);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn mode_of(path: &Path) -> u32 {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::metadata(path).map_or(DEFAULT_MODE, |metadata| metadata.permissions().mode() & 0o777)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        DEFAULT_MODE
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    #[test]
    fn only_the_file_changes_mode_and_link_stay_the_bad_one_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().join("dotfiles");
        fs::create_dir(&real).unwrap();
        let file = real.join("openclaw.json");
        fs::write(&file, "{broken").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let link = dir.path().join("openclaw.json");
        symlink(&file, &link).unwrap();

        let kept = replace_config(&link, Some(&hash_bytes(b"{broken")), b"{ good: 1 }", 42).unwrap().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"{ good: 1 }");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(kept, files::canonical(&real).join("openclaw.json.rejected-42"));
        assert_eq!(fs::read(&kept).unwrap(), b"{broken");
        assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&real).unwrap().count(), 2, "nothing else is left there");
    }

    #[test]
    fn another_content_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("openclaw.json");
        fs::write(&file, "{ newer: 1 }").unwrap();
        let error = replace_config(&file, Some(&hash_bytes(b"{broken")), b"{}", 42).unwrap_err();
        assert_eq!(error.code(), "rollback.changed");
        assert_eq!(fs::read(&file).unwrap(), b"{ newer: 1 }");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        fs::remove_file(&file).unwrap();
        assert_eq!(replace_config(&file, None, b"{}", 42).unwrap(), None);
        assert_eq!(fs::read(&file).unwrap(), b"{}");
    }
}
