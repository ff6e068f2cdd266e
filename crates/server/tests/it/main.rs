//! The transport over real sockets, against a small handler.

mod abuse;
mod access;
mod devices;
mod events;
mod handshake;
mod http;
mod limits;
mod requests;
mod shutdown;
mod world;
