//! The folder an agent lives in, and the wall around it.
//!
//! [`Workspace`] opens the folder once and then reaches files only from there, through a capability-based file system
//! (`openat2` with `RESOLVE_BENEATH` where the kernel has it): neither `..` nor an absolute path nor a symbolic link leads out,
//! also not one that is put there in between. Places inside it that belong to others (another profile's workspace, the gateway's
//! state) can be named as foreign and are then out of reach as well.

mod browse;

use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, OpenOptions};

use crate::error::AgentError;

pub use browse::Entry;

/// The files that describe the agent, in the order in which they enter the prompt.
pub const PROMPT_FILES: [&str; 5] = ["AGENTS.md", "SOUL.md", "USER.md", "IDENTITY.md", "TOOLS.md"];

/// What a new workspace holds.
const TEMPLATES: [(&str, &str); 5] = [
    ("AGENTS.md", include_str!("templates/AGENTS.md")),
    ("SOUL.md", include_str!("templates/SOUL.md")),
    ("USER.md", include_str!("templates/USER.md")),
    ("IDENTITY.md", include_str!("templates/IDENTITY.md")),
    ("TOOLS.md", include_str!("templates/TOOLS.md")),
];

/// Makes the folder (only the user may enter it) and, in an empty or new one, the files that describe the agent. Never
/// changes a file that is there, and never adds one to a workspace that someone already keeps.
pub fn ensure_templates(directory: &Path) -> Result<(), AgentError> {
    let trouble = |error: &io::Error| unusable(directory, error);
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory).map_err(|error| trouble(&error))?;
    if std::fs::read_dir(directory).map_err(|error| trouble(&error))?.next().is_some() {
        return Ok(());
    }
    for (name, text) in TEMPLATES {
        let created = std::fs::OpenOptions::new().write(true).create_new(true).open(directory.join(name));
        match created {
            Ok(mut file) => file.write_all(text.as_bytes()).map_err(|error| trouble(&error))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(trouble(&error)),
        }
    }
    Ok(())
}

fn unusable(path: &Path, error: &io::Error) -> AgentError {
    AgentError::Workspace {
        path: path.display().to_string(),
        found: error.to_string(),
        expected: "a folder that this program may read and write",
        next_step: "Correct its permissions, or set another agents.defaults.workspace",
    }
}

/// Why a path is refused or a file operation failed, as the model is told.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Leads out of the workspace.
    #[error("{0}: outside of the workspace; use a path inside of it, relative to it")]
    Outside(String),
    /// Belongs to someone else.
    #[error("{0}: belongs to another part of this system, not to this workspace")]
    Foreign(String),
    /// Not a regular file.
    #[error("{path}: is {found}, expected a file")]
    NotAFile {
        /// The path as it was given.
        path: String,
        /// What it is.
        found: &'static str,
    },
    /// Too long.
    #[error("{path}: {size} bytes, more than the {limit} that can be handled at once")]
    TooLarge {
        /// The path as it was given.
        path: String,
        /// Its size.
        size: u64,
        /// The bound.
        limit: u64,
    },
    /// Anything the system says.
    #[error("{path}: {error}")]
    Io {
        /// The path as it was given.
        path: String,
        /// What it says.
        error: io::Error,
    },
}

/// An opened workspace; clones share it.
#[derive(Debug, Clone)]
pub struct Workspace {
    root: Arc<Path>,
    directory: Arc<Dir>,
    /// Relative to the root.
    foreign: Arc<[PathBuf]>,
}

impl Workspace {
    /// Opens the folder `root`. Of `foreign`, what lies inside it is out of reach.
    pub fn open(root: &Path, foreign: &[PathBuf]) -> Result<Self, AgentError> {
        let canonical = std::fs::canonicalize(root).map_err(|error| unusable(root, &error))?;
        let mut inside = Vec::new();
        for path in foreign {
            // What does not exist yet is compared by its name.
            let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
            match path.strip_prefix(&canonical) {
                Ok(relative) if relative.as_os_str().is_empty() => {
                    return Err(AgentError::Workspace {
                        path: root.display().to_string(),
                        found: "this folder belongs to another profile or to the gateway itself".to_owned(),
                        expected: "a folder of its own",
                        next_step: "Set another agents.defaults.workspace",
                    });
                }
                Ok(relative) => inside.push(relative.to_owned()),
                Err(_) => {}
            }
        }
        let directory =
            Dir::open_ambient_dir(&canonical, ambient_authority()).map_err(|error| unusable(root, &error))?;
        Ok(Self { root: canonical.into(), directory: Arc::new(directory), foreign: inside.into() })
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The path inside of the workspace that `given` means, textually: relative, or absolute below the root.
    fn relative(&self, given: &str) -> Result<PathBuf, FileError> {
        let outside = || FileError::Outside(given.to_owned());
        if given.contains('\0') || given.len() > 4096 {
            return Err(outside());
        }
        let path = Path::new(given.trim());
        let path = if path.has_root() { path.strip_prefix(&self.root).map_err(|_| outside())? } else { path };
        let mut clean = PathBuf::new();
        for component in path.components() {
            match component {
                Component::CurDir => {}
                Component::Normal(name) => clean.push(name),
                // `a/../b` is fine as long as it stays inside; symbolic links are the file system's matter below.
                Component::ParentDir if clean.pop() => {}
                _ => return Err(outside()),
            }
        }
        if clean.as_os_str().is_empty() {
            clean.push(".");
        }
        Ok(clean)
    }

    /// The real place of `given`: every symbolic link followed, inside, and nobody else's.
    fn resolve(&self, given: &str) -> Result<PathBuf, FileError> {
        let relative = self.relative(given)?;
        let real = match self.directory.canonicalize(&relative) {
            Ok(real) => real,
            // Not there yet: then the nearest folder that is there must be ours.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut missing = vec![relative.file_name().unwrap_or_default().to_owned()];
                let mut parent = relative.parent().map(Path::to_owned).unwrap_or_default();
                loop {
                    if parent.as_os_str().is_empty() {
                        parent.push(".");
                    }
                    match self.directory.canonicalize(&parent) {
                        Ok(real) => break missing.iter().rev().fold(real, |path, name| path.join(name)),
                        Err(error) if error.kind() == io::ErrorKind::NotFound => {
                            missing.push(parent.file_name().unwrap_or_default().to_owned());
                            parent = parent.parent().map(Path::to_owned).unwrap_or_default();
                        }
                        Err(error) => return Err(escape(given, error)),
                    }
                }
            }
            Err(error) => return Err(escape(given, error)),
        };
        // The last part may be a dangling link: nothing is made through it.
        if self.directory.symlink_metadata(&real).is_ok_and(|metadata| metadata.is_symlink()) {
            return Err(FileError::Outside(given.to_owned()));
        }
        if self.foreign.iter().any(|foreign| real.starts_with(foreign)) {
            return Err(FileError::Foreign(given.to_owned()));
        }
        Ok(real)
    }

    /// Reads a whole file of at most `limit` bytes.
    pub fn read(&self, given: &str, limit: u64) -> Result<Vec<u8>, FileError> {
        let path = self.resolve(given)?;
        let (file, size) = self.open_file(given, &path)?;
        if size > limit {
            return Err(FileError::TooLarge { path: given.to_owned(), size, limit });
        }
        let mut bytes = Vec::new();
        // It may grow meanwhile.
        file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| io_error(given, error))?;
        match u64::try_from(bytes.len()) {
            Ok(size) if size > limit => Err(FileError::TooLarge { path: given.to_owned(), size, limit }),
            _ => Ok(bytes),
        }
    }

    fn open_file(&self, given: &str, path: &Path) -> Result<(File, u64), FileError> {
        let mut options = OpenOptions::new();
        options.read(true);
        // A pipe without a writer must not hold us.
        #[cfg(unix)]
        cap_std::fs::OpenOptionsExt::custom_flags(&mut options, NONBLOCK);
        let file = self.directory.open_with(path, &options).map_err(|error| escape(given, error))?;
        let metadata = file.metadata().map_err(|error| io_error(given, error))?;
        if metadata.is_file() {
            return Ok((file, metadata.len()));
        }
        let found = if metadata.is_dir() { "a folder" } else { "a device, pipe or socket" };
        Err(FileError::NotAFile { path: given.to_owned(), found })
    }

    /// Writes a whole file: readers see the old or the new one, never a part. Missing folders are made. Returns whether it
    /// is new.
    pub fn write(&self, given: &str, bytes: &[u8]) -> Result<bool, FileError> {
        let path = self.resolve(given)?;
        let Some(name) = path.file_name().filter(|_| path.as_os_str() != ".") else {
            return Err(FileError::NotAFile { path: given.to_owned(), found: "a folder" });
        };
        let trouble = |error| io_error(given, error);
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        if let Some(parent) = parent {
            self.directory.create_dir_all(parent).map_err(|error| escape(given, error))?;
        }
        let directory = match parent {
            Some(parent) => self.directory.open_dir(parent).map_err(|error| escape(given, error))?,
            None => self.directory.try_clone().map_err(trouble)?,
        };
        let existing = match directory.symlink_metadata(name) {
            Ok(metadata) if metadata.is_file() => Some(metadata),
            Ok(metadata) => {
                let found = if metadata.is_dir() { "a folder" } else { "no regular file" };
                return Err(FileError::NotAFile { path: given.to_owned(), found });
            }
            Err(_) => None,
        };
        let temporary = format!(".{}.tmp", uuid::Uuid::new_v4().simple());
        let written = (|| {
            let mut file =
                directory.open_with(&temporary, OpenOptions::new().write(true).create_new(true))?;
            file.write_all(bytes)?;
            if let Some(existing) = &existing {
                file.set_permissions(existing.permissions())?;
            }
            file.sync_all()?;
            directory.rename(&temporary, &directory, name)
        })();
        if let Err(error) = written {
            let _ = directory.remove_file(&temporary);
            return Err(trouble(error));
        }
        Ok(existing.is_none())
    }

    /// What is in a folder: names, folders with a trailing `/`, links with `@`, sorted; at most `limit`, then how many there are in all.
    pub fn list(&self, given: &str, limit: usize) -> Result<(Vec<String>, usize), FileError> {
        let path = self.resolve(given)?;
        let entries = self.directory.read_dir(&path).map_err(|error| escape(given, error))?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| io_error(given, error))?;
            let place =
                if path.as_os_str() == "." { entry.file_name().into() } else { path.join(entry.file_name()) };
            if self.foreign.contains(&place) {
                continue;
            }
            let mut name = entry.file_name().to_string_lossy().into_owned();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => name.push('/'),
                Ok(kind) if kind.is_symlink() => name.push('@'),
                _ => {}
            }
            names.push(name);
        }
        names.sort_unstable();
        let all = names.len();
        names.truncate(limit);
        Ok((names, all))
    }
}

#[cfg(target_os = "linux")]
const NONBLOCK: i32 = 0o4000;
#[cfg(all(unix, not(target_os = "linux")))]
const NONBLOCK: i32 = 0x4;

fn io_error(given: &str, error: io::Error) -> FileError {
    FileError::Io { path: given.to_owned(), error }
}

/// The capability file system reports an escape as "permission denied" with its own words.
fn escape(given: &str, error: io::Error) -> FileError {
    if error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none() {
        FileError::Outside(given.to_owned())
    } else {
        io_error(given, error)
    }
}
