//! `gateway`: listening, authentication, HTTP.

use serde::Deserialize;

use crate::SecretInput;

/// `gateway`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Gateway {
    /// `local` or `remote`; the gateway starts only when it is set, or with `--allow-unconfigured`.
    pub mode: Option<GatewayMode>,
    /// The base port.
    pub port: Option<u16>,
    /// Which addresses it listens on.
    pub bind: Bind,
    /// The address for `bind: "custom"`.
    pub custom_bind_host: Option<String>,
    /// Who may connect.
    pub auth: Auth,
    /// The web UI.
    pub control_ui: ControlUi,
    /// HTTP endpoints.
    pub http: Http,
    /// Devices that lend themselves to the gateway.
    pub nodes: GatewayNodes,
    /// Proxies whose forwarding headers are believed.
    pub trusted_proxies: Vec<String>,
    /// The gateway that `mode: "remote"` talks to.
    pub remote: Remote,
    /// Encryption of what other machines say.
    pub tls: Tls,
    /// Counters for Prometheus.
    pub metrics: Metrics,
    /// Which tools `POST /tools/invoke` reaches.
    pub tools: HttpTools,
}

/// `gateway.tls`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Tls {
    /// Whether other machines have to speak TLS.
    pub enabled: bool,
    /// Make a certificate of our own when no path names one.
    pub auto_generate: bool,
    /// The certificate chain, PEM.
    pub cert_path: Option<String>,
    /// Its private key, PEM.
    pub key_path: Option<String>,
}

impl Default for Tls {
    fn default() -> Self {
        Self { enabled: false, auto_generate: true, cert_path: None, key_path: None }
    }
}

/// `gateway.metrics`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metrics {
    /// Whether `/metrics` is served.
    pub enabled: bool,
    /// Whether it asks for the gateway's secret.
    pub require_auth: bool,
}

impl Default for Metrics {
    fn default() -> Self {
        Self { enabled: true, require_auth: true }
    }
}

/// `gateway.tools`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpTools {
    /// Tools that are reached although the built-in rule keeps them back.
    pub allow: Vec<String>,
    /// Tools that are kept back beside those of the built-in rule.
    pub deny: Vec<String>,
}

/// `gateway.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GatewayMode {
    /// This machine runs it.
    Local,
    /// Another machine runs it.
    Remote,
}

/// `gateway.bind`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bind {
    /// 127.0.0.1 and `::1` only.
    #[default]
    Loopback,
    /// All addresses.
    Lan,
    /// The Tailscale address.
    Tailnet,
    /// Loopback, or all addresses in a container.
    Auto,
    /// `gateway.customBindHost`.
    Custom,
}

/// `gateway.auth`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Auth {
    /// Which kind of shared secret.
    pub mode: AuthMode,
    /// The shared token.
    pub token: Option<SecretInput>,
    /// The shared password.
    pub password: Option<SecretInput>,
}

/// `gateway.auth.mode`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthMode {
    /// A shared token.
    #[default]
    Token,
    /// A shared password.
    Password,
    /// Nothing (loopback only).
    None,
}

/// `gateway.controlUi`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ControlUi {
    /// Whether it is served.
    pub enabled: bool,
    /// A path prefix, such as `/gateway`.
    pub base_path: Option<String>,
    /// A folder with another web UI.
    pub root: Option<String>,
    /// Origins that may connect besides our own.
    pub allowed_origins: Vec<String>,
}

impl Default for ControlUi {
    fn default() -> Self {
        Self { enabled: true, base_path: None, root: None, allowed_origins: Vec::new() }
    }
}

/// `gateway.http`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Http {
    /// Which endpoints are on.
    pub endpoints: HttpEndpoints,
}

/// `gateway.http.endpoints`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpEndpoints {
    /// `/v1/chat/completions`.
    pub chat_completions: Switch,
    /// `/v1/responses`.
    pub responses: Switch,
}

/// `{ enabled }`, off by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Switch {
    /// On or off.
    pub enabled: bool,
}

/// `gateway.nodes`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GatewayNodes {
    /// Who is let in unasked.
    pub pairing: NodePairing,
    /// What nodes may do.
    pub commands: NodeCommands,
    /// Older name of `commands.allow`.
    pub allow_commands: Vec<String>,
    /// Older name of `commands.deny`.
    pub deny_commands: Vec<String>,
}

/// `gateway.nodes.pairing`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodePairing {
    /// Networks whose new nodes are let in unasked.
    pub auto_approve_cidrs: Vec<String>,
    /// Whether devices of this machine are let in unasked; they are when it is absent.
    pub auto_approve_local: Option<bool>,
}

/// `gateway.nodes.commands`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeCommands {
    /// Beyond what a platform may do by default.
    pub allow: Vec<String>,
    /// Never; wins over everything.
    pub deny: Vec<String>,
}

/// `gateway.remote`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Remote {
    /// `ws://…` or `wss://…`.
    pub url: Option<String>,
    /// Its token.
    pub token: Option<SecretInput>,
    /// Its password, where it asks for one.
    pub password: Option<SecretInput>,
    /// SHA-256 of its certificate, in hex: no other one is taken.
    pub tls_fingerprint: Option<String>,
    /// `user@host` whose SSH leads to it; `gateway probe` looks there too.
    pub ssh_target: Option<String>,
    /// The key file for that.
    pub ssh_identity: Option<String>,
}
