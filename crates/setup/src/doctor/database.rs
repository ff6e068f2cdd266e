//! The database: does everything in it fit together?

use std::time::Duration;

use bulkhead_store::{StoreError, examine};

use super::disk::size;
use super::finding::{DoctorFinding, Subject};
use super::patient::Patient;

const SUBJECT: Subject = Subject::Database;
const LIMIT: Duration = Duration::from_secs(8);
const DEEP_LIMIT: Duration = Duration::from_mins(2);

pub(super) fn check(patient: &Patient) -> Vec<DoctorFinding> {
    let path = patient.place.database_path();
    match std::fs::metadata(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return vec![DoctorFinding::ok(SUBJECT, "None yet; the gateway makes it when it first runs.")];
        }
        Ok(meta) if meta.len() == 0 && patient.record.is_none() => {
            return vec![DoctorFinding::ok(SUBJECT, "Empty; the gateway fills it when it first runs.")];
        }
        _ => {}
    }
    let deep = patient.options.deep;
    let found = match examine(&path, if deep { DEEP_LIMIT } else { LIMIT }, deep) {
        Ok(found) => found,
        Err(error) => return vec![unreadable(patient, &error)],
    };
    let mut findings = Vec::new();
    if !found.damage.is_empty() {
        let lines: Vec<&str> = found.damage.iter().map(String::as_str).take(3).collect();
        findings.push(damaged(
            patient,
            format!("{} does not fit together: {}.", path.display(), lines.join("; ")),
        ));
    }
    if !found.orphans.is_empty() {
        findings.push(
            DoctorFinding::warning(
                SUBJECT,
                "database.orphans",
                format!("{}: rows that point to nothing in {}.", path.display(), found.orphans.join(", ")),
            )
            .why("Something wrote to the database that should not; what such rows say may be missing from a conversation.")
            .next(format!("Keep a copy, and tell us: {} backup create", patient.command())),
        );
    }
    if found.version > found.supported {
        findings.push(
            DoctorFinding::error(
                SUBJECT,
                "database.newer",
                format!(
                    "{} has version {}; this program knows up to {}.",
                    path.display(),
                    found.version,
                    found.supported
                ),
            )
            .why("A newer Bulkhead wrote it; this one refuses to start rather than misread it.")
            .next("Use the newer program, or restore a backup that this one made."),
        );
    }
    if findings.is_empty() {
        let how = if deep { "integrity and references checked" } else { "checked" };
        findings.push(if found.complete {
            DoctorFinding::ok(SUBJECT, format!("Healthy: {} {how}.", size(found.bytes)))
        } else {
            DoctorFinding::info(
                SUBJECT,
                "database.not-finished",
                format!("{} is large; what was looked at in the time is healthy.", path.display()),
            )
            .next(format!("Take more time for it: {} doctor --deep", patient.command()))
        });
    }
    findings
}

fn damaged(patient: &Patient, found: String) -> DoctorFinding {
    let command = patient.command();
    DoctorFinding::error(SUBJECT, "database.damaged", found)
        .why("Conversations, pairings and messages that wait to be sent are in it; some of them may be unreadable, and writing on would spread it.")
        .next(format!(
            "Stop the gateway ({command} gateway stop) and go back to a backup: {command} backup restore FILE --force. What is there now is kept beside it."
        ))
}

fn unreadable(patient: &Patient, error: &StoreError) -> DoctorFinding {
    match error {
        StoreError::Damaged { path, reason } => {
            damaged(patient, format!("{} is no database any more ({reason}).", path.display()))
        }
        other => DoctorFinding::error(SUBJECT, "database.unreadable", other.to_string())
            .why("The gateway keeps everything in it.")
            .next("Check that the file belongs to you and that its disk is readable."),
    }
}
