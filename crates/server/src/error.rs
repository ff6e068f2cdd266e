//! What can go wrong before the server serves.

use std::net::SocketAddr;

/// Why the server could not be bound.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Somebody else listens on the port.
    #[error(
        "cannot listen on {addr}: the port is taken by another program. Expected a free port. \
         Stop that program, or choose another port with --port or gateway.port"
    )]
    PortTaken {
        /// The address that was asked for.
        addr: SocketAddr,
    },
    /// The system forbids the port.
    #[error(
        "cannot listen on {addr}: the system does not permit it. Expected a port of 1024 or above on an address of \
         this machine. Choose another port with --port or gateway.port"
    )]
    PortForbidden {
        /// The address that was asked for.
        addr: SocketAddr,
    },
    /// Any other refusal of the system.
    #[error("cannot listen on {addr}: {source}. Check gateway.bind and gateway.port")]
    Listen {
        /// The address that was asked for.
        addr: SocketAddr,
        /// The system's words.
        source: std::io::Error,
    },
    /// No address was given, or none of them exists on this machine.
    #[error("nothing to listen on: none of the addresses {tried} exists here. Check gateway.bind")]
    NoAddress {
        /// The addresses that were tried.
        tried: String,
    },
}

impl ServerError {
    /// Stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::PortTaken { .. } => "server.port_taken",
            Self::PortForbidden { .. } => "server.port_forbidden",
            Self::Listen { .. } => "server.listen_failed",
            Self::NoAddress { .. } => "server.no_address",
        }
    }
}
