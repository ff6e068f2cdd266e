//! What can keep a gateway from running, in words that name the next step.

use std::path::PathBuf;

use thiserror::Error;

/// Everything that ends (or prevents) a gateway.
#[derive(Debug, Error)]
pub enum GatewayError {
    /// There is no configuration file and nobody allowed that.
    #[error(
        "no configuration at {path}: expected a JSON5 file there; run `bulkhead --profile {profile} onboard` \
         to make one, or start with --allow-unconfigured to get the control plane only"
    )]
    Unconfigured {
        /// Where the file was looked for.
        path: PathBuf,
        /// The profile that it belongs to.
        profile: String,
    },
    /// The configuration is broken and there is no last good version either.
    #[error("the configuration {path} cannot be used and there is no last good version: {reason}")]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// The place of this profile belongs to somebody else, or is contradictory.
    #[error("{0}")]
    Place(String),
    /// Another gateway holds this state directory.
    #[error(
        "another gateway already runs on {state_dir}: found pid {pid}, profile {profile}, expected a state directory that no \
         gateway uses; stop it with \
         `bulkhead --profile {profile} gateway stop`, or choose another profile with --profile NAME"
    )]
    Locked {
        /// The state directory that is held.
        state_dir: PathBuf,
        /// The holder's process id, or `unknown`.
        pid: String,
        /// The holder's profile.
        profile: String,
    },
    /// The base port is in use.
    #[error("port {port} on {address} is taken by {holder}: expected it to be free; {next_step}")]
    PortTaken {
        /// The port.
        port: u16,
        /// The loopback address that could not be bound.
        address: String,
        /// Who has it, as far as the system tells.
        holder: String,
        /// What to do.
        next_step: String,
    },
    /// Binding failed for another reason.
    #[error(
        "cannot listen on {address}: {reason}; choose another address with gateway.bind or another port with --port"
    )]
    Bind {
        /// The address.
        address: String,
        /// What the system said.
        reason: String,
    },
    /// A flag has a value that cannot work.
    #[error("{flag}: found {found}, expected {expected}")]
    Usage {
        /// The flag.
        flag: &'static str,
        /// Its value.
        found: String,
        /// What would work.
        expected: String,
    },
    /// A secret that the gateway cannot do without is missing.
    #[error("{what}: {reason}; {next_step}")]
    Secret {
        /// Which secret.
        what: String,
        /// Why it is not there.
        reason: String,
        /// What to do.
        next_step: String,
    },
    /// A file or directory could not be used.
    #[error(
        "cannot {action} {path}: found {source}, expected a place that you may read and write; check that the directory \
         exists, belongs to you and is not mounted read-only"
    )]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The database could not be opened.
    #[error("{0}")]
    Store(String),
    /// The supervisor's line on stdin made no sense.
    #[error(
        "the line with secrets on stdin could not be read: {0}; it is written by the supervisor, so check that both are of one version"
    )]
    Handoff(String),
    /// The transport failed while serving.
    #[error("the gateway stopped serving: {0}")]
    Serve(String),
}

impl GatewayError {
    /// A stable code that never changes with the wording.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unconfigured { .. } => "gateway.unconfigured",
            Self::Config { .. } => "gateway.config_broken",
            Self::Place(_) => "gateway.place",
            Self::Locked { .. } => "gateway.already_running",
            Self::PortTaken { .. } => "gateway.port_taken",
            Self::Bind { .. } => "gateway.bind",
            Self::Usage { .. } => "gateway.usage",
            Self::Secret { .. } => "gateway.secret",
            Self::Io { .. } => "gateway.io",
            Self::Store(_) => "gateway.store",
            Self::Handoff(_) => "gateway.handoff",
            Self::Serve(_) => "gateway.serve",
        }
    }

    /// The process exit code that goes with it: 78 configuration, 2 usage, 1 otherwise.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Unconfigured { .. } | Self::Config { .. } | Self::Place(_) => 78,
            Self::Usage { .. } => 2,
            _ => 1,
        }
    }
}
