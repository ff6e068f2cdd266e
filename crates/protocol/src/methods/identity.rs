//! `gateway.identity.get`, `users.self`: which gateway this is, and whose.

use serde::{Deserialize, Serialize};

use super::MethodSpec;
use crate::Scope;

pub(super) const ROWS: &[MethodSpec] = &[
    MethodSpec::new(
        "gateway.identity.get",
        Scope::OperatorRead,
        "The gateway's own key, as devices have one.",
    ),
    MethodSpec::new("users.self", Scope::OperatorRead, "The one owner of this gateway."),
];

/// Result of `gateway.identity.get`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayIdentity {
    /// Hex SHA-256 of the raw public key.
    pub device_id: String,
    /// The raw Ed25519 public key, base64url.
    pub public_key: String,
}

/// Result of `users.self`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsersSelfResult {
    /// Who asks.
    pub profile: UserProfile,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserProfile {
    /// Names the person: `gateway-owner`.
    pub id: String,
    /// For people; nobody has given one here.
    pub display_name: Option<String>,
    /// Kind of a picture; there is none here.
    pub avatar_mime: Option<String>,
    /// Another profile that took this one in.
    pub merged_into: Option<String>,
    /// When the owner was first seen, in milliseconds since 1970.
    pub created_at: i64,
    /// When something of this changed last.
    pub updated_at: i64,
    /// Addresses; none are kept here.
    pub emails: Vec<String>,
    /// An account at GitHub; none is kept here.
    pub github_identity: Option<String>,
    /// Whether there is a picture.
    pub has_avatar: bool,
}
