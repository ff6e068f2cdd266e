//! What operators see: plain data that every teller shows in its own way.

use serde::{Deserialize, Serialize};

use crate::cause::Severity;
use crate::incident::IncidentId;
use crate::remedy::{Nonce, RemedyKind};

/// One button of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Button {
    /// What stands on it.
    pub label: String,
    /// What it asks for.
    pub remedy: RemedyKind,
    /// What the tap has to bring back. Good once, for one operator, until it expires.
    pub nonce: Nonce,
}

/// Which of an incident's messages this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MessageKind {
    /// The message that is updated in place while the incident lasts.
    Incident,
    /// The one that says that it is over.
    FollowUp,
    /// The report of a drill.
    Drill,
}

/// A message for one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// The incident that it is about.
    pub incident: IncidentId,
    /// Which message of the incident.
    pub kind: MessageKind,
    /// How bad it is.
    pub severity: Severity,
    /// One line: what a notification shows.
    pub title: String,
    /// The whole text (with the title as its first line), plain, without markup; lines end with `\n`.
    pub text: String,
    /// Rows of buttons.
    pub buttons: Vec<Vec<Button>>,
    /// Without a sound: in quiet hours, and for what nobody has to act on.
    pub silent: bool,
}

/// Where a message went, in the teller's own words (Telegram: chat and message id). Kept in the journal as it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageRef(pub String);

/// Who is told, on which way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recipient {
    /// The teller that reaches them, as [`Teller::name`](crate::Teller::name) says: `telegram`, `desktop`, `app`.
    pub teller: String,
    /// Who: the user id of an operator, or `local` for whoever sits at this machine.
    pub operator: String,
}
