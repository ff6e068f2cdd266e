//! The bounds that both sides of the protocol agree on.

use std::time::Duration;

/// Largest message before `hello-ok`, in bytes.
pub const PRE_AUTH_PAYLOAD: usize = 64 * 1024;
/// Largest message after `hello-ok`, in bytes (`policy.maxPayload`).
pub const MAX_PAYLOAD: usize = 26_214_400;
/// Bytes that may wait for a slow reader (`policy.maxBufferedBytes`).
pub const MAX_BUFFERED_BYTES: usize = 52_428_800;
/// Between two `tick` events (`policy.tickIntervalMs`).
pub const TICK_INTERVAL: Duration = Duration::from_secs(30);
/// Between two WebSocket pings.
pub const PING_INTERVAL: Duration = Duration::from_secs(25);
/// Time to send `connect` after the challenge.
pub const CONNECT_PATIENCE: Duration = Duration::from_secs(15);
/// Sockets of one address that have not said `connect`.
pub const PRE_AUTH_SOCKETS: usize = 32;
/// Requests of one connection that may wait for an answer.
pub const WAITING_REQUESTS: usize = 256;
/// How far a device's clock may be off.
pub const DEVICE_CLOCK_SKEW: Duration = Duration::from_mins(2);
/// How long an idempotency key is remembered.
pub const DEDUPE_AGE: Duration = Duration::from_mins(5);
/// How many idempotency keys are remembered.
pub const DEDUPE_KEYS: usize = 1000;
/// Longest session key, in characters.
pub const SESSION_KEY_CHARS: usize = 512;
/// Longest idempotency key and run id, in characters.
pub const RUN_ID_CHARS: usize = 256;
/// Most messages of one `chat.history` answer.
pub const HISTORY_MESSAGES: u32 = 1000;
/// Most lines of one `logs.tail` answer.
pub const LOG_LINES: u32 = 5000;
/// Most bytes of one `logs.tail` answer.
pub const LOG_BYTES: u32 = 1_000_000;
/// Largest attachment of a message (`policy.attachments.maxBytes`).
pub const ATTACHMENT_BYTES: u64 = 19_464_192;
/// Largest image of a message (`policy.attachments.maxImageBytes`).
pub const ATTACHMENT_IMAGE_BYTES: u64 = 6_291_456;
