//! `OpenClaw` gateway protocol v4: frames, methods, events, scopes, device authentication.
//!
//! What is said between a gateway and its clients, as types and tables: both the server and the client are built on
//! this crate, and so are `gateway call --list`, the reference page and the conformance tests.
//!
//! It never does IO, never looks at a clock and knows no gateway: everything here is a function from values to values.
//!
//! ```
//! use bulkhead_protocol::{RequestFrame, Scope, methods};
//!
//! let frame: RequestFrame = serde_json::from_str(r#"{"type":"req","id":"1","method":"health"}"#)?;
//! let row = methods::spec(&frame.method).expect("health is served");
//! assert_eq!(row.scope, Scope::OperatorRead);
//! # Ok::<(), serde_json::Error>(())
//! ```

pub mod client_ids;
pub mod close;
pub mod connect;
pub mod device_auth;
mod error;
pub mod error_details;
pub mod events;
pub mod frame;
pub mod limits;
pub mod methods;
pub mod params;
mod scope;
pub mod secret;

pub use client_ids::{ClientId, ClientMode};
pub use connect::challenge::Challenge;
pub use connect::hello::{
    AttachmentLimits, ConnectPolicy, Features, HelloAuth, HelloOk, HelloServer, IssuedDeviceToken,
};
pub use connect::params::{ConnectAuth, ConnectClient, ConnectDevice, ConnectParams};
pub use connect::snapshot::{PresenceEntry, SessionDefaults, Snapshot, StateVersion};
pub use error::{ErrorCode, ErrorShape};
pub use events::{EVENTS, EventSpec};
pub use frame::{EventFrame, Frame, FrameError, RequestFrame, ResponseFrame};
pub use methods::{METHODS, MethodSpec};
pub use scope::Scope;

/// The protocol version spoken here.
pub const PROTOCOL_VERSION: u32 = 4;

/// The oldest version that a prober or a node may offer as its newest.
pub const MIN_PROBE_PROTOCOL: u32 = 3;
