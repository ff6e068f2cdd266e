//! Real gateway processes with fake servers around them.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub,
    reason = "a test"
)]

mod approvals;
mod accounts;
mod agents;
mod chat;
mod checks;
mod full_disk;
mod harness;
mod http;
mod life;
mod models;
mod questions;
mod nodes;
mod pairing_devices;
mod reload;
mod schema;
mod secrets;
mod sessions;
mod telegram;
mod versions;
mod wire;
