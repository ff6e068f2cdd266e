//! `wizard.*`: setting up, question by question.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::MethodSpec;
use crate::Scope;

pub(super) const ROWS: &[MethodSpec] = &[
    MethodSpec::new("wizard.start", Scope::OperatorAdmin, "Begins to set up what may change from elsewhere.")
        .once(),
    MethodSpec::new("wizard.next", Scope::OperatorAdmin, "Answers a question and gets the next one.").once(),
    MethodSpec::new("wizard.cancel", Scope::OperatorAdmin, "Ends it; nothing was changed."),
    MethodSpec::new("wizard.status", Scope::OperatorAdmin, "How far it is."),
];

/// Parameters of `wizard.start`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct WizardStartParams {
    /// `local`; another gateway is chosen on the machine itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// An agent's folder; changed by `agents.update` instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// Whether a service is installed; done on the machine itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub install_daemon: Option<bool>,
    /// What is set up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow: Option<WizardFlow>,
    /// Only this channel, for [`WizardFlow::Channels`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
}

/// What a wizard sets up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WizardFlow {
    /// Everything.
    #[default]
    Setup,
    /// Who may write on channels.
    Channels,
}

/// Parameters of `wizard.next`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WizardNextParams {
    /// The wizard.
    pub session_id: String,
    /// The answer; without one the question comes again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<WizardAnswer>,
}

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WizardAnswer {
    /// The question.
    pub step_id: String,
    /// What is answered, as the question's type wants it.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub value: Value,
}

/// Parameters that name one wizard.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WizardIdParams {
    /// The wizard.
    pub session_id: String,
}

/// What a question asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WizardStepKind {
    /// Nothing: something to read.
    Note,
    /// One of the options.
    Select,
    /// A line of text.
    Text,
    /// Yes or no.
    Confirm,
    /// Some of the options.
    MultiSelect,
}

/// One of several answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WizardOption {
    /// What is sent back.
    pub value: Value,
    /// For people.
    pub label: String,
    /// More of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WizardStep {
    /// Names it in the answer.
    pub id: String,
    /// What it asks for.
    #[serde(rename = "type")]
    pub kind: WizardStepKind,
    /// In a few words.
    pub title: String,
    /// In full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The answers to choose from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<WizardOption>,
    /// What holds now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_value: Option<Value>,
    /// An example.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placeholder: Option<String>,
    /// Who asks: `gateway`.
    pub executor: String,
}

/// How a wizard stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WizardStatus {
    /// It waits for an answer.
    Running,
    /// What was answered is in force.
    Done,
    /// Nothing was changed.
    Cancelled,
    /// What was answered could not be put in force.
    Error,
}

/// Result of `wizard.start` (with the id) and `wizard.next`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WizardResult {
    /// The wizard, of `wizard.start`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// No question is left.
    pub done: bool,
    /// The question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<WizardStep>,
    /// How it stands.
    pub status: WizardStatus,
    /// What was wrong with the answer, or why nothing is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The channels that were set up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<String>,
    /// Their accounts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<WizardAccount>,
}

/// An account of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WizardAccount {
    /// The channel.
    pub channel: String,
    /// The account.
    pub account_id: String,
}
