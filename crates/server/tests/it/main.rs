//! The transport over real sockets, against a small handler.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod abuse;
mod access;
mod devices;
mod error_table;
mod events;
mod handshake;
mod http;
mod limits;
mod pace;
mod play;
mod requests;
mod shutdown;
mod tls;
mod world;
