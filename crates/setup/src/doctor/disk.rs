//! Free space where the profile writes.

use std::path::{Path, PathBuf};

use super::finding::{DoctorFinding, Subject};
use super::patient::Patient;
use crate::check::writable;

const SUBJECT: Subject = Subject::Disk;
const MIB: u64 = 1024 * 1024;
/// Below this the next answers may not be kept.
const TOO_LITTLE: u64 = 100 * MIB;
/// Below this it is time to look.
const LITTLE: u64 = 1024 * MIB;
const FEW_FILES: u64 = 1000;

pub(super) fn check(patient: &Patient) -> Vec<DoctorFinding> {
    let places = places(patient);
    let mut findings = Vec::new();
    let mut least: Option<u64> = None;
    for (what, path) in &places {
        if let Err(found) = writable(path) {
            findings.push(unwritable(what, path, &found));
            continue;
        }
        let Some(space) = patient.world.space(path) else { continue };
        least = Some(least.map_or(space.free, |least| least.min(space.free)));
        let low = space.free < LITTLE || space.files_free.is_some_and(|free| free < FEW_FILES);
        let same_disk = findings
            .iter()
            .any(|finding: &DoctorFinding| finding.code == "disk.low" || finding.code == "disk.full");
        if low && !same_disk {
            findings.push(low_space(what, path, space.free, space.files_free));
        }
    }
    if findings.is_empty() {
        findings.push(match least {
            Some(free) => DoctorFinding::ok(
                SUBJECT,
                format!("{} free; the profile uses {}.", size(free), size(used(patient))),
            ),
            None => {
                DoctorFinding::info(SUBJECT, "disk.unknown", "This system does not say how much is free.")
            }
        });
    }
    findings
}

fn places(patient: &Patient) -> Vec<(&'static str, PathBuf)> {
    let workspace = patient.config.agents.defaults.workspace.as_deref();
    let workspace =
        workspace.map_or_else(|| patient.place.workspace().to_owned(), |path| patient.world.env.expand(path));
    vec![("state directory", patient.place.state_dir().to_owned()), ("workspace", workspace)]
}

fn unwritable(what: &str, path: &Path, found: &str) -> DoctorFinding {
    DoctorFinding::error(SUBJECT, "disk.not-writable", format!("The {what} {}: {found}.", path.display()))
        .why("Messages, answers and pairings could not be kept, so the gateway would refuse them.")
        .next("Make the disk writable, or correct the folder's owner and permissions.")
}

fn low_space(what: &str, path: &Path, free: u64, files: Option<u64>) -> DoctorFinding {
    let found = match files {
        Some(files) if files < FEW_FILES => {
            format!("Only {files} more files fit on the disk of the {what} {}.", path.display())
        }
        _ => format!("{} free on the disk of the {what} {}.", size(free), path.display()),
    };
    let full = free < TOO_LITTLE || files.is_some_and(|files| files < FEW_FILES / 10);
    let finding = if full {
        DoctorFinding::error(SUBJECT, "disk.full", found)
            .why("With a full disk nothing can be kept: the gateway takes no messages rather than lose them.")
    } else {
        DoctorFinding::warning(SUBJECT, "disk.low", found)
            .why("On a full disk the gateway could keep nothing more.")
    };
    finding.next("Free some space: empty the trash, or move large files to another disk.")
}

/// What the profile's own files take; siblings inside main's directory are not counted.
fn used(patient: &Patient) -> u64 {
    let place = &patient.place;
    let foreign = bulkhead_profile::siblings::foreign_paths(place, &[]);
    let mut bytes = 0;
    let mut dirs = vec![place.state_dir().to_owned()];
    // A bound, so that a huge workspace does not make doctor slow.
    let mut left = 200_000;
    while let Some(dir) = dirs.pop() {
        let Ok(entries) = std::fs::read_dir(&dir) else { continue };
        for entry in entries.flatten() {
            left -= 1;
            if left == 0 {
                return bytes;
            }
            let Ok(meta) = entry.path().symlink_metadata() else { continue };
            if meta.is_dir() && !foreign.contains(&entry.path()) {
                dirs.push(entry.path());
            } else if meta.is_file() {
                bytes += meta.len();
            }
        }
    }
    bytes
}

/// Bytes for people.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..=1023 => format!("{bytes} B"),
        1024..=1_048_575 => format!("{} KiB", bytes / 1024),
        1_048_576..=1_073_741_823 => format!("{} MiB", bytes / MIB),
        _ => format!("{}.{} GiB", bytes / (1024 * MIB), bytes % (1024 * MIB) * 10 / (1024 * MIB)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!([7, 2048, 5 * MIB, 1536 * MIB].map(size), ["7 B", "2 KiB", "5 MiB", "1.5 GiB"]);
    }
}
