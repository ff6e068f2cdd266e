//! Secrets against real stores: a real keyring daemon, real files, real commands.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod exec;
mod file;
mod handoff;
#[cfg(target_os = "linux")]
mod keyring;
mod resolve;
