//! What is known about an admitted connection.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use bulkhead_protocol::Scope;
use serde::Serialize;

/// Identity of one connection, unique for the life of the gateway (`hello-ok.server.connId`).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnId(Arc<str>);

impl ConnId {
    pub(crate) fn random() -> Self {
        Self(uuid::Uuid::new_v4().to_string().into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ConnId {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConnId({})", self.0)
    }
}

/// What a client is to the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Controls the gateway, within its scopes.
    Operator,
    /// Lends the gateway a machine: its screen, its camera, its commands.
    Node,
}

impl Role {
    /// Reads the role of a `connect` request; nothing given means operator.
    pub fn parse(text: Option<&str>) -> Option<Self> {
        match text {
            None | Some("operator") => Some(Self::Operator),
            Some("node") => Some(Self::Node),
            Some(_) => None,
        }
    }

    /// The role as the protocol writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Node => "node",
        }
    }
}

/// How a connection proved that it may be here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMethod {
    /// The gateway asks for nothing (`gateway.auth.mode: "none"`).
    None,
    /// The shared secret of mode `token`.
    Token,
    /// The shared secret of mode `password`.
    Password,
    /// A token of its own device.
    DeviceToken,
    /// The token of a setup code, which is used up by it.
    BootstrapToken,
}

impl AuthMethod {
    /// The method as the protocol writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Token => "token",
            Self::Password => "password",
            Self::DeviceToken => "device-token",
            Self::BootstrapToken => "bootstrap-token",
        }
    }
}

/// What the client said of itself. Nothing here was proved but the device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientInfo {
    /// `client.id`, out of the closed set.
    pub id: String,
    /// `client.mode`, out of the closed set.
    pub mode: String,
    /// `client.version`.
    pub version: String,
    /// `client.platform`.
    pub platform: String,
    /// `client.deviceFamily`.
    pub device_family: Option<String>,
    /// `client.modelIdentifier`.
    pub model_identifier: Option<String>,
    /// `client.displayName`.
    pub display_name: Option<String>,
    /// `client.instanceId`.
    pub instance_id: Option<String>,
    /// `locale` of the connect request.
    pub locale: Option<String>,
}

/// An admitted connection.
#[derive(Debug, Clone)]
pub struct ConnInfo {
    /// Its identity.
    pub id: ConnId,
    /// The address it came from (behind a trusted proxy: the address that the proxy names).
    pub remote: IpAddr,
    /// It came straight from this machine, through no proxy.
    pub loopback: bool,
    /// Operator or node.
    pub role: Role,
    /// The scopes that were granted, in the order they were asked for.
    pub scopes: Vec<Scope>,
    /// What the client said of itself.
    pub client: ClientInfo,
    /// `caps` of the connect request, such as `tool-events`.
    pub caps: Vec<String>,
    /// `commands` of the connect request: what a node offers.
    pub commands: Vec<String>,
    /// `permissions` of the connect request: what a node's system lets it do.
    pub permissions: std::collections::BTreeMap<String, bool>,
    /// `pathEnv` of the connect request: where a node looks for programs.
    pub path_env: Option<String>,
    /// The proved device, if one was.
    pub device_id: Option<String>,
    /// How it was admitted.
    pub auth_method: AuthMethod,
    /// When it was admitted, milliseconds since 1970.
    pub connected_at_ms: u64,
}

impl ConnInfo {
    /// Whether the granted scopes cover `needed`.
    pub fn allows(&self, needed: Scope) -> bool {
        crate::auth::scopes::covers(&self.scopes, needed)
    }

    /// Whether the client announced a capability.
    pub fn has_cap(&self, cap: &str) -> bool {
        self.caps.iter().any(|c| c == cap)
    }
}
