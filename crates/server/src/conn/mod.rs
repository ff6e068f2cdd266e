//! One WebSocket connection: its handshake, its requests, its queue, its socket.

pub(crate) mod connect;
pub(crate) mod envelope;
pub(crate) mod gate;
pub(crate) mod handshake;
pub(crate) mod hello;
pub(crate) mod info;
pub(crate) mod outgoing;
pub(crate) mod queue;
pub(crate) mod quota;
pub(crate) mod request;
pub(crate) mod session;
pub(crate) mod socket;
