//! What a connection is made of.

use std::time::Duration;

use bulkhead_protocol::device_auth::DeviceKey;
use bulkhead_protocol::{ClientId, ClientMode, Scope};
use secrecy::SecretString;

use crate::Fingerprint;

/// How the client proves that it may come in.
#[derive(Debug, Clone, Default)]
pub enum Auth {
    /// With nothing but its device, if it has one.
    #[default]
    None,
    /// With the gateway's shared token.
    Token(SecretString),
    /// With the gateway's shared password.
    Password(SecretString),
    /// With the token that the gateway gave this device.
    DeviceToken(SecretString),
}

/// What the client says it is.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Out of a closed set.
    pub id: ClientId,
    /// Out of a closed set.
    pub mode: ClientMode,
    /// Its version.
    pub version: String,
    /// A name for people.
    pub display_name: Option<String>,
    /// Tells two clients of one kind apart.
    pub instance_id: Option<String>,
}

impl Identity {
    /// An identity of this program's version.
    pub fn new(id: ClientId, mode: ClientMode) -> Self {
        Self {
            id,
            mode,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            display_name: None,
            instance_id: None,
        }
    }
}

/// How long to wait.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// From the first packet to `hello-ok`.
    pub connect: Duration,
    /// For one answer.
    pub request: Duration,
    /// For any sign of life, beyond the gateway's tick interval.
    pub silence: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            request: Duration::from_secs(30),
            silence: Duration::from_secs(45),
        }
    }
}

/// Everything that [`crate::Client::connect`] needs.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// Where; see [`crate::GatewayUrl`].
    pub url: String,
    /// The secret.
    pub auth: Auth,
    /// A port of this machine that leads to `url` (a tunnel); the gateway is asked under its own address.
    pub through: Option<u16>,
    /// The only certificate that is taken; without it, one that this system trusts.
    pub tls_fingerprint: Option<Fingerprint>,
    /// What the client says it is.
    pub identity: Identity,
    /// What it wants to do.
    pub scopes: Vec<Scope>,
    /// What it understands, see [`bulkhead_protocol::client_ids::caps`].
    pub caps: Vec<String>,
    /// What a node offers to do; `None` for an operator.
    pub commands: Option<Vec<String>>,
    /// Its key, if it has one.
    pub device: Option<DeviceKey>,
    /// Oldest protocol it would speak; probers say 3.
    pub min_protocol: u32,
    /// Patience.
    pub timeouts: Timeouts,
    /// Events that may wait for a slow receiver before it misses some.
    pub event_buffer: usize,
}

impl ConnectOptions {
    /// Options of a client with an identity and scopes.
    pub fn new(url: impl Into<String>, auth: Auth, identity: Identity, scopes: Vec<Scope>) -> Self {
        let min_protocol = if identity.mode == ClientMode::Probe {
            bulkhead_protocol::MIN_PROBE_PROTOCOL
        } else {
            bulkhead_protocol::PROTOCOL_VERSION
        };
        Self {
            url: url.into(),
            auth,
            through: None,
            tls_fingerprint: None,
            identity,
            scopes,
            caps: Vec::new(),
            commands: None,
            device: None,
            min_protocol,
            timeouts: Timeouts::default(),
            event_buffer: 1024,
        }
    }

    /// A command line that may do everything.
    pub fn cli(url: impl Into<String>, auth: Auth) -> Self {
        Self::new(url, auth, Identity::new(ClientId::Cli, ClientMode::Cli), vec![Scope::OperatorAdmin])
    }

    /// A prober that only looks.
    pub fn probe(url: impl Into<String>, auth: Auth) -> Self {
        Self::new(url, auth, Identity::new(ClientId::Cli, ClientMode::Probe), vec![Scope::OperatorRead])
    }

    /// A program without a person that may do everything.
    pub fn backend(url: impl Into<String>, auth: Auth) -> Self {
        let identity = Identity::new(ClientId::GatewayClient, ClientMode::Backend);
        Self::new(url, auth, identity, vec![Scope::OperatorAdmin])
    }

    /// The same gateway, as a node that offers commands: it has no scopes, and a device of its own.
    #[must_use]
    pub fn as_node(
        mut self,
        device: DeviceKey,
        caps: impl IntoIterator<Item = impl Into<String>>,
        commands: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.identity = Identity {
            display_name: self.identity.display_name.take(),
            ..Identity::new(ClientId::NodeHost, ClientMode::Node)
        };
        self.scopes = Vec::new();
        self.commands = Some(commands.into_iter().map(Into::into).collect());
        self.with_device(device).with_caps(caps)
    }

    /// With a device key.
    #[must_use]
    pub fn with_device(mut self, device: DeviceKey) -> Self {
        self.device = Some(device);
        self
    }

    /// Through a port of this machine.
    #[must_use]
    pub fn through(mut self, port: Option<u16>) -> Self {
        self.through = port;
        self
    }

    /// With the only certificate that is taken.
    #[must_use]
    pub fn pinned_to(mut self, fingerprint: Option<Fingerprint>) -> Self {
        self.tls_fingerprint = fingerprint;
        self
    }

    /// With other patience.
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// With capabilities.
    #[must_use]
    pub fn with_caps(mut self, caps: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.caps = caps.into_iter().map(Into::into).collect();
        self
    }
}

/// Operating system as clients name it, and the family of the device.
pub(crate) fn platform() -> (&'static str, &'static str) {
    match std::env::consts::OS {
        "macos" => ("darwin", "Mac"),
        "windows" => ("win32", "Windows"),
        "linux" => ("linux", "Linux"),
        other => (other, other),
    }
}
