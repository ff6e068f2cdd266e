//! The service managers behind one set of functions. All of them are compiled everywhere, so that a mistake in one is
//! seen on every machine; only the one of this system is used.

#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "used on Linux"))]
pub(crate) mod linux;
#[cfg_attr(not(target_os = "macos"), allow(dead_code, reason = "used on macOS"))]
pub(crate) mod macos;
#[cfg_attr(not(windows), allow(dead_code, reason = "used on Windows"))]
pub(crate) mod windows;

#[cfg(not(any(target_os = "macos", windows)))]
pub(crate) use linux::*;
#[cfg(target_os = "macos")]
pub(crate) use macos::*;
#[cfg(windows)]
pub(crate) use windows::*;

use std::path::{Path, PathBuf};
use std::time::Duration;

use bulkhead_profile::files;

use crate::command;
use crate::error::ServiceError;
use crate::metadata::LIMIT;

/// The text of a service file; `None` if there is none that can be read.
pub(crate) fn text_of(path: &Path) -> Option<String> {
    let bytes = files::read_limited(path, LIMIT).ok()?;
    let utf16 = |bytes: &[u8], of: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).filter_map(|pair| pair.try_into().ok()).map(of).collect();
        String::from_utf16_lossy(&units)
    };
    Some(match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        bytes => String::from_utf8_lossy(bytes).into_owned(),
    })
}

fn write_file(path: &Path, bytes: &[u8], mode: u32) -> Result<(), ServiceError> {
    let dir = path.parent().unwrap_or(path);
    // Other programs' services are there too: not a private directory.
    std::fs::create_dir_all(dir).map_err(|error| ServiceError::io("make the directory", dir, error))?;
    files::atomic_write(path, bytes, mode)
        .map_err(|error| ServiceError::io("write the service file", path, error))
}

fn remove_file(path: &Path) -> Result<(), ServiceError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(ServiceError::io("remove", path, error))
        }
        _ => Ok(()),
    }
}

/// The user's number, as `id -u` prints it; empty where there is no such thing.
fn user_id() -> String {
    let said = command::run("id", &["-u"], &[], Duration::from_secs(20));
    said.map(|said| said.text().trim().to_owned()).unwrap_or_default()
}

/// Those of `paths` that are there.
fn present(paths: impl IntoIterator<Item = PathBuf>) -> Vec<PathBuf> {
    paths.into_iter().filter(|path| path.symlink_metadata().is_ok()).collect()
}
