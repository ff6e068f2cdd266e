//! How a command fails: a stable code for programs, a text for people, an exit code for shells.

use std::fmt;

use bulkhead_client::ClientError;
use bulkhead_config::ConfigError;
use bulkhead_gateway::GatewayError;
use bulkhead_process::ProcessError;
use bulkhead_profile::{NameError, PlaceError, PortError, RegisterError};
use bulkhead_secrets::SecretError;
use bulkhead_setup::SetupError;
use bulkhead_setup::diagnostics::DiagnosticsError;
use bulkhead_store::StoreError;
use bulkhead_supervisor::SupervisorError;
use serde_json::{Value, json};

/// The command failed.
pub const FAILED: u8 = 1;
/// Wrong flags.
pub const USAGE: u8 = 2;
/// The configuration cannot be used.
pub const CONFIGURATION: u8 = 78;

/// A failed command.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// Stable, for programs.
    pub code: String,
    /// What, where, found, expected, next step.
    pub message: String,
    /// For shells.
    pub exit: u8,
    /// More for programs.
    pub details: Option<Value>,
}

impl Failure {
    pub fn new(exit: u8, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), exit, details: None }
    }

    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(USAGE, "usage", message)
    }

    pub fn failed(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(FAILED, code, message)
    }

    #[must_use]
    pub fn with_details(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }

    /// The shape with `--json`.
    pub fn to_json(&self) -> Value {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let Some(details) = &self.details {
            error["details"] = details.clone();
        }
        json!({ "ok": false, "error": error })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<NameError> for Failure {
    fn from(error: NameError) -> Self {
        Self::new(USAGE, error.code(), error.to_string())
    }
}

impl From<PlaceError> for Failure {
    fn from(error: PlaceError) -> Self {
        Self::new(CONFIGURATION, error.code(), error.to_string())
    }
}

impl From<PortError> for Failure {
    fn from(error: PortError) -> Self {
        Self::new(CONFIGURATION, error.code(), error.to_string())
    }
}

impl From<RegisterError> for Failure {
    fn from(error: RegisterError) -> Self {
        let exit = match error {
            RegisterError::Io { .. } | RegisterError::Busy { .. } => FAILED,
            _ => CONFIGURATION,
        };
        Self::new(exit, error.code(), error.to_string())
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let exit = match error {
            ConfigError::Busy { .. } | ConfigError::Write { .. } | ConfigError::Stale { .. } => FAILED,
            ConfigError::BadPath { .. } | ConfigError::NoSuchVersion { .. } => USAGE,
            _ => CONFIGURATION,
        };
        Self::new(exit, error.code(), error.to_string())
    }
}

impl From<GatewayError> for Failure {
    fn from(error: GatewayError) -> Self {
        Self::new(error.exit_code(), error.code(), error.to_string())
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let exit = if matches!(error, ClientError::BadUrl { .. }) { USAGE } else { FAILED };
        let details = match &error {
            ClientError::Request { error, .. } | ClientError::Rejected { error, .. } => {
                serde_json::to_value(error).ok()
            }
            ClientError::Unauthorized { code, .. } => Some(json!({ "code": code })),
            ClientError::PairingRequired { request_id, .. } => Some(json!({ "requestId": request_id })),
            _ => None,
        };
        Self { details, ..Self::new(exit, error.code(), error.to_string()) }
    }
}

impl From<SetupError> for Failure {
    fn from(error: SetupError) -> Self {
        Self::new(USAGE, error.code(), error.to_string())
    }
}

macro_rules! plain_failure {
    ($($error:ty),+ $(,)?) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::failed(error.code(), error.to_string())
            }
        }
    )+};
}

plain_failure!(SecretError, StoreError, ProcessError, DiagnosticsError);

impl From<SupervisorError> for Failure {
    fn from(error: SupervisorError) -> Self {
        let exit = if matches!(error, SupervisorError::Place(_)) { CONFIGURATION } else { FAILED };
        Self::new(exit, error.code(), error.to_string())
    }
}
