//! Looking around in a workspace: what is there, how large, since when.

use std::time::UNIX_EPOCH;

use cap_std::fs::Metadata;

use super::{FileError, Workspace, escape, io_error};

/// Most entries of one folder that are looked at.
const MOST: usize = 20_000;

/// Something in a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Whether it is a folder.
    pub folder: bool,
    /// Bytes.
    pub size: u64,
    /// When it changed, in milliseconds since 1970.
    pub modified_ms: u64,
}

impl Workspace {
    /// What stands at a path; links inside of the workspace are followed.
    pub fn look(&self, given: &str) -> Result<Entry, FileError> {
        let path = self.resolve(given)?;
        let metadata = self.directory.metadata(&path).map_err(|error| escape(given, error))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(entry(name, &metadata))
    }

    /// A page of a folder, sorted by name, and how many entries there are in all. Only files and folders; what belongs to
    /// others, and links, are left out.
    pub fn entries(
        &self,
        given: &str,
        offset: usize,
        limit: usize,
    ) -> Result<(Vec<Entry>, usize), FileError> {
        let path = self.resolve(given)?;
        let mut found = Vec::new();
        for item in self.directory.read_dir(&path).map_err(|error| escape(given, error))?.take(MOST) {
            let item = item.map_err(|error| io_error(given, error))?;
            let name = item.file_name();
            let place = if path.as_os_str() == "." { (&name).into() } else { path.join(&name) };
            let Ok(metadata) = item.metadata() else { continue };
            if self.foreign.contains(&place) || !(metadata.is_file() || metadata.is_dir()) {
                continue;
            }
            found.push(entry(name.to_string_lossy().into_owned(), &metadata));
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        let total = found.len();
        Ok((found.into_iter().skip(offset).take(limit).collect(), total))
    }
}

fn entry(name: String, metadata: &Metadata) -> Entry {
    let since = metadata.modified().ok().and_then(|at| at.into_std().duration_since(UNIX_EPOCH).ok());
    Entry {
        name,
        folder: metadata.is_dir(),
        size: metadata.len(),
        modified_ms: since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_shown_page_by_page_without_what_leads_out() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("w");
        std::fs::create_dir_all(root.join("sub")).unwrap();
        std::fs::create_dir_all(root.join("others")).unwrap();
        std::fs::write(root.join("a.md"), "four").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("/etc", root.join("out")).unwrap();
        let workspace = Workspace::open(&root, &[root.join("others")]).unwrap();
        let (page, total) = workspace.entries(".", 0, 10).unwrap();
        assert_eq!(page.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(), ["a.md", "sub"]);
        assert_eq!((page[0].size, page[1].folder, total), (4, true, 2));
        assert_eq!(workspace.entries(".", 1, 1).unwrap().0[0].name, "sub");
        assert!(workspace.look("../w/a.md").is_err() || workspace.look("a.md").is_ok());
        assert!(workspace.entries("out", 0, 1).is_err());
    }
}
