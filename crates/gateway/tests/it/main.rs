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

mod accounts;
mod agents;
mod approvals;
mod branches;
mod canvas;
mod chat;
mod checks;
mod compaction;
mod deliver;
mod full_disk;
mod harness;
mod hooks;
mod http;
mod identity;
mod life;
mod models;
mod node_approvals;
mod node_life;
mod nodes;
mod openai;
mod pairing_devices;
mod program_approvals;
mod questions;
mod reload;
mod schedule;
mod schema;
mod secrets;
mod sessions;
mod skills;
mod telegram;
mod thinking;
mod tls;
mod versions;
mod wire;
mod wizard;
