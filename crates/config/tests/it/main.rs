//! The configuration from outside: round trips, edits, errors as people read them, damage on disk.

mod edits;
mod errors;
mod properties;
mod remote;
mod store;
mod view;
