//! What a look around can find.

use std::path::PathBuf;

use serde::Serialize;

use crate::event::ProfileResult;

/// What was found.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Detection {
    /// OpenClaw installs.
    pub openclaw: Vec<FoundOpenClaw>,
    /// Gateways, running or not.
    pub gateways: Vec<FoundGateway>,
    /// Ways to a model.
    pub models: Vec<FoundModel>,
    /// A browser for the browser seat.
    pub chrome: Option<FoundChrome>,
    /// The keychain.
    pub keychain: FoundKeychain,
    /// Whether a service could run a gateway.
    pub services: FoundServices,
    /// Proxies that the environment names.
    pub proxy: FoundProxy,
    /// Profiles that are here already.
    pub profiles: Vec<ProfileResult>,
    /// Listening ports near those that profiles use.
    pub ports_in_use: Vec<FoundPort>,
    /// Profiles whose creation was begun and not finished.
    pub unfinished: Vec<String>,
}

/// An OpenClaw on this machine.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FoundOpenClaw {
    /// Its profile; none for the default one.
    pub profile: Option<String>,
    /// Its state directory.
    pub state_dir: PathBuf,
    /// Its base port.
    pub port: u16,
    /// The version that last wrote its configuration.
    pub version: Option<String>,
    /// How many Telegram bots it has.
    pub bots: usize,
    /// Whether something listens on its port.
    pub running: bool,
}

/// A gateway.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FoundGateway {
    /// Its profile.
    pub profile: String,
    /// Its base port.
    pub port: u16,
    /// Whether it runs.
    pub running: bool,
    /// `bulkhead` or `openclaw`.
    pub kind: &'static str,
}

/// A way to a model.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FoundModel {
    /// `env`, `ollama`, `lmstudio` or `llamacpp`.
    pub kind: &'static str,
    /// The provider's id.
    pub provider: &'static str,
    /// `openai`, `anthropic` or `ollama`.
    pub api: &'static str,
    /// Its address.
    pub base_url: String,
    /// The variable that holds its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env_var: Option<&'static str>,
    /// Its models; empty when they were not asked for.
    pub models: Vec<String>,
}

/// A browser.
#[derive(Debug, Clone, Serialize)]
pub struct FoundChrome {
    /// Its executable.
    pub path: PathBuf,
}

/// Whether a service could run a gateway.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FoundServices {
    /// Whether it could.
    pub available: bool,
    /// Why not, with the next step.
    pub reason: Option<String>,
    /// Whether it would run without a log-in; none where there is no such thing.
    pub linger: Option<bool>,
}

/// The keychain.
#[derive(Debug, Clone, Serialize)]
pub struct FoundKeychain {
    /// Whether it answers.
    pub available: bool,
    /// Why not, in words.
    pub reason: Option<String>,
    /// Why not, as a stable word.
    pub code: Option<&'static str>,
}

/// Proxies, without user names and passwords.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FoundProxy {
    /// `HTTPS_PROXY`.
    pub https: Option<String>,
    /// `HTTP_PROXY`.
    pub http: Option<String>,
    /// `ALL_PROXY`.
    pub all: Option<String>,
    /// `NO_PROXY`.
    pub no: Option<String>,
}

/// A listening port.
#[derive(Debug, Clone, Serialize)]
pub struct FoundPort {
    /// The port.
    pub port: u16,
    /// The program; none if it belongs to another user.
    pub program: Option<String>,
    /// Its process.
    pub pid: Option<u32>,
    /// The profile, if it is one of ours.
    pub profile: Option<String>,
}
