//! `rescue.*`: the other gateway that this one watches, what happened to it, and what can be done for it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::MethodSpec;
use crate::{ErrorShape, Scope};

pub(super) const ROWS: &[MethodSpec] = &[
    MethodSpec::new("rescue.status", Scope::OperatorRead, "How the watched gateway is, and who is told.")
        .since("bulkhead"),
    MethodSpec::new("rescue.incidents", Scope::OperatorRead, "What happened to the watched gateway.")
        .since("bulkhead"),
    // Repeating it with the same idempotency key never repeats the remedy.
    MethodSpec::new("rescue.remedy", Scope::OperatorAdmin, "Does something for the watched gateway.")
        .since("bulkhead"),
    MethodSpec::new(
        "rescue.drill.start",
        Scope::OperatorAdmin,
        "Takes the watched gateway down to see it noticed.",
    )
    .since("bulkhead"),
];

/// Most incidents in one answer.
pub const INCIDENTS: u32 = 200;
/// Most log lines in one answer.
pub const LOG_LINES: u32 = 200;

/// Result of `rescue.status`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RescueStatusResult {
    /// Whether this gateway watches another one.
    pub configured: bool,
    /// What is watched, for people; its profile, where it is one of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watched: Option<String>,
    /// What runs it: `bundled`, `openclaw` or `remote`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// In one word: `good`, `degraded`, `down`, `planned`, `unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<String>,
    /// In one sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// What can be done for it just now.
    pub remedies: Vec<String>,
    /// What is done without asking: `off`, `restart` or `rollback`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto: Option<String>,
    /// User ids that may repair, and are told.
    pub operators: Vec<String>,
    /// Everything that keeps somebody from being told, one sentence each, with what to do.
    pub warnings: Vec<String>,
    /// The incident that lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident: Option<Value>,
    /// Everything else that the watch knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
}

/// Parameters of `rescue.incidents`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RescueIncidentsParams {
    /// Most incidents, the newest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

impl RescueIncidentsParams {
    /// Checks the bounds.
    pub fn check(&self) -> Result<(), ErrorShape> {
        match self.limit {
            Some(found) if found == 0 || found > INCIDENTS => Err(ErrorShape::invalid_params(
                "rescue.incidents",
                "limit",
                format!("found {found}, expected 1 to {INCIDENTS}"),
            )),
            _ => Ok(()),
        }
    }
}

/// Result of `rescue.incidents`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RescueIncidentsResult {
    /// The newest first.
    pub incidents: Vec<Value>,
}

/// Parameters of `rescue.remedy`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RescueRemedyParams {
    /// Which: `restart`, `start`, `rollback`, `safe-mode`, `logs`, `doctor`, `move-to-service`, …
    pub remedy: String,
    /// The person was asked, and said yes; without it a remedy that takes something away asks back.
    #[serde(default)]
    pub confirmed: bool,
    /// For `rollback`: the hash of the version; the newest good one if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The same key never repeats a remedy.
    pub idempotency_key: String,
}

impl RescueRemedyParams {
    /// Checks the form. Which remedies there are, the watch knows.
    pub fn check(&self) -> Result<(), ErrorShape> {
        const METHOD: &str = "rescue.remedy";
        super::chat::check_run_id(METHOD, "idempotencyKey", &self.idempotency_key)?;
        let hash =
            |text: &str| !text.is_empty() && text.len() <= 128 && text.bytes().all(|c| c.is_ascii_hexdigit());
        if self.version.as_deref().is_some_and(|version| !hash(version)) {
            return Err(ErrorShape::invalid_params(METHOD, "version", "expected a hash of `config history`"));
        }
        if self.version.is_some() && self.remedy != "rollback" {
            return Err(ErrorShape::invalid_params(METHOD, "version", "only rollback takes a version"));
        }
        Ok(())
    }
}

/// Result of `rescue.remedy`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RescueRemedyResult {
    /// `accepted`: it is under way, and `rescue.incident` tells the outcome; `confirm`: ask the person, then again with
    /// `confirmed`; `answer`: done.
    pub reply: String,
    /// In words: what is done, the question, or the answer.
    pub text: String,
    /// The request, by which its outcome is found among an incident's remedies.
    pub request: String,
}

/// Parameters of `rescue.drill.start`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RescueDrillStartParams {
    /// `kill`: it is killed as by a crash, and its supervisor brings it back. `stop`: it stays down until it is repaired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how: Option<String>,
    /// The same key never begins a second drill.
    pub idempotency_key: String,
}

impl RescueDrillStartParams {
    /// Checks the form.
    pub fn check(&self) -> Result<(), ErrorShape> {
        const METHOD: &str = "rescue.drill.start";
        super::chat::check_run_id(METHOD, "idempotencyKey", &self.idempotency_key)?;
        match self.how.as_deref() {
            None | Some("kill" | "stop") => Ok(()),
            Some(found) => Err(ErrorShape::invalid_params(
                METHOD,
                "how",
                format!("found {found:?}, expected \"kill\" or \"stop\""),
            )),
        }
    }
}

/// Result of `rescue.drill.start`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RescueDrillStartResult {
    /// The drill.
    pub drill: String,
    /// When it began, in milliseconds since 1970.
    pub began_ms: u64,
    /// In words.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_checked() {
        let key = "a".to_owned();
        let remedy = |remedy: &str, version: Option<&str>| RescueRemedyParams {
            remedy: remedy.into(),
            version: version.map(str::to_owned),
            idempotency_key: key.clone(),
            ..RescueRemedyParams::default()
        };
        assert!(remedy("rollback", Some("00ff")).check().is_ok());
        assert!(remedy("rollback", Some("../x")).check().is_err());
        assert!(remedy("restart", Some("00ff")).check().is_err());
        assert!(RescueIncidentsParams { limit: Some(0) }.check().is_err());
        assert!(RescueIncidentsParams { limit: Some(INCIDENTS) }.check().is_ok());
        let drill = |how: Option<&str>| RescueDrillStartParams {
            how: how.map(str::to_owned),
            idempotency_key: key.clone(),
        };
        assert!(drill(Some("kill")).check().is_ok() && drill(None).check().is_ok());
        assert!(drill(Some("burn")).check().is_err());
        let unknown = r#"{"remedy":"restart","idempotencyKey":"a","sudo":true}"#;
        assert!(serde_json::from_str::<RescueRemedyParams>(unknown).is_err());
    }
}
