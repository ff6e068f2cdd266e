//! Agents' folders: looked through, then copied whole, or not at all.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

use aho_corasick::AhoCorasick;
use bulkhead_profile::files;
use sha2::{Digest as _, Sha256};

const MOST_FILES: usize = 100_000;
const MOST_BYTES: u64 = 4 * 1024 * 1024 * 1024;

/// What is in a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Survey {
    pub(super) files: usize,
    pub(super) bytes: u64,
    /// Links that lead out, sockets and the like: relative paths.
    pub(super) left: Vec<PathBuf>,
    /// Files in which one of the secrets stands as plain text.
    pub(super) with_secrets: BTreeSet<PathBuf>,
}

/// Why a folder is not copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NotCopied {
    Missing,
    TooWide(String),
    TooMuch { files: usize, bytes: u64 },
    Unreadable(String),
}

/// Looks through a folder. `secrets` are searched for in every file.
pub(super) fn survey(
    folder: &Path,
    secrets: Option<&AhoCorasick>,
    not_around: &[&Path],
) -> Result<Survey, NotCopied> {
    if !folder.is_dir() {
        return Err(NotCopied::Missing);
    }
    let real = files::canonical(folder);
    for inner in not_around {
        if files::is_within(&files::canonical(inner), &real) {
            return Err(NotCopied::TooWide(inner.display().to_string()));
        }
    }
    let mut survey = Survey::default();
    walk(&real, Path::new(""), &mut |relative, kind| {
        match kind {
            Kind::Folder => {}
            Kind::Link(target) if stays_inside(relative, &target) => survey.files += 1,
            Kind::Link(_) | Kind::Other => survey.left.push(relative.to_owned()),
            Kind::File(size) => {
                survey.files += 1;
                survey.bytes += size;
                if survey.files > MOST_FILES || survey.bytes > MOST_BYTES {
                    return Err(NotCopied::TooMuch { files: survey.files, bytes: survey.bytes });
                }
                let holds = |secrets: &AhoCorasick| -> io::Result<bool> {
                    let found = secrets.stream_find_iter(File::open(real.join(relative))?).next();
                    Ok(found.transpose()?.is_some())
                };
                if let Some(secrets) = secrets
                    && holds(secrets).map_err(|error| unreadable(relative, &error))?
                {
                    survey.with_secrets.insert(relative.to_owned());
                }
            }
        }
        Ok(())
    })?;
    Ok(survey)
}

/// Copies what [`survey`] counted, with permissions and times. `to` must not exist.
pub(super) fn copy(folder: &Path, to: &Path, survey: &Survey) -> io::Result<()> {
    let real = files::canonical(folder);
    files::create_private_dir(to)?;
    walk(&real, Path::new(""), &mut |relative, kind| {
        let target = to.join(relative);
        let done = match kind {
            Kind::Folder => fs::create_dir_all(&target),
            Kind::Link(link) if stays_inside(relative, &link) => make_link(&link, &target),
            Kind::Link(_) | Kind::Other => Ok(()),
            Kind::File(_) if survey.with_secrets.contains(relative) => Ok(()),
            Kind::File(_) => copy_file(&real.join(relative), &target),
        };
        done.map_err(|error| unreadable(relative, &error))
    })
    .map_err(|trouble| match trouble {
        NotCopied::Unreadable(found) => io::Error::other(found),
        _ => io::Error::other("the folder changed while it was copied"),
    })
}

fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to)?;
    let modified = fs::metadata(from)?.modified()?;
    File::options().write(true).open(to)?.set_modified(modified)
}

/// A number that changes with any name, content or link in a folder; none if it cannot be read.
pub(super) fn fingerprint(folder: &Path) -> Option<String> {
    let mut hash = Sha256::new();
    walk(folder, Path::new(""), &mut |relative, kind| {
        hash.update(relative.as_os_str().as_encoded_bytes());
        match kind {
            Kind::Folder => hash.update(b"\0folder\0"),
            Kind::Other => hash.update(b"\0other\0"),
            Kind::Link(target) => {
                hash.update(b"\0link\0");
                hash.update(target.as_os_str().as_encoded_bytes());
            }
            Kind::File(size) => {
                hash.update(b"\0file\0");
                hash.update(size.to_le_bytes());
                let mut file =
                    File::open(folder.join(relative)).map_err(|error| unreadable(relative, &error))?;
                let mut buffer = [0_u8; 16 * 1024];
                loop {
                    match file.read(&mut buffer).map_err(|error| unreadable(relative, &error))? {
                        0 => break,
                        read => hash.update(&buffer[..read]),
                    }
                }
            }
        }
        Ok(())
    })
    .ok()?;
    Some(hex::encode(hash.finalize()))
}

enum Kind {
    Folder,
    File(u64),
    Link(PathBuf),
    Other,
}

/// Visits everything below a folder, parents first, in order of names. Links are not followed.
fn walk(
    root: &Path,
    relative: &Path,
    visit: &mut dyn FnMut(&Path, Kind) -> Result<(), NotCopied>,
) -> Result<(), NotCopied> {
    let read = || -> io::Result<Vec<fs::DirEntry>> {
        let mut entries: Vec<_> = fs::read_dir(root.join(relative))?.collect::<Result<_, _>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        Ok(entries)
    };
    for entry in read().map_err(|error| unreadable(relative, &error))? {
        let path = relative.join(entry.file_name());
        let metadata = fs::symlink_metadata(root.join(&path)).map_err(|error| unreadable(&path, &error))?;
        if metadata.is_dir() {
            visit(&path, Kind::Folder)?;
            walk(root, &path, visit)?;
        } else if metadata.is_file() {
            visit(&path, Kind::File(metadata.len()))?;
        } else if metadata.is_symlink() {
            let target = fs::read_link(root.join(&path)).map_err(|error| unreadable(&path, &error))?;
            visit(&path, Kind::Link(target))?;
        } else {
            visit(&path, Kind::Other)?;
        }
    }
    Ok(())
}

fn unreadable(path: &Path, error: &io::Error) -> NotCopied {
    NotCopied::Unreadable(format!("{} ({error})", path.display()))
}

/// Whether a link at `place` leads to something in the same folder.
fn stays_inside(place: &Path, target: &Path) -> bool {
    if target.is_absolute() {
        return false;
    }
    let mut depth = place.components().count().saturating_sub(1);
    for component in target.components() {
        match component {
            Component::ParentDir => match depth.checked_sub(1) {
                Some(up) => depth = up,
                None => return false,
            },
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    true
}

#[cfg(unix)]
fn make_link(target: &Path, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, at)
}

#[cfg(not(unix))]
fn make_link(_: &Path, _: &Path) -> io::Result<()> {
    // Windows asks for a right to make links; the file that it names is copied under its own name anyway.
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_copied_without_ways_out_and_without_secrets() {
        let dir = tempfile::tempdir().unwrap();
        let from = dir.path().join("from");
        fs::create_dir_all(from.join("memory/deep")).unwrap();
        fs::write(from.join("AGENTS.md"), "be kind").unwrap();
        fs::write(from.join("memory/deep/a.md"), "x".repeat(100)).unwrap();
        fs::write(from.join("notes.txt"), format!("{}token is s3cret-value-1", "y".repeat(70_000))).unwrap();
        std::os::unix::fs::symlink("memory/deep", from.join("inside")).unwrap();
        std::os::unix::fs::symlink("../../etc", from.join("out")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", from.join("passwd")).unwrap();
        let secrets = AhoCorasick::new(["s3cret-value-1"]).unwrap();
        let before = fingerprint(&from).unwrap();
        let survey = survey(&from, Some(&secrets), &[]).unwrap();
        assert_eq!(survey.left, [PathBuf::from("out"), PathBuf::from("passwd")]);
        assert_eq!(survey.with_secrets, BTreeSet::from([PathBuf::from("notes.txt")]));
        let to = dir.path().join("to");
        copy(&from, &to, &survey).unwrap();
        assert_eq!(fingerprint(&from).unwrap(), before);
        assert_eq!(fs::read_link(to.join("inside")).unwrap(), Path::new("memory/deep"));
        assert!(
            to.join("memory/deep/a.md").exists()
                && !to.join("notes.txt").exists()
                && !to.join("out").exists()
        );
        let time = |path: &Path| fs::metadata(path.join("AGENTS.md")).unwrap().modified().unwrap();
        assert_eq!(time(&from), time(&to));
        assert_ne!(fingerprint(&to).unwrap(), before);
    }

    #[test]
    fn what_is_around_too_much_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("a/.openclaw");
        fs::create_dir_all(&inner).unwrap();
        assert!(matches!(survey(&dir.path().join("a"), None, &[&inner]), Err(NotCopied::TooWide(_))));
        assert_eq!(survey(&dir.path().join("none"), None, &[]), Err(NotCopied::Missing));
        assert!(
            !stays_inside(Path::new("a/b"), Path::new("../../c"))
                && stays_inside(Path::new("a/b"), Path::new("../c"))
        );
    }
}
