//! Every bound of the transport in one place. The defaults are those of the OpenClaw gateway.

use std::time::Duration;

/// Sizes, counts and times that hold the transport together under load and abuse.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Largest message of a socket that is not admitted yet.
    pub pre_auth_payload: usize,
    /// Largest message of an admitted socket (`policy.maxPayload`).
    pub max_payload: usize,
    /// Bytes that may wait for a slow reader (`policy.maxBufferedBytes`).
    pub max_buffered_bytes: usize,
    /// Sockets per address that are not admitted yet.
    pub pre_auth_sockets: usize,
    /// Time to send `connect`.
    pub pre_auth_silence: Duration,
    /// Between two `tick` events (`policy.tickIntervalMs`).
    pub tick_interval: Duration,
    /// Between two WebSocket pings; a peer that was silent for a whole interval after one is gone.
    pub ping_interval: Duration,
    /// Requests of one connection that may wait for their answer.
    pub waiting_requests: usize,
    /// Control-plane writes per method within [`Limits::control_plane_window`].
    pub control_plane_writes: u32,
    /// The window of [`Limits::control_plane_writes`].
    pub control_plane_window: Duration,
    /// First delay after a failed attempt from loopback; doubles with each further one.
    pub loopback_delay: Duration,
    /// Largest delay after failed attempts from loopback.
    pub loopback_delay_max: Duration,
    /// Failed attempts from one remote address within [`Limits::failure_window`] before it is locked out.
    pub remote_failures: u32,
    /// The window of [`Limits::remote_failures`], and how long loopback failures are remembered.
    pub failure_window: Duration,
    /// How long a remote address stays locked out.
    pub lockout: Duration,
    /// TCP connections at one time.
    pub connections: usize,
    /// Time to send a request's header, also the time a kept-alive connection may idle.
    pub header_timeout: Duration,
    /// Largest HTTP body; routes that need another bound set their own.
    pub http_body: usize,
    /// Time for open requests to end when the server stops.
    pub drain: Duration,
    /// Time a peer has to take the closing handshake.
    pub close_patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pre_auth_payload: 64 * 1024,
            max_payload: 26_214_400,
            max_buffered_bytes: 52_428_800,
            pre_auth_sockets: 32,
            pre_auth_silence: Duration::from_secs(15),
            tick_interval: Duration::from_secs(30),
            ping_interval: Duration::from_secs(25),
            waiting_requests: 256,
            control_plane_writes: 30,
            control_plane_window: Duration::from_mins(1),
            loopback_delay: Duration::from_millis(250),
            loopback_delay_max: Duration::from_secs(5),
            remote_failures: 10,
            failure_window: Duration::from_mins(1),
            lockout: Duration::from_mins(5),
            connections: 8192,
            header_timeout: Duration::from_secs(15),
            http_body: 26_214_400,
            drain: Duration::from_secs(5),
            close_patience: Duration::from_secs(2),
        }
    }
}
