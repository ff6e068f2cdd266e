//! `question.*`: what agents and clients ask a person.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::MethodSpec;
use crate::Scope;

pub(super) const ROWS: &[MethodSpec] = &[
    MethodSpec::new("question.request", Scope::OperatorQuestions, "Asks a person.").since("2026.7").once(),
    MethodSpec::new("question.waitAnswer", Scope::OperatorQuestions, "Waits for the answer.").since("2026.7"),
    MethodSpec::new("question.resolve", Scope::OperatorQuestions, "Answers a question, or takes it back.")
        .since("2026.7"),
    MethodSpec::new("question.get", Scope::OperatorQuestions, "One question, waiting or over.")
        .since("2026.7"),
    MethodSpec::new("question.list", Scope::OperatorQuestions, "The questions that wait.").since("2026.7"),
];

/// Parameters that name one question.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionIdParams {
    /// The question.
    pub id: String,
}

/// Parameters of `question.waitAnswer`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QuestionWaitParams {
    /// The question.
    pub id: String,
    /// How long to wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

/// Parameters of `question.request`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QuestionRequestParams {
    /// The id that it shall have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// One to three questions.
    pub questions: Value,
    /// The agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// The session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_key: Option<String>,
    /// The run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// How long to wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

/// Answers by question.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct QuestionAnswers {
    /// A list of texts for each.
    pub answers: Map<String, Value>,
}

/// Parameters of `question.resolve`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QuestionResolveParams {
    /// The question.
    pub id: String,
    /// The answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<QuestionAnswers>,
    /// Nobody will answer.
    #[serde(default)]
    pub cancel: bool,
    /// Who answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_by: Option<String>,
}
