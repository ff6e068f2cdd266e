//! A supervisor with real child processes: a small shell script plays the gateway.

#![allow(clippy::unwrap_used, clippy::expect_used)] // also in what the tests share
#![cfg(unix)]

mod attach;
mod control;
mod crashes;
mod handoff;
mod world;
