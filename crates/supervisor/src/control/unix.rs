//! The control socket on Unix.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bulkhead_process::peer;
use bulkhead_profile::{Place, files};
use tokio::net::UnixListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::wire::converse;
use super::{CONNECTIONS, WATCHERS};
use crate::error::SupervisorError;
use crate::handle::SupervisorHandle;

/// Takes the socket away when the supervisor ends.
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

pub(super) fn serve(
    place: &Place,
    handle: &SupervisorHandle,
    done: CancellationToken,
) -> Result<(), SupervisorError> {
    let path = place.control_socket();
    let listener = bind(&path)?;
    let file = SocketFile(path);
    let handle = handle.clone();
    tokio::spawn(async move {
        let _file = file;
        let free = Arc::new(Semaphore::new(CONNECTIONS));
        let watchers = Arc::new(Semaphore::new(WATCHERS));
        loop {
            let accepted = tokio::select! {
                () = done.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            let Ok((stream, _)) = accepted else { continue };
            if !peer::is_own_user(&stream) {
                tracing::warn!("another user knocked on the control socket and was turned away");
                continue;
            }
            let Ok(permit) = free.clone().try_acquire_owned() else { continue };
            let (handle, watchers, done) = (handle.clone(), watchers.clone(), done.clone());
            tokio::spawn(async move {
                let _permit = permit;
                tokio::select! {
                    () = done.cancelled() => {}
                    () = converse(stream, handle, watchers) => {}
                }
            });
        }
    });
    Ok(())
}

/// The supervisor lock is held, so a socket that is there already is left from a supervisor that was killed.
fn bind(path: &Path) -> Result<UnixListener, SupervisorError> {
    let io = |action| {
        let path = path.to_owned();
        move |source| SupervisorError::Io { action, path, source }
    };
    if let Some(dir) = path.parent() {
        files::create_private_dir(dir).map_err(io("make the directory of the control socket"))?;
        check_directory(dir).map_err(io("trust the directory of the control socket"))?;
    }
    match std::fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(io("replace the old control socket")(error)),
    }
    let listener = UnixListener::bind(path).map_err(io("open the control socket"))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
        .map_err(io("protect the control socket"))?;
    Ok(listener)
}

/// In a shared directory such as /tmp somebody else could have made it first.
fn check_directory(dir: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = std::fs::symlink_metadata(dir)?;
    let ours = metadata.uid() == peer::own_uid();
    let open = metadata.permissions().mode() & 0o022 != 0;
    if (ours || metadata.uid() == 0) && !open || metadata.file_type().is_symlink() && ours {
        return Ok(());
    }
    Err(std::io::Error::new(
        std::io::ErrorKind::PermissionDenied,
        "others may write there, or it is not yours",
    ))
}
