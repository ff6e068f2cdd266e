//! The command as people and scripts use it: the real binary in a home of its own, without keychain and network.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)]

mod agents;
mod asked;
mod channels;
mod config_edits;
mod doctor;
mod errors;
mod gateway_commands;
mod help;
mod home;
mod models;
mod profiles;
#[cfg(unix)]
mod remote;
mod seeds_example;
mod supervised;
