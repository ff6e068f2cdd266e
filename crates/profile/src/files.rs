//! Writing small files so that a crash never leaves half of one, and comparing paths by component.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

/// Beginning and end of a temporary file's name.
const LEFTOVER: (&str, &str) = (".bulkhead-", ".tmp");

/// No write takes longer; a temporary file that is older belongs to nobody any more.
const LONGEST_WRITE: Duration = Duration::from_secs(10);

/// Replaces a file at once: temporary file beside it, written, synced, renamed; the directory synced after it.
/// A symbolic link stays one (its target is replaced). `mode` counts on Unix, for example `0o600`.
pub fn atomic_write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let target = link_target(path);
    let dir = target
        .parent()
        .filter(|dir| !dir.as_os_str().is_empty())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path has no directory"))?;
    let mut file = tempfile::Builder::new().prefix(LEFTOVER.0).suffix(LEFTOVER.1).tempfile_in(dir)?;
    set_mode(file.as_file(), mode)?;
    keep_owner(file.as_file(), &target);
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    bulkhead_killpoint::reached(bulkhead_killpoint::Point::MidFileWrite);
    file.persist(&target).map_err(|error| error.error)?;
    sync_dir(dir);
    Ok(())
}

/// Removes what writes that a crash cut off left in a directory; returns how many. One that may still be going on, in
/// this or another process, is left alone.
pub fn remove_leftovers(dir: &Path) -> usize {
    let is_leftover = |entry: &fs::DirEntry| {
        let name = entry.file_name();
        let named =
            name.to_str().is_some_and(|name| name.starts_with(LEFTOVER.0) && name.ends_with(LEFTOVER.1));
        let age = entry.metadata().and_then(|about| about.modified()).map(|written| written.elapsed());
        // A clock that was set back tells no age.
        named && matches!(age, Ok(Ok(age)) if age > LONGEST_WRITE)
    };
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter(is_leftover).filter(|entry| fs::remove_file(entry.path()).is_ok()).count()
}

/// Root that works for somebody (a service of the system) must not take that user's file away: a replaced file keeps its
/// owner. Nobody else may give files away, and for them there is nothing to do.
fn keep_owner(new: &File, target: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, fchown};
        let beside = target.metadata().or_else(|_| target.parent().unwrap_or(target).metadata());
        if let (Ok(old), Ok(now)) = (beside, new.metadata())
            && old.uid() != now.uid()
        {
            let _ = fchown(new, Some(old.uid()), Some(old.gid()));
        }
    }
    #[cfg(not(unix))]
    let _ = (new, target);
}

/// The same, and makes the directory above first (readable for its owner only).
pub fn atomic_write_in_new_dir(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        create_private_dir(dir)?;
    }
    atomic_write(path, bytes, mode)
}

/// Makes a directory and those above it; on Unix the new ones are readable for their owner only.
pub fn create_private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(dir)
}

/// Reads a file of at most `limit` bytes.
pub fn read_limited(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("the file has more than {limit} bytes"),
        ));
    }
    Ok(bytes)
}

/// Follows symbolic links of the last component, so that replacing the file keeps the link.
fn link_target(path: &Path) -> PathBuf {
    let mut target = path.to_owned();
    for _ in 0..16 {
        let Ok(next) = fs::read_link(&target) else { break };
        target = match target.parent() {
            Some(dir) if next.is_relative() => dir.join(next),
            _ => next,
        };
    }
    target
}

#[cfg(unix)]
fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps)]
fn set_mode(_: &File, _: u32) -> io::Result<()> {
    Ok(())
}

fn sync_dir(dir: &Path) {
    #[cfg(unix)]
    if let Ok(dir) = File::open(dir) {
        // Some file systems cannot sync directories; the file itself is safe already.
        let _ = dir.sync_all();
    }
    #[cfg(not(unix))]
    let _ = dir;
}

/// `.` and `..` taken out by text, without looking at the disk.
pub fn normalise(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                if !matches!(
                    out.components().next_back(),
                    None | Some(Component::RootDir | Component::Prefix(_))
                ) {
                    out.pop();
                }
            }
            other => out.push(other),
        }
    }
    out
}

/// The path with links resolved as far as it exists, the rest appended.
pub fn canonical(path: &Path) -> PathBuf {
    let mut rest: Vec<Component<'_>> = Vec::new();
    let mut components: Vec<Component<'_>> = path.components().collect();
    loop {
        let head: PathBuf = components.iter().collect();
        if head.as_os_str().is_empty() {
            return normalise(path);
        }
        if let Ok(found) = head.canonicalize() {
            let tail: PathBuf = rest.iter().rev().collect();
            return normalise(&found.join(tail));
        }
        match components.pop() {
            Some(component) => rest.push(component),
            None => return normalise(path),
        }
    }
}

/// Whether `inner` is `outer` or lies in it, compared component by component: `/a/bc` is not in `/a/b`.
pub fn is_within(inner: &Path, outer: &Path) -> bool {
    !outer.as_os_str().is_empty() && inner.starts_with(outer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_replaces_the_whole_file_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x/y.json");
        atomic_write_in_new_dir(&path, b"one, which is longer", 0o600).unwrap();
        atomic_write(&path, b"two", 0o600).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("dotfiles")).unwrap();
        std::os::unix::fs::symlink("dotfiles/real.json", dir.path().join("link.json")).unwrap();
        atomic_write(&dir.path().join("link.json"), b"{}", 0o600).unwrap();
        assert!(fs::symlink_metadata(dir.path().join("link.json")).unwrap().is_symlink());
        assert_eq!(fs::read(dir.path().join("dotfiles/real.json")).unwrap(), b"{}");
    }

    #[test]
    fn root_takes_nobodys_file_away() {
        use std::os::unix::fs::{MetadataExt as _, chown};
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("profiles.json");
        atomic_write(&path, b"1", 0o600).unwrap();
        // Only root may give files away, so only root can be tested.
        if chown(&path, Some(4711), Some(4711)).is_err() {
            return;
        }
        atomic_write(&path, b"2", 0o600).unwrap();
        let now = path.metadata().unwrap();
        assert_eq!((now.uid(), now.gid(), now.mode() & 0o777), (4711, 4711, 0o600));
        chown(dir.path(), Some(4712), Some(4712)).unwrap();
        atomic_write(&dir.path().join("new.json"), b"3", 0o600).unwrap();
        assert_eq!(dir.path().join("new.json").metadata().unwrap().uid(), 4712);
    }

    #[test]
    fn what_a_crash_left_behind_goes_and_what_is_being_written_stays() {
        let dir = tempfile::tempdir().unwrap();
        let old = std::time::SystemTime::now() - 2 * LONGEST_WRITE;
        for (name, aged) in
            [(".bulkhead-old.tmp", true), (".bulkhead-new.tmp", false), ("bulkhead.json", true)]
        {
            let file = File::create(dir.path().join(name)).unwrap();
            if aged {
                file.set_modified(old).unwrap();
            }
        }
        assert_eq!(remove_leftovers(dir.path()), 1);
        assert!(!dir.path().join(".bulkhead-old.tmp").exists());
        assert_eq!(remove_leftovers(&dir.path().join("nowhere")), 0);
    }

    #[test]
    fn paths_are_compared_by_component() {
        assert!(is_within(Path::new("/a/b/c"), Path::new("/a/b")));
        assert!(!is_within(Path::new("/a/bc"), Path::new("/a/b")));
        assert!(!is_within(Path::new("/a"), Path::new("")));
        assert_eq!(normalise(Path::new("/a/./b/../../../c")), PathBuf::from("/c"));
    }

    #[test]
    fn too_much_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("f"), [0; 11]).unwrap();
        assert!(read_limited(&dir.path().join("f"), 10).is_err());
        assert_eq!(read_limited(&dir.path().join("f"), 11).unwrap().len(), 11);
    }
}
