//! What an installed service says about itself, so that it can be compared with what it should be.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The longest service file that is read.
pub(crate) const LIMIT: u64 = 256 * 1024;

/// Who made a service file, and for what. It stands in the file itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    /// The version of the program that wrote it.
    pub version: String,
    /// The profile.
    pub profile: String,
    /// The base port that the profile had then.
    pub port: u16,
    /// The configuration file.
    pub config: String,
    /// The state directory.
    pub state_dir: String,
    /// The program that it starts.
    pub program: String,
    /// SHA-256 of the file without this value: tells whether somebody edited it.
    pub digest: String,
}

impl Metadata {
    /// Name and value of each field, as it stands in a unit.
    pub(crate) fn fields(&self) -> [(&'static str, String); 7] {
        [
            ("Version", self.version.clone()),
            ("Profile", self.profile.clone()),
            ("Port", self.port.to_string()),
            ("Config", self.config.clone()),
            ("StateDir", self.state_dir.clone()),
            ("Program", self.program.clone()),
            ("Digest", self.digest.clone()),
        ]
    }

    /// The same from names and values; `None` without a profile: then the file is not ours.
    pub(crate) fn from_fields(mut value: impl FnMut(&str) -> Option<String>) -> Option<Self> {
        let mut text = |name: &str| value(name).unwrap_or_default();
        let found = Self {
            version: text("Version"),
            profile: text("Profile"),
            port: text("Port").parse().unwrap_or_default(),
            config: text("Config"),
            state_dir: text("StateDir"),
            program: text("Program"),
            digest: text("Digest"),
        };
        (!found.profile.is_empty()).then_some(found)
    }
}

/// The digest of a text that has no digest in it.
pub(crate) fn digest(text: &str) -> String {
    hex::encode(&Sha256::digest(text.as_bytes())[..16])
}

/// Puts the digest of `text` where `empty` stands in it.
pub(crate) fn sealed(text: &str, empty: &str, filled: impl FnOnce(&str) -> String) -> String {
    text.replacen(empty, &filled(&digest(text)), 1)
}
