//! The agent against a model server that computes its answers from what it was really sent.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "tests")]

mod exec;
mod faults;
mod files;
mod providers;
mod runs;
mod secrets;
mod support;
mod tls;
mod web;
