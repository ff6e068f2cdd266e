//! Skills: folders with a `SKILL.md` that tells an agent how something is done. Found in fixed places, checked against this
//! machine, and named in the prompt; the agent reads the file itself when it needs it.
//!
//! The first place that has a name wins: the agent's workspace (`skills/`, then `.agents/skills/`), the user's
//! `~/.agents/skills` (of a profile in its usual place), the profile's `skills/`, further folders of the configuration.
//! No file is followed out of its place, and nothing in a skill is ever executed by being found.

mod gate;
mod manifest;
mod prompt;
mod report;
mod scan;

use std::path::{Path, PathBuf};

pub use gate::{Entry, Requirements, Rules, Surroundings, Verdict};
pub use manifest::Manifest;
pub use prompt::listing;
pub use report::report;
pub use scan::{Shelf, scan};

/// The file that makes a folder a skill.
pub const FILE: &str = "SKILL.md";

/// Where a skill was found, in the protocol's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// `skills/` of the agent's workspace.
    Workspace,
    /// `.agents/skills/` of the agent's workspace.
    Project,
    /// `~/.agents/skills`.
    Personal,
    /// `skills/` of the profile.
    Managed,
    /// A folder of `skills.load.extraDirs`.
    Extra,
}

impl Source {
    /// The protocol's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Workspace => "openclaw-workspace",
            Self::Project => "agents-skills-project",
            Self::Personal => "agents-skills-personal",
            Self::Managed => "openclaw-managed",
            Self::Extra => "openclaw-extra",
        }
    }
}

/// A folder that may hold skills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// The folder; it need not be there.
    pub path: PathBuf,
    /// What it is.
    pub source: Source,
}

/// The places for one agent, the most important first. `home` only for a profile in its usual place.
pub fn roots(workspace: &Path, home: Option<&Path>, state_dir: &Path, extra: &[PathBuf]) -> Vec<Root> {
    let mut all = vec![
        Root { path: workspace.join("skills"), source: Source::Workspace },
        Root { path: workspace.join(".agents").join("skills"), source: Source::Project },
    ];
    all.extend(home.map(|home| Root { path: home.join(".agents").join("skills"), source: Source::Personal }));
    all.push(Root { path: state_dir.join("skills"), source: Source::Managed });
    all.extend(extra.iter().map(|path| Root { path: path.clone(), source: Source::Extra }));
    all
}

impl Shelf {
    /// The skills that an agent with these rules can use here.
    pub fn eligible(&self, rules: &Rules, here: &dyn Surroundings) -> Vec<&Skill> {
        self.skills.iter().filter(|skill| gate::judge(skill, rules, here).eligible()).collect()
    }
}

/// A skill that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Skill {
    /// Its name: what `SKILL.md` says, else its folder's.
    pub name: String,
    /// Where it was found.
    pub source: Source,
    /// Its folder, without symbolic links.
    pub folder: PathBuf,
    /// What `SKILL.md` says about it.
    pub manifest: Manifest,
}

impl Skill {
    /// Under which name the configuration knows it.
    pub fn key(&self) -> &str {
        self.manifest.skill_key.as_deref().unwrap_or(&self.name)
    }

    /// Its `SKILL.md`.
    pub fn file(&self) -> PathBuf {
        self.folder.join(FILE)
    }
}
