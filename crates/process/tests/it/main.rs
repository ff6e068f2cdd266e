//! The crate against the real system.

#![allow(clippy::unwrap_used, clippy::expect_used)] // also in what the tests share
#![cfg(unix)]

mod guard;
mod identity;
mod port;
