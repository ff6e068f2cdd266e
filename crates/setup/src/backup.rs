//! Backups of one profile: made while its gateway runs, verified to the last byte, restored without ever leaving half of
//! anything.
//!
//! **In it:** the configuration, the workspace, and what the profile keeps (database, pairings, conversations). **Never in
//! it:** secrets (a plain one in the configuration is replaced by a reference), logins of browsers, logs, other profiles'
//! folders that lie inside, and what only the running machine needs.
//!
//! A backup is a `.tar.gz` that any tool opens. Its last bytes are a seal over all others, written as an empty gzip
//! member with a comment: [`Archive::open`] sees any byte that differs.

mod adapt;
mod archive;
mod contents;
mod create;
mod error;
mod manifest;
mod restore;
mod seal;
mod swap;

pub use archive::Archive;
pub use create::{BackupOptions, BackupReport, create, default_output};
pub use error::BackupError;
pub use manifest::{Entry, EntryKind, LeftOut, Manifest};
pub use restore::{RestoreOptions, Restored, restore};
pub(crate) use swap::{is_unfinished, undo_unfinished};
