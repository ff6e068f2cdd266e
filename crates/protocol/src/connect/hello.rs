//! `hello-ok`: what a client learns when it is admitted.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::connect::snapshot::Snapshot;
use crate::{limits, secret};

/// Result of `connect`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", rename = "hello-ok", rename_all = "camelCase")]
pub struct HelloOk {
    /// The version that is spoken from here on.
    pub protocol: u32,
    /// Who answers.
    pub server: HelloServer,
    /// What it can do.
    pub features: Features,
    /// How it is.
    pub snapshot: Snapshot,
    /// Capability URLs of surfaces such as `canvas`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub plugin_surface_urls: BTreeMap<String, String>,
    /// What this connection may do.
    pub auth: HelloAuth,
    /// Bounds of this connection.
    pub policy: ConnectPolicy,
}

/// `server` of `hello-ok`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HelloServer {
    /// Version of the program.
    pub version: String,
    /// Build; absent: web clients skip the check that their build is the gateway's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_id: Option<String>,
    /// New for every start of the process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_id: Option<String>,
    /// This connection.
    pub conn_id: String,
}

/// `features` of `hello-ok`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Features {
    /// Methods that are served.
    pub methods: Vec<String>,
    /// Events that may come.
    pub events: Vec<String>,
    /// Contracts beyond methods and events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
}

/// `auth` of `hello-ok`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HelloAuth {
    /// The device's own token; a reconnect returns the same.
    #[serde(default, with = "secret::optional", skip_serializing_if = "Option::is_none")]
    pub device_token: Option<SecretString>,
    /// `operator` or `node`.
    pub role: String,
    /// The scopes that were granted.
    pub scopes: Vec<String>,
    /// When the token was issued, milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_at_ms: Option<u64>,
    /// Tokens of further roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_tokens: Option<Vec<IssuedDeviceToken>>,
}

/// One token of a device that has several roles.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IssuedDeviceToken {
    /// The token.
    #[serde(with = "secret::required")]
    pub device_token: SecretString,
    /// Its role.
    pub role: String,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// When it was issued, milliseconds since 1970.
    pub issued_at_ms: u64,
}

/// `policy` of `hello-ok`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectPolicy {
    /// Largest message in bytes.
    pub max_payload: u64,
    /// Bytes that may wait for a slow reader.
    pub max_buffered_bytes: u64,
    /// Between two ticks.
    pub tick_interval_ms: u64,
    /// Bounds of attachments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachments: Option<AttachmentLimits>,
}

impl Default for ConnectPolicy {
    fn default() -> Self {
        Self {
            max_payload: limits::MAX_PAYLOAD as u64,
            max_buffered_bytes: limits::MAX_BUFFERED_BYTES as u64,
            tick_interval_ms: u64::try_from(limits::TICK_INTERVAL.as_millis()).unwrap_or(u64::MAX),
            attachments: None,
        }
    }
}

/// `policy.attachments` of `hello-ok`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttachmentLimits {
    /// Largest attachment in bytes.
    pub max_bytes: u64,
    /// Largest image in bytes.
    pub max_image_bytes: u64,
}
