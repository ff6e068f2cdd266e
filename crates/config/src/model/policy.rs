//! `tools`, `secrets` and `logging`: what is allowed, and to whom.

use std::collections::BTreeMap;

use serde::Deserialize;

/// `tools`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Tools {
    /// Running commands.
    pub exec: Exec,
    /// Fetching web pages.
    pub web: Web,
}

/// `tools.exec`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Exec {
    /// Off unless the file says so.
    pub enabled: bool,
    /// The longest that one command may run.
    pub timeout_seconds: Option<u64>,
}

/// `tools.web`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Web {
    /// `tools.web.fetch`.
    pub fetch: WebFetch,
}

/// `tools.web.fetch`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WebFetch {
    /// On unless the file says otherwise.
    pub enabled: bool,
}

impl Default for WebFetch {
    fn default() -> Self {
        Self { enabled: true }
    }
}

/// `secrets`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Secrets {
    /// Where new secrets go.
    #[serde(rename = "default")]
    pub default_source: Option<crate::SecretSource>,
    /// Named sources.
    pub providers: BTreeMap<String, SecretProvider>,
}

/// One entry of `secrets.providers`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "source", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub enum SecretProvider {
    /// The operating system's keychain.
    Keychain {},
    /// Environment variables.
    Env {
        /// The variables that may be read; none means all.
        #[serde(default)]
        allowlist: Vec<String>,
    },
    /// A JSON file.
    File {
        /// Where it is.
        path: Option<String>,
    },
    /// A command that prints the secret.
    Exec {
        /// Its absolute path.
        command: String,
        /// Its arguments; `{id}` stands for the id.
        #[serde(default)]
        args: Vec<String>,
        /// Variables that it gets from the supervisor's environment.
        #[serde(default)]
        pass_env: Vec<String>,
        /// The longest that it may take.
        timeout_ms: Option<u64>,
        /// The most that it may print.
        max_output_bytes: Option<u64>,
    },
}

/// `logging`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Logging {
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: Option<LogLevel>,
}

/// `logging.level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Nothing.
    Silent,
    /// What failed.
    #[serde(alias = "fatal")]
    Error,
    /// And what is odd.
    Warn,
    /// And what happens.
    Info,
    /// And why.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// As `tracing`'s filter names it.
    pub fn as_filter(self) -> &'static str {
        match self {
            Self::Silent => "off",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}
