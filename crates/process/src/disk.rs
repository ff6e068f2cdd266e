//! How much room a disk has, and whether it takes anything at all.

use std::path::Path;

/// The disk that holds a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disk {
    /// Bytes that this user may still write.
    pub free: u64,
    /// Bytes in all.
    pub total: u64,
    /// Whether there is no room for one more file, however small.
    pub out_of_files: bool,
    /// Whether nothing may be written: mounted read-only, or the directory is not ours to write.
    pub read_only: bool,
}

impl Disk {
    /// Looks at the disk that holds `dir`. `None` where the system does not say.
    #[cfg(unix)]
    pub fn of(dir: &Path) -> Option<Self> {
        use rustix::fs::{Access, StatVfsMountFlags, access, statvfs};
        let stat = statvfs(dir).ok()?;
        let may_write = access(dir, Access::WRITE_OK).is_ok();
        Some(Self {
            free: stat.f_bavail.saturating_mul(stat.f_frsize),
            total: stat.f_blocks.saturating_mul(stat.f_frsize),
            out_of_files: stat.f_files > 0 && stat.f_favail == 0,
            read_only: !may_write || stat.f_flag.contains(StatVfsMountFlags::RDONLY),
        })
    }

    /// Looks at the disk that holds `dir`. `None` where the system does not say.
    #[cfg(windows)]
    pub fn of(dir: &Path) -> Option<Self> {
        let disks = sysinfo::Disks::new_with_refreshed_list();
        let holds = |disk: &&sysinfo::Disk| dir.starts_with(disk.mount_point());
        let disk = disks.iter().filter(holds).max_by_key(|disk| disk.mount_point().as_os_str().len())?;
        Some(Self {
            free: disk.available_space(),
            total: disk.total_space(),
            out_of_files: false,
            read_only: disk.is_read_only(),
        })
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_directory_lies_on_a_disk() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::of(dir.path()).unwrap();
        assert!(disk.total > 0 && disk.free <= disk.total && !disk.read_only, "{disk:?}");
        assert_eq!(Disk::of(&dir.path().join("not there")), None);
        // The kernel's own tree takes no files from anybody.
        #[cfg(target_os = "linux")]
        assert!(Disk::of(Path::new("/proc/sys")).is_none_or(|disk| disk.free == 0));
    }
}
