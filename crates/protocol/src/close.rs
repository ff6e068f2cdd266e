//! WebSocket close codes of a gateway.

/// A normal end: also for text that is not JSON and for sockets that stayed silent before `connect`.
pub const NORMAL: u16 = 1000;
/// The client's protocol versions and the gateway's do not meet.
pub const PROTOCOL_ERROR: u16 = 1002;
/// Not admitted, or the rules of the protocol were broken; also a reader that is too slow.
pub const POLICY_VIOLATION: u16 = 1008;
/// A message over the limit.
pub const TOO_LARGE: u16 = 1009;
/// The gateway stops or restarts.
pub const SERVICE_RESTART: u16 = 1012;
/// The gateway is still starting.
pub const TRY_AGAIN_LATER: u16 = 1013;
/// The secret, or the token of this device, was changed or revoked.
pub const CREDENTIALS_CHANGED: u16 = 4001;
/// Used by clients that miss too many ticks.
pub const TICK_TIMEOUT: u16 = 4000;
