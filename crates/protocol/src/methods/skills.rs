//! `skills.*`: what agents can read up on.

use serde::{Deserialize, Serialize};

use super::MethodSpec;
use crate::{ErrorShape, Scope};

pub(super) const ROWS: &[MethodSpec] = &[
    MethodSpec::new(
        "skills.status",
        Scope::OperatorRead,
        "The skills of an agent, and what keeps them from being used.",
    ),
    MethodSpec::new("skills.update", Scope::OperatorAdmin, "Switches a skill on or off."),
];

/// Longest key of a skill, in characters.
const KEY: usize = 64;

/// Parameters of `skills.status`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SkillsStatusParams {
    /// Of this agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// Of the agent of this session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_key: Option<String>,
}

/// Parameters of `skills.update`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SkillsUpdateParams {
    /// The skill's key.
    pub skill_key: String,
    /// On or off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

impl SkillsUpdateParams {
    /// The key, if it can be one.
    pub fn check(&self) -> Result<&str, ErrorShape> {
        let key = self.skill_key.trim();
        let fits = !key.is_empty() && key.chars().count() <= KEY && !key.chars().any(char::is_control);
        if !fits {
            let problem =
                format!("found {} characters, expected 1 to {KEY} printable ones", key.chars().count());
            return Err(ErrorShape::invalid_params("skills.update", "skillKey", problem));
        }
        Ok(key)
    }
}
