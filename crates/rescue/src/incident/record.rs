//! One incident, as it is kept and shown.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::alert::{MessageRef, Recipient};
use crate::cause::{Cause, Severity};
use crate::remedy::RemedyOutcome;

/// Names one incident.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentId(pub String);

impl IncidentId {
    /// A new one; later ones sort after earlier ones.
    pub fn generate() -> Self {
        Self(uuid::Uuid::now_v7().simple().to_string())
    }
}

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where an incident stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Phase {
    /// Nobody did anything yet.
    Open,
    /// A remedy runs, or its effect is waited for.
    Repairing {
        /// The remedy's request.
        request: String,
        /// Since when, in milliseconds since 1970.
        since_ms: u64,
    },
    /// Over: seen healthy again.
    Over {
        /// When, in milliseconds since 1970.
        at_ms: u64,
    },
}

/// What one recipient was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// Who.
    pub to: Recipient,
    /// The message that is updated in place.
    pub message: Option<MessageRef>,
    /// When it was first told, in milliseconds since 1970.
    pub at_ms: u64,
    /// Whether the end was told too.
    pub follow_up: bool,
}

/// One incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Incident {
    /// Its name.
    pub id: IncidentId,
    /// What is watched, for people: `main`, `OpenClaw`.
    pub watched: String,
    /// What is wrong now (of a closed incident: what was wrong last).
    pub cause: Cause,
    /// How bad it was at its worst.
    pub severity: Severity,
    /// Earlier causes of the same incident, oldest first.
    pub earlier: Vec<Cause>,
    /// What is known, one short sentence each, without secrets and without contents of messages.
    pub evidence: Vec<String>,
    /// When the first sign was seen, in milliseconds since 1970.
    pub began_ms: u64,
    /// When it was noticed (became more than a suspicion).
    pub noticed_ms: u64,
    /// When the first recipient was told.
    pub told_ms: Option<u64>,
    /// Where it stands.
    pub phase: Phase,
    /// How often it came back after it seemed to be over.
    pub returns: u32,
    /// The last log lines, redacted.
    pub log_lines: Vec<String>,
    /// What was changed in the configuration before, redacted, one line each.
    pub config_change: Vec<String>,
    /// Hash of the watched configuration, where there is one.
    pub config_hash: Option<String>,
    /// Who was told what.
    pub told: Vec<Told>,
    /// What was tried, oldest first.
    pub remedies: Vec<RemedyOutcome>,
    /// Whether it belongs to a drill.
    pub drill: bool,
}

impl Incident {
    /// Whether it still lasts.
    pub fn is_open(&self) -> bool {
        !matches!(self.phase, Phase::Over { .. })
    }

    /// How long it lasted, or lasts at `now_ms`, in milliseconds.
    pub fn duration_ms(&self, now_ms: u64) -> u64 {
        let end = match self.phase {
            Phase::Over { at_ms } => at_ms,
            _ => now_ms,
        };
        end.saturating_sub(self.began_ms)
    }
}
