//! Whose service it is: the user's, or the system's for a named user.

use serde::Serialize;

/// Whose service it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(tag = "scope", rename_all = "lowercase")]
pub enum Scope {
    /// The user's own; it ends with the log-in unless lingering is on.
    #[default]
    User,
    /// The system's, running as a user; needs root to be installed and runs without any log-in.
    System {
        /// The user that it runs as.
        user: String,
    },
}

impl Scope {
    /// Whether it is the system's.
    pub fn is_system(&self) -> bool {
        matches!(self, Self::System { .. })
    }

    /// In a word, for people and programs.
    pub fn word(&self) -> &'static str {
        if self.is_system() { "system" } else { "user" }
    }
}
