//! Errors as clients of OpenAI read them.

use serde::Serialize;

use crate::runs::registry::{EndStatus, RunEnd};

/// `{"error":{…}}`.
#[derive(Debug, Clone, Serialize)]
pub(super) struct WireError {
    error: WireErrorBody,
}

#[derive(Debug, Clone, Serialize)]
struct WireErrorBody {
    message: String,
    #[serde(rename = "type")]
    kind: &'static str,
    code: Option<&'static str>,
}

impl WireError {
    /// A message with its type.
    pub(super) fn new(message: impl Into<String>, kind: &'static str) -> Self {
        Self { error: WireErrorBody { message: message.into(), kind, code: None } }
    }

    /// How a run that brought no answer is told.
    pub(super) fn of_run(end: &RunEnd) -> Self {
        let message = match end.status {
            EndStatus::Aborted => "the run was aborted".to_owned(),
            _ => end.error.clone().unwrap_or_else(|| "the run failed; see the gateway's log".to_owned()),
        };
        Self::new(message, "api_error")
    }

    /// The words.
    pub(super) fn message(&self) -> &str {
        &self.error.message
    }
}
