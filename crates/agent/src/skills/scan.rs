//! Looks for skills in their places. Bounded in depth, number and size; nothing is followed out of its place.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::manifest::is_name;
use super::{FILE, Manifest, Root, Skill};
use crate::workspace::Workspace;

/// How deep skills may lie below their place.
const DEPTH: usize = 6;
/// Skills of one place at most.
const SKILLS: usize = 300;
/// Folders that are looked into in one place at most.
const FOLDERS: usize = 5000;
/// The largest `SKILL.md`, in bytes.
const LARGEST: u64 = 256 * 1024;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shelf {
    /// The skills by name, the first place that has a name wins.
    pub skills: Vec<Skill>,
    /// What was passed over, in words: file, reason.
    pub problems: Vec<(PathBuf, String)>,
}

/// Looks into all places. Reads files: call it where that may block.
pub fn scan(roots: &[Root]) -> Shelf {
    let mut shelf = Shelf::default();
    let mut names = BTreeSet::new();
    for root in roots {
        let found = Place::open(root, &mut shelf.problems).map(|place| place.look(&mut shelf.problems));
        for skill in found.unwrap_or_default() {
            if names.insert(skill.name.clone()) {
                shelf.skills.push(skill);
            }
        }
    }
    shelf.skills.sort_by(|a, b| a.name.cmp(&b.name));
    shelf
}

/// One place, opened: its files are reached only from there.
struct Place<'a> {
    root: &'a Root,
    opened: Workspace,
}

impl<'a> Place<'a> {
    fn open(root: &'a Root, problems: &mut Vec<(PathBuf, String)>) -> Option<Self> {
        match std::fs::metadata(&root.path) {
            Ok(found) if found.is_dir() => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Ok(_) => {
                problems.push((root.path.clone(), "is no folder, expected one with skills in it".to_owned()));
                return None;
            }
            Err(error) => {
                problems.push((root.path.clone(), error.to_string()));
                return None;
            }
        }
        match Workspace::open(&root.path, &[]) {
            Ok(opened) => Some(Self { root, opened }),
            Err(error) => {
                problems.push((root.path.clone(), error.to_string()));
                None
            }
        }
    }

    fn look(&self, problems: &mut Vec<(PathBuf, String)>) -> Vec<Skill> {
        let mut skills = Vec::new();
        let mut folders = vec![(PathBuf::from("."), 0)];
        let mut seen = 0;
        while let Some((folder, depth)) = folders.pop() {
            seen += 1;
            if seen > FOLDERS || skills.len() >= SKILLS {
                let why =
                    format!("holds more than {SKILLS} skills or {FOLDERS} folders; the rest is left out");
                problems.push((self.root.path.clone(), why));
                break;
            }
            let text = folder.to_string_lossy();
            let Ok((entries, _)) = self.opened.list(&text, FOLDERS) else { continue };
            if depth > 0 && entries.iter().any(|name| name == FILE || name.strip_suffix('@') == Some(FILE)) {
                match self.read(&folder) {
                    Ok(skill) => skills.push(skill),
                    Err(why) => problems.push((self.root.path.join(&folder).join(FILE), why)),
                }
                continue;
            }
            for name in &entries {
                if let Some(name) =
                    name.strip_suffix('/').filter(|name| *name != "node_modules" && *name != ".git")
                {
                    if depth < DEPTH {
                        folders.push((folder.join(name), depth + 1));
                    }
                } else if let Some(link) = name.strip_suffix('@') {
                    self.judge_link(&folder.join(link), problems);
                }
            }
        }
        skills
    }

    /// What a link shows is found where it lies, if it lies here at all.
    fn judge_link(&self, link: &Path, problems: &mut Vec<(PathBuf, String)>) {
        let full = self.opened.root().join(link);
        let outside = std::fs::canonicalize(&full).is_ok_and(|real| {
            !real.starts_with(self.opened.root()) && (real.is_dir() || real.ends_with(FILE))
        });
        if outside {
            let why = "is a link that leads out of its place, and is not followed; copy the folder instead";
            problems.push((self.root.path.join(link), why.to_owned()));
        }
    }

    fn read(&self, folder: &Path) -> Result<Skill, String> {
        let file = folder.join(FILE);
        let bytes = self.opened.read(&file.to_string_lossy(), LARGEST).map_err(|error| error.to_string())?;
        let text = String::from_utf8(bytes).map_err(|_| "is no UTF-8 text".to_owned())?;
        let manifest = Manifest::parse(&text)?;
        let own = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let name = manifest.name.clone().unwrap_or(own);
        if !is_name(&name) {
            return Err(format!(
                "has no usable name (its folder is called {name:?}); give it one in its head"
            ));
        }
        let folder = self.opened.root().join(folder.strip_prefix(".").unwrap_or(folder));
        Ok(Skill { name, source: self.root.source, folder, manifest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::skills::{Source, roots};

    fn put(folder: &Path, name: &str, description: &str) {
        std::fs::create_dir_all(folder).unwrap();
        let text = format!("---\nname: {name}\ndescription: {description}\n---\nDo it.\n");
        std::fs::write(folder.join(FILE), text).unwrap();
    }

    #[test]
    fn the_first_place_wins_and_groups_are_looked_into() {
        let dir = tempfile::tempdir().unwrap();
        let (workspace, state) = (dir.path().join("w"), dir.path().join("s"));
        put(&workspace.join("skills/group/notes"), "notes", "mine");
        put(&state.join("skills/notes"), "notes", "shared");
        put(&state.join("skills/mail"), "mail", "shared");
        std::fs::create_dir_all(state.join("skills/broken")).unwrap();
        std::fs::write(state.join("skills/broken").join(FILE), "nothing").unwrap();
        let shelf = scan(&roots(&workspace, None, &state, &[]));
        let found: Vec<(&str, &str, Source)> = shelf
            .skills
            .iter()
            .map(|skill| (skill.name.as_str(), skill.manifest.description.as_str(), skill.source))
            .collect();
        assert_eq!(found, [("mail", "shared", Source::Managed), ("notes", "mine", Source::Workspace)]);
        assert_eq!(shelf.problems.len(), 1, "{:?}", shelf.problems);
        assert!(shelf.skills[1].file().is_file());
    }

    #[cfg(unix)]
    #[test]
    fn links_that_lead_out_and_files_that_are_too_large_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let outside = dir.path().join("outside");
        put(&outside, "evil", "d");
        let workspace = dir.path().join("w");
        let skills = workspace.join("skills");
        std::fs::create_dir_all(skills.join("sly")).unwrap();
        std::os::unix::fs::symlink(&outside, skills.join("evil")).unwrap();
        std::os::unix::fs::symlink(outside.join(FILE), skills.join("sly").join(FILE)).unwrap();
        put(&skills.join("big"), "big", &"x".repeat(300 * 1024));
        let shelf = scan(&roots(&workspace, None, &dir.path().join("s"), &[]));
        assert_eq!(shelf.skills, []);
        assert_eq!(shelf.problems.len(), 3, "{:?}", shelf.problems);
    }
}
