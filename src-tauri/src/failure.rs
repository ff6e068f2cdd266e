//! What a command answers when it fails: a stable code for the page to branch on, and words for a person.

use serde::Serialize;

/// A failure as the page gets it.
#[derive(Debug, Clone, Serialize, specta::Type)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// Stable; the page branches on this and never on the text.
    pub code: String,
    /// What happened and what it means, in a person's words.
    pub message: String,
    /// What to do about it.
    pub next_step: Option<String>,
}

impl Failure {
    /// A failure with its next step.
    pub fn new(code: &str, message: impl Into<String>, next_step: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), next_step: Some(next_step.into()) }
    }

    /// No profile of that name is registered on this machine.
    pub fn unknown_profile(name: &str) -> Self {
        Self::new(
            "unknown-profile",
            format!("There is no profile \"{name}\" on this computer."),
            "It may have been removed meanwhile: reload the list of profiles.",
        )
    }

    /// Nobody answers on the profile's port now.
    pub fn not_connected(name: &str) -> Self {
        Self::new(
            "not-connected",
            format!("The gateway \"{name}\" does not answer right now."),
            "Start it on its card, or look at its log.",
        )
    }
}

/// The result of every command.
pub type Answer<T> = Result<T, Failure>;
