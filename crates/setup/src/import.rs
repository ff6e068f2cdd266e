//! Taking over what an OpenClaw on this machine has: configuration, secrets, folders, conversations, people.
//!
//! The source is only read: no file of it is opened for writing and none is made beside it, whether its gateway runs or
//! not. What comes of every part is told in one line.

mod bring;
mod credentials;
mod database;
mod folders;
mod includes;
mod jobs;
mod line;
mod people;
mod prepare;
mod profiles;
mod reading;
mod secrecy_of;
mod sessions;
pub(crate) mod source;
mod transcript;
mod translate;
mod variables;
mod vendors;
mod wal;

use std::fmt;

use serde::Deserialize;

pub(crate) use self::bring::{BroughtJournal, bring, undo};
pub use self::line::{ImportArea, ImportLine, ImportResult};
pub use self::prepare::Brought;
pub(crate) use self::prepare::{prepare, refuse_configured};

/// What to take over.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportPlan {
    /// From what.
    pub kind: ImportKind,
    /// Its state directory or configuration file; none means the only one on this machine.
    #[serde(default)]
    pub from: Option<String>,
    /// Answer its bots from now on. Its gateway must not run.
    #[serde(default)]
    pub take_over: bool,
    /// Use its port from now on. Its gateway must not run.
    #[serde(default)]
    pub take_over_port: bool,
    /// Whether conversations come along.
    #[serde(default = "yes")]
    pub sessions: bool,
}

fn yes() -> bool {
    true
}

/// What can be taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum ImportKind {
    /// An installed OpenClaw.
    #[serde(rename = "openclaw")]
    OpenClaw,
}

impl fmt::Display for ImportKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpenClaw")
    }
}
