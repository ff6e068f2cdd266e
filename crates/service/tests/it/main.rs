//! The rendered services, as they will stand on each system.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test ends where its expectation fails")]

mod render;
mod verify;
