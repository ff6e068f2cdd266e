//! The configuration from outside: round trips, edits, errors as people read them, damage on disk.

#![allow(clippy::unwrap_used, clippy::format_push_string)]

mod edits;
mod errors;
mod properties;
mod remote;
mod rescue;
mod schedule;
mod store;
mod view;
