//! The first frame on every socket.

use serde::{Deserialize, Serialize};

/// Payload of `connect.challenge`: what a device proof has to answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// Goes into the signed text.
    pub nonce: String,
    /// The gateway's clock, milliseconds since 1970.
    #[serde(default)]
    pub ts: u64,
    /// What the gateway can do before anybody has said who they are.
    #[serde(default)]
    pub capabilities: Vec<String>,
}
