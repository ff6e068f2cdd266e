//! What the gateway's configuration says about access.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

use secrecy::SecretString;

/// How the shared secret is called (`gateway.auth.mode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMode {
    /// No shared secret; only sensible on loopback.
    None,
    /// A random token.
    Token,
    /// A password that a person chose.
    Password,
}

/// The access policy in force.
#[derive(Debug, Clone)]
pub struct AuthPolicy {
    /// How the shared secret is called.
    pub mode: AuthMode,
    /// The shared secret of that mode. `None` although the mode wants one: nobody gets in by it.
    pub shared_secret: Option<SecretString>,
    /// The keychain key from which device tokens are derived. `None`: no device tokens are issued or taken.
    pub device_token_key: Option<SecretString>,
    /// Origins beyond our own that browsers may come from, such as `https://chat.example.org`.
    pub allowed_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<TrustedProxy>,
    /// Devices of this machine that present the shared secret are approved without a question
    /// (`gateway.nodes.pairing.autoApproveLocal`).
    pub approve_local: bool,
    /// Addresses whose new nodes are approved without a question (`gateway.nodes.pairing.autoApproveCidrs`).
    pub approve_nodes_from: Vec<TrustedProxy>,
}

/// Addresses of proxies: one such as `10.0.0.2`, or a network such as `172.16.0.0/12`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustedProxy(IpNet);

impl TrustedProxy {
    /// Whether an address is one of them.
    pub fn holds(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for TrustedProxy {
    type Err = ipnet::AddrParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse::<IpAddr>() {
            Ok(address) => Ok(Self(address.to_canonical().into())),
            Err(_) => text.parse().map(Self),
        }
    }
}

impl AuthPolicy {
    /// A policy with a shared token and nothing else.
    pub fn token(secret: impl Into<String>) -> Self {
        Self {
            mode: AuthMode::Token,
            shared_secret: Some(SecretString::from(secret.into())),
            device_token_key: None,
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            approve_local: true,
            approve_nodes_from: Vec::new(),
        }
    }
}
