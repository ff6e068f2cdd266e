//! The control pipe on Windows: only this machine, and by the default access list only this user and administrators.

use bulkhead_profile::Place;
use tokio::net::windows::named_pipe::{NamedPipeServer, ServerOptions};
use tokio_util::sync::CancellationToken;

use super::wire::converse;
use super::{CONNECTIONS, WATCHERS};
use crate::error::SupervisorError;
use crate::handle::SupervisorHandle;

pub(super) fn serve(
    place: &Place,
    handle: &SupervisorHandle,
    done: CancellationToken,
) -> Result<(), SupervisorError> {
    let path = place.control_socket();
    let open = |first: bool| -> std::io::Result<NamedPipeServer> {
        ServerOptions::new()
            .first_pipe_instance(first)
            .reject_remote_clients(true)
            .max_instances(CONNECTIONS)
            .create(&path)
    };
    let mut waiting = open(true).map_err(|source| SupervisorError::Io {
        action: "open the control pipe",
        path: path.clone(),
        source,
    })?;
    let handle = handle.clone();
    let path = place.control_socket();
    let watchers = std::sync::Arc::new(tokio::sync::Semaphore::new(WATCHERS));
    tokio::spawn(async move {
        loop {
            let connected = tokio::select! {
                () = done.cancelled() => return,
                connected = waiting.connect() => connected,
            };
            let next =
                ServerOptions::new().reject_remote_clients(true).max_instances(CONNECTIONS).create(&path);
            let Ok(next) = next else {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                continue;
            };
            let stream = std::mem::replace(&mut waiting, next);
            if connected.is_err() {
                continue;
            }
            let (handle, watchers, done) = (handle.clone(), watchers.clone(), done.clone());
            tokio::spawn(async move {
                tokio::select! {
                    () = done.cancelled() => {}
                    () = converse(stream, handle, watchers) => {}
                }
            });
        }
    });
    Ok(())
}
