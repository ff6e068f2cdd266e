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
    MethodSpec::new("device.pair.rename", Scope::OperatorPairing, "Gives a device an operator's name.")
        .since("2026.7"),
    MethodSpec::new(
        "device.pair.setupCode",
        Scope::OperatorAdmin,
        "Makes a code that lets one phone or node in, once, within ten minutes.",
    )
    .once()
    .unadvertised(),
    MethodSpec::new("device.pair.setupStatus", Scope::OperatorAdmin, "What came of a setup code.")
        .since("2026.8")
        .unadvertised(),
    MethodSpec::new(
        "device.scopes.requestUpgrade",
        Scope::OperatorRead,
        "A connected device asks to be allowed more.",
    )
    .since("2026.8")
    .once(),
    MethodSpec::new("device.scopes.waitUpgrade", Scope::OperatorRead, "Waits for the answer to that.")
        .since("2026.8"),
    MethodSpec::new("device.token.rotate", Scope::OperatorPairing, "Gives a device a new token.").once(),
    MethodSpec::new("device.token.revoke", Scope::OperatorPairing, "Takes a device's token away."),
];

/// Parameters of `device.scopes.requestUpgrade`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceScopesRequestParams {
    /// 1 to 8, those that the connection has included.
    pub scopes: Vec<String>,
}

/// Parameters of `device.pair.approve`, `device.pair.reject` and `device.scopes.waitUpgrade`.
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

/// Parameters of `device.pair.rename`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DevicePairRenameParams {
    /// The device.
    pub device_id: String,
    /// 1 to 64 characters.
    pub label: String,
}

/// Parameters of `device.pair.setupCode`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DevicePairSetupCodeParams {
    /// The address that the phone shall use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// `gateway.remote.url` instead of the own address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefer_remote_url: Option<bool>,
    /// With a picture; it is there unless this is `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_qr: Option<bool>,
    /// `limited`, `node`, or `voice-node`; full access when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bootstrap_profile: Option<String>,
    /// A join URL instead of a setup code; this gateway makes none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub join_url: Option<bool>,
}

/// Parameters of `device.pair.setupStatus`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DevicePairSetupStatusParams {
    /// The code's id.
    pub setup_id: String,
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
