//! The handshake: the gateway's challenge, the client's `connect`, the gateway's `hello-ok`.

pub mod challenge;
pub mod hello;
pub mod params;
pub mod snapshot;
