//! `connect`: who the client is, what it wants, how it proves it.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{ClientId, ClientMode, ErrorShape, MIN_PROBE_PROTOCOL, PROTOCOL_VERSION, params, secret};

/// Parameters of `connect`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectParams {
    /// Oldest version the client speaks.
    pub min_protocol: u32,
    /// Newest version the client speaks.
    pub max_protocol: u32,
    /// What the client says of itself.
    pub client: ConnectClient,
    /// What it understands beyond the least, see [`crate::client_ids::caps`].
    #[serde(default)]
    pub caps: Vec<String>,
    /// Commands that a node offers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commands: Option<Vec<String>>,
    /// Permissions that a node has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<std::collections::BTreeMap<String, bool>>,
    /// `PATH` of a node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_env: Option<String>,
    /// `operator` (when absent) or `node`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The scopes asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// Proof of a device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<ConnectDevice>,
    /// Secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<ConnectAuth>,
    /// The person's language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

/// `client` of `connect`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectClient {
    /// Out of a closed set.
    pub id: ClientId,
    /// A name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The client's version.
    pub version: String,
    /// Build of a web client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_id: Option<String>,
    /// Operating system.
    pub platform: String,
    /// Such as `Linux` or `iPhone`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_family: Option<String>,
    /// Such as `iPhone15,2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_identifier: Option<String>,
    /// IANA name of the time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Out of a closed set.
    pub mode: ClientMode,
    /// Tells two clients of one kind apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
}

/// `device` of `connect`: see [`crate::device_auth`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectDevice {
    /// Hex SHA-256 of the public key.
    pub id: String,
    /// Raw Ed25519 key, base64url.
    pub public_key: String,
    /// Over the text that [`crate::device_auth::DeviceClaim`] makes, base64url.
    pub signature: String,
    /// Milliseconds since 1970.
    pub signed_at: u64,
    /// The challenge's nonce.
    pub nonce: String,
}

/// `auth` of `connect`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectAuth {
    /// The shared token, or a device token.
    #[serde(default, with = "secret::optional", skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretString>,
    /// A token for the first contact of a device.
    #[serde(default, with = "secret::optional", skip_serializing_if = "Option::is_none")]
    pub bootstrap_token: Option<SecretString>,
    /// The device's own token.
    #[serde(default, with = "secret::optional", skip_serializing_if = "Option::is_none")]
    pub device_token: Option<SecretString>,
    /// The shared password.
    #[serde(default, with = "secret::optional", skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretString>,
}

impl ConnectAuth {
    /// The token that goes into the signed text of a device proof: token, else device token, else bootstrap token.
    /// A password is never part of it.
    pub fn signed_token(&self) -> Option<&SecretString> {
        use secrecy::ExposeSecret as _;
        [&self.token, &self.device_token, &self.bootstrap_token]
            .into_iter()
            .flatten()
            .find(|token| !token.expose_secret().is_empty())
    }
}

/// Longest text of a descriptive field.
const LONGEST_TEXT: usize = 512;
/// Longest list (`caps`, `scopes`, `commands`).
const LONGEST_LIST: usize = 512;

impl ConnectParams {
    /// Reads and checks the parameters of `connect`; what is wrong is named with its field.
    pub fn parse(raw: Option<&RawValue>) -> Result<Self, ErrorShape> {
        let parsed: Self = params::parse("connect", raw)?;
        parsed.check().map_err(|(path, problem)| ErrorShape::invalid_params("connect", path, problem))?;
        Ok(parsed)
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        if self.min_protocol == 0 || self.max_protocol < self.min_protocol {
            return Err((
                "maxProtocol",
                format!(
                    "found minProtocol {} and maxProtocol {}, expected 1 or more and no less than minProtocol",
                    self.min_protocol, self.max_protocol
                ),
            ));
        }
        let client = &self.client;
        let texts = [
            ("client.version", Some(&client.version)),
            ("client.platform", Some(&client.platform)),
            ("client.displayName", client.display_name.as_ref()),
            ("client.buildId", client.build_id.as_ref()),
            ("client.deviceFamily", client.device_family.as_ref()),
            ("client.modelIdentifier", client.model_identifier.as_ref()),
            ("client.timeZone", client.time_zone.as_ref()),
            ("client.instanceId", client.instance_id.as_ref()),
        ];
        for (path, text) in texts.into_iter().filter_map(|(path, text)| Some((path, text?))) {
            if text.is_empty() || text.chars().count() > LONGEST_TEXT {
                return Err((path, format!("expected 1 to {LONGEST_TEXT} characters")));
            }
        }
        let lists = [
            ("caps", Some(&self.caps)),
            ("scopes", self.scopes.as_ref()),
            ("commands", self.commands.as_ref()),
        ];
        for (path, list) in lists.into_iter().filter_map(|(path, list)| Some((path, list?))) {
            if list.len() > LONGEST_LIST
                || list.iter().any(|text| text.is_empty() || text.len() > LONGEST_TEXT)
            {
                return Err((path, format!("expected at most {LONGEST_LIST} texts that are not empty")));
            }
        }
        if self.role.as_deref().is_some_and(|role| role != "operator" && role != "node") {
            return Err(("role", "expected operator or node".to_owned()));
        }
        if let Some(device) = &self.device {
            for (path, text) in [
                ("device.id", &device.id),
                ("device.publicKey", &device.public_key),
                ("device.signature", &device.signature),
            ] {
                if text.is_empty() || text.len() > LONGEST_TEXT {
                    return Err((path, format!("expected 1 to {LONGEST_TEXT} characters")));
                }
            }
        }
        Ok(())
    }

    /// Whether the offered versions meet the gateway's: version 4, and for probers and nodes also version 3.
    pub fn speaks_our_protocol(&self) -> bool {
        let lenient = self.client.mode == ClientMode::Probe
            || (self.client.mode == ClientMode::Node && self.role.as_deref() == Some("node"));
        let least = if lenient { MIN_PROBE_PROTOCOL } else { PROTOCOL_VERSION };
        self.max_protocol >= least && self.min_protocol <= PROTOCOL_VERSION
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parse(value: &Value) -> Result<ConnectParams, ErrorShape> {
        ConnectParams::parse(Some(&serde_json::value::to_raw_value(value).unwrap()))
    }

    fn least() -> Value {
        json!({
            "minProtocol": 4, "maxProtocol": 4,
            "client": { "id": "cli", "version": "1", "platform": "linux", "mode": "cli" },
        })
    }

    #[test]
    fn names_the_field_that_is_wrong() {
        let mut bad = least();
        bad["client"]["id"] = "curl".into();
        let error = parse(&bad).unwrap_err();
        assert!(error.message.contains("client.id"), "{}", error.message);
        let mut bad = least();
        bad["client"]["version"] = "".into();
        assert!(parse(&bad).unwrap_err().message.contains("client.version"));
        let mut bad = least();
        bad["role"] = "king".into();
        assert!(parse(&bad).unwrap_err().message.contains("at role"));
        let mut bad = least();
        bad["maxProtocol"] = 3.into();
        assert!(parse(&bad).unwrap_err().message.contains("maxProtocol"));
    }

    #[test]
    fn versions_meet_as_measured() {
        let speaks = |min: u32, max: u32, mode: &str, role: Option<&str>| {
            let mut value = least();
            value["minProtocol"] = min.into();
            value["maxProtocol"] = max.into();
            value["client"]["mode"] = mode.into();
            if let Some(role) = role {
                value["role"] = role.into();
            }
            parse(&value).unwrap().speaks_our_protocol()
        };
        assert!(speaks(4, 4, "cli", None) && speaks(3, 5, "cli", None) && speaks(3, 3, "probe", None));
        assert!(speaks(3, 3, "node", Some("node")) && !speaks(3, 3, "node", None));
        assert!(!speaks(3, 3, "cli", None) && !speaks(5, 6, "cli", None) && !speaks(5, 6, "probe", None));
    }

    #[test]
    fn no_secret_shows_in_debug_output() {
        let mut value = least();
        value["auth"] = json!({ "token": "t0ps3cret", "password": "passw0rd" });
        let parsed = parse(&value).unwrap();
        let shown = format!("{parsed:?}");
        assert!(!shown.contains("t0ps3cret") && !shown.contains("passw0rd"), "{shown}");
        assert_eq!(serde_json::to_value(&parsed).unwrap()["auth"], value["auth"]);
    }
}
