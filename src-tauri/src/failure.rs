//! What a command answers when it fails: a stable code for the page to branch on, and words for a person.

use bulkhead_client::ClientError;
use bulkhead_supervisor::SupervisorError;
use serde::Serialize;
use serde_json::Value;

/// A failure as the page gets it.
#[derive(Debug, Clone, Serialize, specta::Type)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// Stable; the page branches on this and never on the text.
    pub code: String,
    /// What happened, what it means, and what to do, in a person's words.
    pub message: String,
    /// Details of a refused request, as the gateway gave them.
    pub details: Option<Value>,
    /// Whether the same may work in a moment.
    pub retryable: bool,
}

impl Failure {
    /// What happened, and the next step.
    pub fn new(code: &str, message: impl AsRef<str>, next_step: impl AsRef<str>) -> Self {
        Self {
            code: code.to_owned(),
            message: format!("{} {}", message.as_ref(), next_step.as_ref()),
            details: None,
            retryable: false,
        }
    }

    /// No profile of that name is registered on this machine.
    pub fn unknown_profile(name: &str) -> Self {
        Self::new(
            "unknown-profile",
            format!("There is no profile \"{name}\" on this computer."),
            "It may have been removed meanwhile: reload the list of profiles.",
        )
    }

    /// Only its owner may start and stop a gateway.
    pub fn not_ours(name: &str) -> Self {
        Self::new(
            "not-owner",
            format!("The gateway \"{name}\" is not run by this app."),
            format!(
                "Start and stop it where it runs, for example with `bulkhead --profile {name} gateway supervise`."
            ),
        )
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        if let ClientError::Request { error, .. } = &error {
            return Self {
                code: error.code.to_string(),
                message: error.message.clone(),
                details: error.details.clone(),
                retryable: error.retryable.unwrap_or(false),
            };
        }
        Self {
            code: error.code().to_owned(),
            message: error.to_string(),
            details: None,
            retryable: !error.is_permanent(),
        }
    }
}

impl From<SupervisorError> for Failure {
    fn from(error: SupervisorError) -> Self {
        Self { code: error.code().to_owned(), message: error.to_string(), details: None, retryable: false }
    }
}

impl From<bulkhead_service::ServiceError> for Failure {
    fn from(error: bulkhead_service::ServiceError) -> Self {
        Self { code: error.code().to_owned(), message: error.to_string(), details: None, retryable: false }
    }
}

/// The result of every command.
pub type Answer<T> = Result<T, Failure>;
