//! The private socket (Unix, 0600) or pipe (Windows) on which a supervisor is asked by others: one JSON line each
//! way, the peer's user checked.

mod client;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;
mod wire;

use bulkhead_profile::Place;
use tokio_util::sync::CancellationToken;

use crate::error::SupervisorError;
use crate::handle::SupervisorHandle;

pub use client::{ControlClient, StatusWatch};
pub use wire::ControlRequest;

/// Connections at one time.
const CONNECTIONS: usize = 16;
/// Watchers among them: the others are always free for questions and remedies.
const WATCHERS: usize = 8;

/// Listens until `done`.
pub(crate) fn serve(
    place: &Place,
    handle: &SupervisorHandle,
    done: CancellationToken,
) -> Result<(), SupervisorError> {
    #[cfg(unix)]
    return unix::serve(place, handle, done);
    #[cfg(windows)]
    return windows::serve(place, handle, done);
}
