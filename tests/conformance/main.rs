//! What clients of OpenClaw can rely on: the official packages from npm ask every method of a real gateway, answers are
//! compared with recorded ones of the measured OpenClaw, and (`cargo xtask conformance`) its own programs are driven against
//! both gateways.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends where its expectation fails")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what was covered is printed, and what is left out is said"
)]

mod exceptions;
mod official;
#[path = "../e2e/outside.rs"]
#[allow(dead_code, reason = "shared with the end-to-end tests")]
mod outside;
#[cfg(target_os = "linux")]
mod real;
mod recorded;
mod shape;
