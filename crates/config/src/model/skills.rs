//! `skills`: where skills are and which may be used.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::SecretInput;

/// `skills`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Skills {
    /// Where else they are looked for.
    pub load: SkillsLoad,
    /// Single skills by their key.
    pub entries: BTreeMap<String, SkillEntry>,
}

/// `skills.load`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SkillsLoad {
    /// Further folders, the least important ones.
    pub extra_dirs: Vec<String>,
}

/// One entry of `skills.entries`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SkillEntry {
    /// Off when `false`.
    pub enabled: Option<bool>,
    /// What its main variable holds.
    pub api_key: Option<SecretInput>,
    /// Variables that its commands get.
    pub env: BTreeMap<String, SecretInput>,
}
