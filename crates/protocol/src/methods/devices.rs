//! `device.*`: devices that may connect, and their tokens.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::MethodSpec;
use crate::{Scope, secret};

pub(super) const ROWS: &[MethodSpec] = &[
    MethodSpec::new("device.pair.list", Scope::OperatorPairing, "Devices, and those that wait for approval."),
    MethodSpec::new("device.pair.approve", Scope::OperatorPairing, "Lets a device in.").once(),
    MethodSpec::new("device.pair.reject", Scope::OperatorPairing, "Turns a device away.").once(),
    MethodSpec::new(
        "device.pair.remove",
        Scope::OperatorPairing,
        "Forgets a device and ends its connections.",
    ),
    MethodSpec::new("device.token.rotate", Scope::OperatorPairing, "Gives a device a new token.").once(),
    MethodSpec::new("device.token.revoke", Scope::OperatorPairing, "Takes a device's token away."),
];

/// Parameters of `device.pair.approve` and `device.pair.reject`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceRequestParams {
    /// The request.
    pub request_id: String,
}

/// Parameters of `device.pair.remove`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DevicePairRemoveParams {
    /// The device.
    pub device_id: String,
}

/// Parameters of `device.token.rotate` and `device.token.revoke`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceTokenParams {
    /// The device.
    pub device_id: String,
    /// `operator` or `node`.
    pub role: String,
    /// Fewer scopes than before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
}

/// Result of `device.token.rotate`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceTokenRotateResult {
    /// The device.
    pub device_id: String,
    /// The role.
    pub role: String,
    /// The new token; only the device itself is told.
    #[serde(default, with = "secret::optional", skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretString>,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// Milliseconds since 1970.
    pub rotated_at_ms: u64,
    /// `in-band` or `withheld-cross-device`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_delivery: Option<String>,
}
