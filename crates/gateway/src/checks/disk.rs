//! Is there room on the disk? Pure.

use std::path::Path;

use bulkhead_process::Disk;

use super::Trouble;

/// Less room than this is too little for a day's log and database.
const LOW: u64 = 64 * 1024 * 1024;
/// On a small disk, less than this part of it.
const PART: u64 = 20;

/// What the disk's room means. Once it was too little, a quarter more is asked for, so that it is not said twice a
/// minute.
pub(super) fn judge(dir: &Path, disk: Option<Disk>, failed_before: bool) -> Option<Trouble> {
    let disk = disk?;
    let limit = LOW.min(disk.total / PART);
    let limit = if failed_before { limit + limit / 4 } else { limit };
    if disk.free >= limit && !disk.out_of_files {
        return None;
    }
    let found = if disk.out_of_files {
        "no room for another file".to_owned()
    } else {
        format!("{} KiB free of {} MiB", disk.free / 1024, disk.total / 1024 / 1024)
    };
    Some(Trouble {
        code: "disk.full".to_owned(),
        message: format!(
            "the disk that holds {} is full: found {found}, expected at least {} KiB; free some space, and the gateway goes on \
             by itself",
            dir.display(),
            limit / 1024
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_judged_by_the_disk() {
        let disk = |free: u64, total: u64| Disk { free, total, out_of_files: false, read_only: false };
        let judge = |disk, before| judge(Path::new("/s"), Some(disk), before).is_some();
        let (mib, gib) = (1024 * 1024, 1024 * 1024 * 1024);
        assert!(!judge(disk(100 * mib, 500 * gib), false));
        assert!(judge(disk(63 * mib, 500 * gib), false));
        assert!(judge(disk(70 * mib, 500 * gib), true), "not at the very limit again");
        assert!(!judge(disk(81 * mib, 500 * gib), true));
        assert!(!judge(disk(2 * mib, 16 * mib), false), "a small disk is not full from the start");
        assert!(judge(disk(0, 16 * mib), false));
        assert!(judge(Disk { out_of_files: true, ..disk(gib, 500 * gib) }, false));
        assert_eq!(super::judge(Path::new("/s"), None, false), None);
    }
}
