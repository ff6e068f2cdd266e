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
    MethodSpec::new("skills.bins", Scope::Node, "The programs that skills ask for."),
    MethodSpec::new("skills.library.list", Scope::OperatorRead, "The folders of skills, of all agents.")
        .since("2026.8"),
    MethodSpec::new("skills.library.read", Scope::OperatorRead, "One such folder with its files.")
        .since("2026.8"),
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

/// Parameters of `skills.library.list`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SkillsLibraryListParams {
    /// Tell too what this session has selected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_key: Option<String>,
    /// Whose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<LibraryScope>,
}

/// Whose skills are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LibraryScope {
    /// Those of the person who asks; here nobody has skills of their own.
    Mine,
    /// Those that belong to nobody in particular.
    Team,
    /// All.
    All,
}

/// Parameters of `skills.library.read`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SkillsLibraryReadParams {
    /// Which one, as the list names it.
    pub skill_id: String,
    /// Only if it is this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// As this session selected it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_key: Option<String>,
}

/// A skill of the library.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LibraryEntry {
    /// Names it everywhere: 36 characters.
    pub skill_id: String,
    /// Its name for addresses: `a-z`, `0-9` and `-`.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Where it lies, for people.
    pub owner_label: String,
    /// When it is of use.
    pub description: String,
    /// The person whose it is; here nobody's.
    pub owner_profile_id: Option<String>,
    /// The person who wrote it; here not known.
    pub author_profile_id: Option<String>,
    /// Whether more than one agent can find it.
    pub shared: bool,
    /// Whether the configuration leaves it on.
    pub enabled: bool,
    /// Whether it was taken away.
    pub removed: bool,
    /// SHA-256 over all of its files.
    pub revision: String,
    /// When its oldest file changed, in milliseconds since 1970.
    pub created_at: u64,
    /// When its newest file changed.
    pub updated_at: u64,
    /// Whether the caller may change it; nobody may over the protocol.
    pub can_edit: bool,
}

/// What `skills.library.list` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SkillsLibraryListResult {
    /// The skills by name.
    pub entries: Vec<LibraryEntry>,
    /// The person who asks; here nobody in particular.
    pub profile_id: Option<String>,
    /// Whether several people have skills of their own.
    pub multiple_profiles: bool,
    /// Where a new one would go: `workspace`.
    pub default_target: String,
    /// Whether the caller may change skills of a workspace; nobody may over the protocol.
    pub can_manage_workspace: bool,
    /// So many skills a new session selects at most.
    pub default_selection_limit: u32,
    /// What the session that was named has selected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<LibrarySession>,
}

/// What a session has selected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LibrarySession {
    /// The session.
    pub session_key: String,
    /// Versions that it holds on to; here none, since agents read the folders as they are.
    pub selections: Vec<LibraryEntry>,
    /// Skills that could be selected; here none.
    pub attachable: Vec<LibraryEntry>,
}

/// A file of a skill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LibraryFile {
    /// Below the skill's folder, with `/`.
    pub path: String,
    /// The text, or base64.
    pub content: String,
    /// `utf8` or `base64`.
    pub encoding: String,
    /// Whether it may be run.
    pub executable: bool,
}

/// A version of a skill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LibraryRevision {
    /// SHA-256 over all of its files.
    pub revision: String,
    /// When it came to be, in milliseconds since 1970.
    pub created_at: u64,
}

/// What `skills.library.read` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkillsLibraryReadResult {
    /// The skill.
    pub entry: LibraryEntry,
    /// Its versions; here the one that lies in its folder.
    pub revisions: Vec<LibraryRevision>,
    /// Its `SKILL.md`.
    pub content: String,
    /// Its other files.
    pub files: Vec<LibraryFile>,
}
