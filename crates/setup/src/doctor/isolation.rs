//! What profiles must not share: the audit of the machine, as far as this profile is concerned.

use bulkhead_profile::{FactsKind, Finding, PlaceError, Severity, audit, files, gather_facts};

use super::finding::{DoctorFinding, Level, Subject};
use super::patient::Patient;

const SUBJECT: Subject = Subject::Isolation;

pub(super) fn check(patient: &Patient) -> Vec<DoctorFinding> {
    if let Err(error) = patient.place.check_marker() {
        return vec![not_ours(patient, &error)];
    }
    let facts = gather_facts(&patient.world.env);
    let own = files::canonical(patient.place.state_dir());
    let label = patient.place.label();
    let mut findings: Vec<DoctorFinding> = audit::isolation(&facts)
        .into_iter()
        .filter(|finding| finding.profiles.contains(&label))
        // Bots are looked at with the channels, broken files with the configuration.
        .filter(|finding| finding.code != "bot-shared" && finding.code != "config-unreadable")
        .map(|finding| of_audit(&finding))
        .collect();
    if findings.is_empty() {
        let others = facts.iter().filter(|facts| facts.state_dir != own);
        let (ours, theirs): (Vec<_>, Vec<_>) = others.partition(|facts| facts.kind == FactsKind::Bulkhead);
        let mut text = match ours.len() {
            0 => "No other profile is here".to_owned(),
            1 => format!("Nothing is shared with {}", ours[0].name),
            count => format!("Nothing is shared with {count} other profiles"),
        };
        if !theirs.is_empty() {
            let names: Vec<&str> = theirs.iter().map(|facts| facts.name.as_str()).collect();
            text = format!("{text}, nor with {}", names.join(", "));
        }
        findings.push(DoctorFinding::ok(SUBJECT, text + "."));
    }
    findings
}

fn of_audit(finding: &Finding) -> DoctorFinding {
    let level = match finding.severity {
        Severity::Error => Level::Error,
        Severity::Warning => Level::Warning,
        Severity::Info => Level::Info,
    };
    DoctorFinding::error(
        SUBJECT,
        &finding.code,
        format!("{}: {}; expected {}.", finding.what, finding.found, finding.expected),
    )
    .at_level(level)
    .why(why(&finding.code))
    .next(capital(&finding.next_step))
}

fn why(code: &str) -> &'static str {
    if code.contains("port") || code.contains("interval") || code.contains("cdp") {
        "Whoever starts second finds the port taken: a gateway or a browser of one profile is then missing, or is taken for the other's."
    } else if code.contains("keychain") {
        "Each would read and replace the other's secrets."
    } else if code.contains("service") {
        "The system can keep only one service of a name: starting one stops the other."
    } else {
        "What one profile breaks there is broken for the other too, so rescue could not repair main."
    }
}

fn not_ours(patient: &Patient, error: &PlaceError) -> DoctorFinding {
    let (found, next) = super::finding::halves(&error.to_string());
    DoctorFinding::error(SUBJECT, error.code(), found)
        .why(format!(
            "{} must write only where nobody else keeps anything, so its gateway refuses to start here.",
            patient.name()
        ))
        .next(next)
}

/// A next step as a sentence of its own.
pub(crate) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with('.') { "" } else { "." };
    format!("{first}{}{end}", chars.as_str())
}
