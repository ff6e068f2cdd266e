//! The report: one line for everything that was found at the source.

use serde::Serialize;

/// Which part of an install a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ImportArea {
    /// The configuration file.
    Config,
    /// Tokens, keys, passwords.
    Secrets,
    /// Ports.
    Ports,
    /// Telegram and other messengers.
    Channels,
    /// Who may write to the bots.
    People,
    /// Agents' folders.
    Workspace,
    /// Conversations.
    Sessions,
    /// Timed jobs.
    Cron,
    /// Paired devices.
    Devices,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ImportResult {
    /// As it is.
    Taken,
    /// In another form.
    Changed,
    /// Left at the source.
    Skipped,
}

/// One line of the report. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportLine {
    /// Which part.
    pub area: ImportArea,
    /// What: a field path, a file, a conversation.
    pub item: String,
    /// What became of it.
    pub result: ImportResult,
    /// How, or why not.
    pub detail: String,
    /// What to do, where something is left to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
}

impl ImportLine {
    fn new(
        area: ImportArea,
        item: impl Into<String>,
        result: ImportResult,
        detail: impl Into<String>,
    ) -> Self {
        Self { area, item: item.into(), result, detail: detail.into(), next_step: None }
    }

    pub(super) fn taken(area: ImportArea, item: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(area, item, ImportResult::Taken, detail)
    }

    pub(super) fn changed(area: ImportArea, item: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(area, item, ImportResult::Changed, detail)
    }

    pub(super) fn skipped(area: ImportArea, item: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(area, item, ImportResult::Skipped, detail)
    }

    /// Commands of the next step, for that profile.
    pub(super) fn name_profile(&mut self, profile: &str) {
        if profile == bulkhead_profile::MAIN {
            return;
        }
        if let Some(next) = &mut self.next_step {
            for command in ["config", "secrets", "dashboard", "agent", "cron"] {
                *next = next.replace(
                    &format!("bulkhead {command} "),
                    &format!("bulkhead --profile {profile} {command} "),
                );
            }
        }
    }

    pub(super) fn then(mut self, next_step: impl Into<String>) -> Self {
        self.next_step = Some(next_step.into());
        self
    }
}
