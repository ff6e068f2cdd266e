//! Processes of the machine: identity, who holds a port, guarded spawn without orphans.
//!
//! **For:** telling one process from every other one for good ([`ProcessIdentity`]), so that nothing of ours ever ends
//! a stranger; saying who listens on a port ([`port::holder`]); starting a program that ends with us even when we are
//! killed ([`guard`]); keeping a gateway small ([`memory`]).
//!
//! **Never:** it decides nothing about profiles and supervises nothing. It signals only a process whose identity
//! matches, and ends process groups only of children that it started itself.
//!
//! ```
//! use bulkhead_process::ProcessIdentity;
//!
//! let me = ProcessIdentity::of_self()?;
//! assert!(me.is_alive());
//! let another = ProcessIdentity { start_time: me.start_time + 1, ..me };
//! assert!(!another.is_alive(), "the same pid, another process");
//! # Ok::<(), bulkhead_process::ProcessError>(())
//! ```

mod disk;
mod error;
pub mod guard;
mod host;
mod identity;
pub mod memory;
pub mod open_files;
pub mod peer;
mod platform;
pub mod port;
mod proc_net;
mod record;
mod standstill;
mod system;

pub use disk::Disk;
pub use error::ProcessError;
pub use host::Host;
pub use identity::{Ended, ProcessIdentity};
pub use port::Holder;
pub use record::RunRecord;
pub use standstill::{go_on, stands_still};
#[cfg(target_os = "linux")]
pub use system::when_screen_is_lost;
