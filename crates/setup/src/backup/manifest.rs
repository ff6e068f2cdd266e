//! What a backup says about itself.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The shape of backups that this program writes and reads.
pub(super) const FORMAT: usize = 1;
/// The name of the manifest inside the archive; always its last entry.
pub(super) const MANIFEST: &str = "manifest.json";
/// Where the parts are inside the archive.
pub(super) const CONFIG: &str = "config/bulkhead.json";
pub(super) const STATE: &str = "state";
pub(super) const WORKSPACE: &str = "workspace";
/// The database inside the archive.
pub(super) const DATABASE: &str = "state/bulkhead.sqlite";

/// What is in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Always `bulkhead`.
    pub product: String,
    /// The shape of the archive.
    pub format: usize,
    /// The program that made it.
    pub version: String,
    /// When, as RFC 3339 in UTC.
    pub created_at: String,
    /// Whose.
    pub profile: String,
    /// Where the profile was.
    pub state_dir: PathBuf,
    /// Where its workspace was.
    pub workspace: PathBuf,
    /// Its base port.
    pub base_port: Option<u16>,
    /// The version of the database's schema; none without a database.
    pub schema: Option<usize>,
    /// Public ids of its Telegram bots.
    #[serde(default)]
    pub bots: Vec<u64>,
    /// Names of the secrets that its configuration refers to. Their values are in no backup.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// What was left out and why.
    #[serde(default)]
    pub left_out: Vec<LeftOut>,
    /// Every entry.
    pub entries: Vec<Entry>,
}

/// Something that is not in the backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// What.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// One entry of the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its path inside the archive, with `/`.
    pub path: String,
    /// What it is.
    #[serde(flatten)]
    pub kind: EntryKind,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum EntryKind {
    /// A file.
    File {
        /// Bytes.
        size: u64,
        /// Permission bits.
        mode: u32,
        /// SHA-256 of its content, in hex.
        sha256: String,
    },
    /// A folder.
    Folder {
        /// Permission bits.
        mode: u32,
    },
    /// A symbolic link, kept as a link.
    Link {
        /// Where it leads.
        target: String,
    },
}

impl Manifest {
    /// How many files.
    pub fn files(&self) -> usize {
        self.entries.iter().filter(|entry| matches!(entry.kind, EntryKind::File { .. })).count()
    }

    /// Their bytes.
    pub fn bytes(&self) -> u64 {
        self.entries
            .iter()
            .map(|entry| if let EntryKind::File { size, .. } = entry.kind { size } else { 0 })
            .sum()
    }
}
