//! `logs.tail`: the end of the log file, and what came since.

use serde::{Deserialize, Serialize};

use super::MethodSpec;
use crate::{ErrorShape, Scope, limits};

pub(super) const ROWS: &[MethodSpec] =
    &[MethodSpec::new("logs.tail", Scope::OperatorRead, "The last log lines, or those after a cursor.")];

/// Parameters of `logs.tail`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LogsTailParams {
    /// Go on from here; absent: the end of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<u64>,
    /// Most lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Most bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u32>,
}

impl LogsTailParams {
    /// Checks the bounds.
    pub fn check(&self) -> Result<(), ErrorShape> {
        for (path, found, most) in
            [("limit", self.limit, limits::LOG_LINES), ("maxBytes", self.max_bytes, limits::LOG_BYTES)]
        {
            if let Some(found) = found.filter(|found| *found == 0 || *found > most) {
                let problem = format!("found {found}, expected 1 to {most}");
                return Err(ErrorShape::invalid_params("logs.tail", path, problem));
            }
        }
        Ok(())
    }
}

/// Result of `logs.tail`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogsTailResult {
    /// The file.
    pub file: String,
    /// Where to go on.
    pub cursor: u64,
    /// Size of the file.
    pub size: u64,
    /// The lines.
    pub lines: Vec<String>,
    /// Lines before these were left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncated: Option<bool>,
    /// The file was replaced: the cursor began anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset: Option<bool>,
}
