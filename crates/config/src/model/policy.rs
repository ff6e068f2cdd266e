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
    /// `tools.allow` and `tools.deny`, for all agents.
    #[serde(flatten)]
    pub lists: ToolLists,
}

/// Which tools there are, by name (`read`), by group (`group:fs`), or all (`*`). What is denied anywhere is denied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ToolLists {
    /// Only these; nothing means all.
    pub allow: Vec<String>,
    /// Not these.
    pub deny: Vec<String>,
}

/// `tools.exec`, of everybody or of one agent.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Exec {
    /// Whether commands may run at all. Unset: only if `mode` or `security` says which.
    pub enabled: Option<bool>,
    /// The longest that one command may run.
    pub timeout_seconds: Option<u64>,
    /// `security` and `ask` in one word; counts before them.
    pub mode: Option<ExecMode>,
    /// Which commands may run.
    pub security: Option<ExecSecurity>,
    /// Which commands a person is asked about.
    pub ask: Option<ExecAsk>,
    /// How long a person is waited for.
    pub approval_timeout_seconds: Option<u64>,
}

impl Exec {
    /// What was said of `security` and `ask`, by `mode` or by themselves.
    pub fn said(&self) -> (Option<ExecSecurity>, Option<ExecAsk>) {
        match self.mode {
            Some(mode) => {
                let (security, ask) = mode.parts();
                (Some(security), Some(ask))
            }
            None => (self.security, self.ask),
        }
    }
}

/// `tools.exec.security`, from strict to wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ExecSecurity {
    /// Nothing runs.
    Deny,
    /// What the allowlist names.
    Allowlist,
    /// Everything.
    Full,
}

impl ExecSecurity {
    /// The word in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Allowlist => "allowlist",
            Self::Full => "full",
        }
    }
}

/// `tools.exec.ask`, from never to always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExecAsk {
    /// Nobody is asked.
    Off,
    /// About what the allowlist does not name.
    OnMiss,
    /// About every command.
    Always,
}

impl ExecAsk {
    /// The word in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::OnMiss => "on-miss",
            Self::Always => "always",
        }
    }
}

/// `tools.exec.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExecMode {
    /// Nothing runs.
    Deny,
    /// What the allowlist names; nobody is asked.
    Allowlist,
    /// What the allowlist names; a person is asked about the rest. `auto` is the same here: no model decides for people.
    #[serde(alias = "auto")]
    Ask,
    /// Everything.
    Full,
}

impl ExecMode {
    const fn parts(self) -> (ExecSecurity, ExecAsk) {
        match self {
            Self::Deny => (ExecSecurity::Deny, ExecAsk::Off),
            Self::Allowlist => (ExecSecurity::Allowlist, ExecAsk::Off),
            Self::Ask => (ExecSecurity::Allowlist, ExecAsk::OnMiss),
            Self::Full => (ExecSecurity::Full, ExecAsk::Off),
        }
    }
}

/// `commands`: who owns the agents, as channels know people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Commands {
    /// Ids of owners.
    #[serde(deserialize_with = "super::ids::id_list")]
    pub owner_allow_from: Vec<String>,
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
