//! Stable `details.code` values: what programs branch on.

/// The connection lacks a scope; with `missingScope` and `requiredScopes`.
pub const MISSING_SCOPE: &str = "MISSING_SCOPE";
/// No such agent.
pub const UNKNOWN_AGENT_ID: &str = "UNKNOWN_AGENT_ID";
/// `details.reason` while a gateway starts.
pub const STARTUP_REASON: &str = "startup-sidecars";

/// A secret is needed.
pub const AUTH_REQUIRED: &str = "AUTH_REQUIRED";
/// The shared token is not the gateway's.
pub const AUTH_TOKEN_MISMATCH: &str = "AUTH_TOKEN_MISMATCH";
/// A token is needed and none was sent.
pub const AUTH_TOKEN_MISSING: &str = "AUTH_TOKEN_MISSING";
/// The gateway has no token to compare with.
pub const AUTH_TOKEN_NOT_CONFIGURED: &str = "AUTH_TOKEN_NOT_CONFIGURED";
/// The password is not the gateway's.
pub const AUTH_PASSWORD_MISMATCH: &str = "AUTH_PASSWORD_MISMATCH";
/// A password is needed and none was sent.
pub const AUTH_PASSWORD_MISSING: &str = "AUTH_PASSWORD_MISSING";
/// The gateway has no password to compare with.
pub const AUTH_PASSWORD_NOT_CONFIGURED: &str = "AUTH_PASSWORD_NOT_CONFIGURED";
/// The bootstrap token is unknown or used up.
pub const AUTH_BOOTSTRAP_TOKEN_INVALID: &str = "AUTH_BOOTSTRAP_TOKEN_INVALID";
/// The device token is not the one of this device, or was revoked.
pub const AUTH_DEVICE_TOKEN_MISMATCH: &str = "AUTH_DEVICE_TOKEN_MISMATCH";
/// The device token does not cover the scopes asked for.
pub const AUTH_SCOPE_MISMATCH: &str = "AUTH_SCOPE_MISMATCH";
/// Too many failures from this address.
pub const AUTH_RATE_LIMITED: &str = "AUTH_RATE_LIMITED";

/// Nothing was supplied that says who this is.
pub const DEVICE_IDENTITY_REQUIRED: &str = "DEVICE_IDENTITY_REQUIRED";
/// A user interface in a browser has to prove a device.
pub const CONTROL_UI_DEVICE_IDENTITY_REQUIRED: &str = "CONTROL_UI_DEVICE_IDENTITY_REQUIRED";
/// The page that opened the socket is none of the gateway's.
pub const CONTROL_UI_ORIGIN_NOT_ALLOWED: &str = "CONTROL_UI_ORIGIN_NOT_ALLOWED";
/// The device proof is wrong.
pub const DEVICE_AUTH_INVALID: &str = "DEVICE_AUTH_INVALID";
/// The device proof carries no nonce.
pub const DEVICE_AUTH_NONCE_REQUIRED: &str = "DEVICE_AUTH_NONCE_REQUIRED";
/// The device proof answers another challenge.
pub const DEVICE_AUTH_NONCE_MISMATCH: &str = "DEVICE_AUTH_NONCE_MISMATCH";
/// The signature does not fit.
pub const DEVICE_AUTH_SIGNATURE_INVALID: &str = "DEVICE_AUTH_SIGNATURE_INVALID";
/// The signature is too old, or from the future.
pub const DEVICE_AUTH_SIGNATURE_EXPIRED: &str = "DEVICE_AUTH_SIGNATURE_EXPIRED";
/// The device id is not the hash of the key.
pub const DEVICE_AUTH_DEVICE_ID_MISMATCH: &str = "DEVICE_AUTH_DEVICE_ID_MISMATCH";
/// The public key is none.
pub const DEVICE_AUTH_PUBLIC_KEY_INVALID: &str = "DEVICE_AUTH_PUBLIC_KEY_INVALID";
/// A person has to approve first; with `requestId` and `reason`.
pub const PAIRING_REQUIRED: &str = "PAIRING_REQUIRED";

/// The versions do not meet; with `expectedProtocol`, `clientMinProtocol`, `clientMaxProtocol`.
pub const PROTOCOL_MISMATCH: &str = "PROTOCOL_MISMATCH";
