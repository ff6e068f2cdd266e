//! Folders of skills as a library: which there are over all agents, and what is in one. Read only; bounded in number
//! and size, and nothing is followed out of a skill's folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bulkhead_agent::skills::{FILE, Rules, Skill, Source};
use bulkhead_agent::workspace::Workspace;
use bulkhead_protocol::methods::skills::{LibraryEntry, LibraryFile};
use sha2::{Digest as _, Sha256};

/// Files of one skill at most.
const FILES: usize = 256;
/// Files and folders that are looked at in one skill at most.
const LOOKS: usize = 512;
/// The largest file, in bytes.
const LARGEST: u64 = 1024 * 1024;
/// All files of one skill together, in bytes.
const WHOLE: u64 = 8 * 1024 * 1024;
/// Longest slug, in characters.
const SLUG: usize = 63;

/// A skill, and which agents find it.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    skill: Skill,
    /// Names of the agents that find it.
    agents: Vec<String>,
    enabled: bool,
}

/// What was found over all agents, each folder once.
#[derive(Debug, Default)]
pub(crate) struct Library {
    by_folder: BTreeMap<(String, PathBuf), Found>,
}

impl Library {
    /// Adds what one agent finds.
    pub(crate) fn add<'a>(
        &mut self,
        agent: &str,
        skills: impl IntoIterator<Item = &'a Skill>,
        rules: &Rules,
    ) {
        for skill in skills {
            let off = rules.entries.get(skill.key()).and_then(|entry| entry.enabled) == Some(false);
            let place = (skill.name.clone(), skill.folder.clone());
            let found = self.by_folder.entry(place).or_insert_with(|| Found {
                skill: skill.clone(),
                agents: Vec::new(),
                enabled: !off,
            });
            found.agents.push(agent.to_owned());
        }
    }

    /// The programs that the skills ask for.
    pub(crate) fn programs(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .by_folder
            .values()
            .flat_map(|found| {
                let needs = &found.skill.manifest.requirements;
                needs.bins.iter().chain(&needs.any_bins)
            })
            .map(String::as_str)
            .filter(|name| !name.is_empty())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Every skill by name. Those whose folder cannot be read any more are left out. Reads files.
    pub(crate) fn entries(&self) -> Vec<LibraryEntry> {
        self.by_folder
            .values()
            .filter_map(|found| Some(found.entry(&Bundle::read(&found.skill.folder).ok()?)))
            .collect()
    }

    /// One by its id.
    pub(crate) fn by_id(&self, id: &str) -> Option<&Found> {
        self.by_folder.values().find(|found| id_of(&found.skill.folder) == id)
    }
}

impl Found {
    /// What is in its folder now, whole. The error says what stands in the way.
    pub(crate) fn read(&self) -> Result<(LibraryEntry, String, Vec<LibraryFile>), String> {
        let mut bundle = Bundle::read(&self.skill.folder)?;
        let entry = self.entry(&bundle);
        if let Some((path, size)) = bundle.left_out.first() {
            return Err(format!(
                "{path} has {size} bytes or comes after more than a skill's files may have, expected up to {LARGEST} a \
                 file, {WHOLE} and {FILES} files in all; read {} on the machine itself",
                self.skill.folder.display()
            ));
        }
        let own = bundle.files.iter().position(|file| file.path == FILE);
        let own = bundle.files.remove(own.ok_or_else(|| format!("{FILE} is not there any more"))?);
        let content = String::from_utf8(own.bytes).map_err(|_| format!("{FILE} is no UTF-8 text"))?;
        Ok((entry, content, bundle.files.into_iter().map(File::told).collect()))
    }

    fn entry(&self, bundle: &Bundle) -> LibraryEntry {
        let skill = &self.skill;
        let place = match skill.source {
            Source::Workspace | Source::Project => format!("Workspace of {}", self.agents.join(", ")),
            Source::Personal => "Personal folder".to_owned(),
            Source::Managed => "This profile".to_owned(),
            Source::Extra => "Further folder".to_owned(),
        };
        LibraryEntry {
            skill_id: id_of(&skill.folder),
            slug: slug(&skill.name),
            name: skill.name.clone(),
            owner_label: place,
            description: skill.manifest.description.clone(),
            owner_profile_id: None,
            author_profile_id: None,
            shared: self.agents.len() > 1 || !matches!(skill.source, Source::Workspace | Source::Project),
            enabled: self.enabled,
            removed: false,
            revision: bundle.revision(),
            created_at: bundle.oldest,
            updated_at: bundle.newest,
            can_edit: false,
        }
    }
}

/// The id of a folder: the same as long as it lies where it lies.
fn id_of(folder: &Path) -> String {
    let hash = Sha256::digest(folder.as_os_str().as_encoded_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid::Uuid::from_bytes(bytes).to_string()
}

/// A name as a part of an address.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for letter in name.to_ascii_lowercase().chars() {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(SLUG);
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "skill".to_owned() } else { slug.to_owned() }
}

/// The files of a skill.
#[derive(Debug, Default)]
struct Bundle {
    files: Vec<File>,
    /// Too large, or too many: path and size.
    left_out: Vec<(String, u64)>,
    oldest: u64,
    newest: u64,
}

#[derive(Debug)]
struct File {
    path: String,
    bytes: Vec<u8>,
    executable: bool,
}

impl File {
    fn told(self) -> LibraryFile {
        let (content, encoding) = match String::from_utf8(self.bytes) {
            Ok(text) => (text, "utf8"),
            Err(bytes) => (STANDARD.encode(bytes.as_bytes()), "base64"),
        };
        LibraryFile { path: self.path, content, encoding: encoding.to_owned(), executable: self.executable }
    }
}

impl Bundle {
    /// Reads a folder, as far as the bounds go.
    fn read(folder: &Path) -> Result<Self, String> {
        let opened = Workspace::open(folder, &[]).map_err(|error| error.to_string())?;
        let mut bundle = Self { oldest: u64::MAX, ..Self::default() };
        let mut folders = vec![String::new()];
        let (mut looks, mut whole) = (0, 0_u64);
        while let Some(below) = folders.pop() {
            let asked = if below.is_empty() { "." } else { below.as_str() };
            let (entries, _) = opened.entries(asked, 0, LOOKS).map_err(|error| error.to_string())?;
            for entry in entries {
                looks += 1;
                let path =
                    if below.is_empty() { entry.name.clone() } else { format!("{below}/{}", entry.name) };
                if entry.folder {
                    if looks <= LOOKS && entry.name != ".git" && entry.name != "node_modules" {
                        folders.push(path);
                    }
                    continue;
                }
                bundle.oldest = bundle.oldest.min(entry.modified_ms);
                bundle.newest = bundle.newest.max(entry.modified_ms);
                let fits = entry.size <= LARGEST
                    && whole.saturating_add(entry.size) <= WHOLE
                    && bundle.files.len() < FILES
                    && looks <= LOOKS;
                match fits.then(|| opened.read(&path, LARGEST)) {
                    Some(Ok(bytes)) => {
                        whole = whole.saturating_add(entry.size);
                        let executable = executable(&folder.join(&path));
                        bundle.files.push(File { path, bytes, executable });
                    }
                    _ => bundle.left_out.push((path, entry.size)),
                }
            }
        }
        bundle.oldest = bundle.oldest.min(bundle.newest);
        bundle.files.sort_by(|a, b| a.path.cmp(&b.path));
        bundle.left_out.sort();
        Ok(bundle)
    }

    /// SHA-256 over paths and contents; of what is too large its size counts.
    fn revision(&self) -> String {
        let mut hash = Sha256::new();
        for file in &self.files {
            hash.update(file.path.as_bytes());
            hash.update([0, u8::from(file.executable)]);
            hash.update(Sha256::digest(&file.bytes));
        }
        for (path, size) in &self.left_out {
            hash.update(path.as_bytes());
            hash.update([0, 2]);
            hash.update(size.to_be_bytes());
        }
        hex::encode(hash.finalize())
    }
}

#[cfg(unix)]
fn executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::symlink_metadata(path)
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn executable(_path: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use bulkhead_agent::skills::{roots, scan};

    fn library(workspace: &Path, state: &Path) -> Library {
        let shelf = scan(&roots(workspace, None, state, &[]));
        let mut library = Library::default();
        library.add("Main", &shelf.skills, &Rules::default());
        library
    }

    #[test]
    fn a_folder_is_one_entry_with_its_files_and_changes_its_revision() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("w/skills/My_notes");
        std::fs::create_dir_all(folder.join("data")).unwrap();
        let text = "---\nname: my_notes\ndescription: Notes\nmetadata: { openclaw: { requires: { bins: [jq], anyBins: [rg, jq] } } }\n---\nDo it.\n";
        std::fs::write(folder.join(FILE), text).unwrap();
        std::fs::write(folder.join("data/raw.bin"), [0xff, 0]).unwrap();
        let library = library(&dir.path().join("w"), &dir.path().join("s"));
        assert_eq!(library.programs(), ["jq", "rg"]);
        let before = library.entries();
        assert_eq!(
            (before[0].slug.as_str(), before[0].owner_label.as_str(), before[0].shared),
            ("my-notes", "Workspace of Main", false)
        );
        assert_eq!((before[0].skill_id.len(), before[0].revision.len()), (36, 64));
        let (_, content, files) = library.by_id(&before[0].skill_id).unwrap().read().unwrap();
        assert_eq!(content, text);
        assert_eq!((files[0].path.as_str(), files[0].encoding.as_str()), ("data/raw.bin", "base64"));
        std::fs::write(folder.join("data/raw.bin"), [0xff, 1]).unwrap();
        let after = library.entries();
        assert_eq!(after[0].skill_id, before[0].skill_id);
        assert_ne!(after[0].revision, before[0].revision);
        std::fs::write(folder.join("large"), vec![0; 1024 * 1024 + 1]).unwrap();
        assert_ne!(library.entries()[0].revision, after[0].revision);
        let refused = library.by_id(&before[0].skill_id).unwrap().read().unwrap_err();
        assert!(refused.starts_with("large has 1048577 bytes"), "{refused}");
    }

    #[test]
    fn slugs() {
        for (name, expected) in [
            ("Notes", "notes"),
            ("a__b", "a-b"),
            ("-x-", "x"),
            ("\u{fc}", "skill"),
            (&"y".repeat(90), &"y".repeat(63)),
        ] {
            assert_eq!(slug(name), expected);
        }
    }
}
