//! Copies of the gateway's program, so that there is a previous one when it is replaced: by a package manager, by the
//! updater, by hand.

use super::policy::Program;
use sha2::{Digest, Sha256};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Name of the program.
const NAME: &str = if cfg!(windows) { "bulkhead.exe" } else { "bulkhead" };

/// The folder of copies, one folder each.
#[derive(Debug, Clone)]
pub struct Kept {
    folder: PathBuf,
}

impl Kept {
    /// In the app's own data.
    pub fn new(data: &Path) -> Self {
        Self { folder: data.join("programs") }
    }

    /// Where the copy of a program is, if it is one: whole, and of that content.
    pub fn path(&self, program: &Program) -> Option<PathBuf> {
        let path = self.place(program);
        path.is_file().then_some(path)
    }

    /// Keeps a copy, unless there is one; lets go of all that are neither this one nor `needed`.
    pub fn keep(&self, file: &Path, program: &Program, needed: Option<&Program>) -> io::Result<()> {
        let place = self.place(program);
        if !place.is_file() {
            let folder = self.folder.join(short(program));
            std::fs::create_dir_all(&folder)?;
            let half = folder.join("half");
            std::fs::copy(file, &half)?;
            // Replaced while it was copied: then it is not what it is kept as.
            if digest(&half)? != program.digest {
                let _ = std::fs::remove_dir_all(&folder);
                return Err(io::Error::other("the program changed while it was copied"));
            }
            std::fs::rename(&half, &place)?;
        }
        let stay = [Some(program), needed].into_iter().flatten().map(short).collect::<Vec<_>>();
        for entry in std::fs::read_dir(&self.folder)?.filter_map(Result::ok) {
            if !stay.iter().any(|name| entry.file_name() == name.as_str()) {
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
        Ok(())
    }

    fn place(&self, program: &Program) -> PathBuf {
        self.folder.join(short(program)).join(NAME)
    }
}

fn short(program: &Program) -> String {
    program.digest.chars().take(16).collect()
}

/// What a file is: its content, and what it says its version is.
pub fn examine(file: &Path) -> io::Result<Program> {
    let digest = digest(file)?;
    let out = Command::new(file).arg("--version").stdin(std::process::Stdio::null()).output()?;
    let text = String::from_utf8_lossy(&out.stdout);
    let version =
        text.split_whitespace().nth(1).filter(|_| out.status.success()).unwrap_or("unknown").to_owned();
    Ok(Program { version, digest })
}

fn digest(file: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    io::copy(&mut std::fs::File::open(file)?, &mut hash)?;
    Ok(hex::encode(hash.finalize()))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn script(path: &Path, version: &str) -> Program {
        std::fs::write(path, format!("#!/bin/sh\necho bulkhead {version}\n")).expect("write");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("mode");
        examine(path).expect("examined")
    }

    #[test]
    fn the_previous_program_is_kept_and_runs() {
        let dir = tempfile::tempdir().expect("dir");
        let (file, kept) = (dir.path().join("bulkhead"), Kept::new(dir.path()));
        let one = script(&file, "1.0.0");
        assert_eq!(one.version, "1.0.0");
        kept.keep(&file, &one, None).expect("kept");
        let two = script(&file, "2.0.0");
        kept.keep(&file, &two, Some(&one)).expect("kept");
        let old = kept.path(&one).expect("a copy");
        assert_eq!(examine(&old).expect("examined"), one);
        kept.keep(&file, &two, None).expect("kept");
        assert_eq!(kept.path(&one), None, "nobody needs it any more");
        assert!(kept.path(&two).is_some());
    }

    #[test]
    fn a_copy_of_something_else_is_not_kept() {
        let dir = tempfile::tempdir().expect("dir");
        let (file, kept) = (dir.path().join("bulkhead"), Kept::new(dir.path()));
        let one = script(&file, "1.0.0");
        script(&file, "2.0.0");
        assert!(kept.keep(&file, &one, None).is_err());
        assert_eq!(kept.path(&one), None);
    }
}
