//! The configuration file, and set-ups and restores that did not come to their end.

use bulkhead_config::{ConfigOrigin, IssueSeverity, validate_document};

use super::finding::{DoctorFinding, Subject, halves};
use super::patient::Patient;
use super::remedy::Remedy;
use crate::backup;
use crate::create::unfinished;

const SUBJECT: Subject = Subject::Config;

pub(super) fn check(patient: &Patient) -> Vec<DoctorFinding> {
    let mut findings = interrupted(patient);
    if !patient.exists() && findings.is_empty() {
        return vec![
            DoctorFinding::error(
                SUBJECT,
                "config.not-set-up",
                format!(
                    "There is no profile {} here: nothing at {}.",
                    patient.name(),
                    patient.place.config_path().display()
                ),
            )
            .why("There is no gateway to run until it is set up.")
            .next(format!("{} onboard", patient.command())),
        ];
    }
    match &patient.current {
        Err(error) => {
            let (found, next) = halves(&error.to_string());
            let finding = DoctorFinding::error(SUBJECT, error.code(), format!("{found}.")).next(next);
            findings.push(with_last_good(patient, finding));
        }
        Ok(loaded) if loaded.source == ConfigOrigin::Missing => {
            let path = patient.place.config_path().display();
            let finding =
                DoctorFinding::error(SUBJECT, "config.missing", format!("There is no file {path}."))
                    .next(format!("Write it again: {} onboard", patient.command()));
            findings.push(with_last_good(patient, finding));
        }
        Ok(loaded) => {
            for issue in validate_document(&loaded.document) {
                // The chosen model is looked at with the models.
                if issue.severity != IssueSeverity::Error && issue.path != "agents.defaults.model.primary" {
                    findings.push(
                        DoctorFinding::warning(
                            SUBJECT,
                            "config.issue",
                            format!("{}: {issue}", patient.place.config_path().display()),
                        )
                        .why("The gateway runs, and leaves this setting out or takes another value."),
                    );
                }
            }
            findings.extend(settings(patient));
        }
    }
    if findings.is_empty() {
        findings
            .push(DoctorFinding::ok(SUBJECT, format!("{} is valid.", patient.place.config_path().display())));
    }
    findings
}

fn with_last_good(patient: &Patient, finding: DoctorFinding) -> DoctorFinding {
    if patient.has_last_good {
        finding
            .why("The gateway runs on the last good version; edits are refused until the file is repaired or rolled back.")
            .asked_fix("go back to the last good version; the file as it is stays beside it", Remedy::RollBackConfig)
    } else {
        finding.why("The gateway cannot start, and there is no earlier version that worked.")
    }
}

fn settings(patient: &Patient) -> Vec<DoctorFinding> {
    let mut findings = Vec::new();
    let command = patient.command();
    if patient.config.gateway.mode.is_none() {
        findings.push(
            DoctorFinding::error(SUBJECT, "config.unconfigured", "gateway.mode is not set.")
                .why("A gateway starts only where somebody said that it shall run on this machine.")
                .next(format!("{command} config set gateway.mode local")),
        );
    }
    for (field, input) in patient.config.secret_inputs() {
        if input.plain().is_some() {
            findings.push(
                DoctorFinding::warning(
                    SUBJECT,
                    "config.plain-secret",
                    format!("{field} holds its secret as plain text."),
                )
                .why("Whoever reads the file, a backup of it or a copied excerpt has the secret.")
                .next(format!(
                    "{command} config set {field} @FILE stores it and leaves a reference in the file."
                ))
                .asked_fix(
                    format!("store it with the profile's other secrets and leave a reference in {field}"),
                    Remedy::StoreSecret { field },
                ),
            );
        }
    }
    findings
}

fn interrupted(patient: &Patient) -> Vec<DoctorFinding> {
    let mut findings = Vec::new();
    if backup::is_unfinished(&patient.place) {
        findings.push(
            DoctorFinding::error(
                SUBJECT,
                "config.restore-unfinished",
                format!("A restore of {} was interrupted.", patient.name()),
            )
            .why("Files of the backup and of before stand side by side.")
            .next(format!(
                "{} doctor --fix puts back what was there before; then restore again.",
                patient.command()
            ))
            .safe_fix("put back what was there before the restore", Remedy::UndoRestore),
        );
    }
    if unfinished(&patient.world.env).iter().any(|name| name == patient.name()) {
        findings.push(
            DoctorFinding::warning(
                SUBJECT,
                "config.setup-unfinished",
                format!("Setting up {} was begun and not finished.", patient.name()),
            )
            .why("Parts of it may be missing.")
            .next(format!(
                "Run it again; it takes up or undoes what was begun: {} onboard",
                patient.command()
            )),
        );
    }
    findings
}
