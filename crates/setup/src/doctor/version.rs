//! Which version runs, and which one is installed.

use super::finding::{DoctorFinding, Subject};
use super::patient::Patient;
use super::remedy::Remedy;

const SUBJECT: Subject = Subject::Version;
/// All crates of the program carry one version.
const OURS: &str = env!("CARGO_PKG_VERSION");

pub(super) fn check(patient: &Patient) -> Vec<DoctorFinding> {
    let Some(record) = &patient.record else {
        return vec![DoctorFinding::ok(SUBJECT, format!("{OURS}; no gateway runs."))];
    };
    let restart = format!("{} gateway restart", patient.command());
    if record.version != OURS {
        return vec![
            DoctorFinding::warning(
                SUBJECT,
                "version.gateway-differs",
                format!("The gateway that runs is {}, this program {OURS}.", record.version),
            )
            .why("They may not understand each other, and repairs of the newer one are not in use.")
            .next(format!("Start it anew: {restart}"))
            .asked_fix("restart the gateway on this version", Remedy::Restart),
        ];
    }
    let path = record.identity.exe_path.display().to_string();
    if let Some(path) = path.strip_suffix(" (deleted)") {
        return vec![
            DoctorFinding::warning(
                SUBJECT,
                "version.program-replaced",
                format!("{path} was replaced since the gateway started."),
            )
            .why("The old program goes on running until the next start.")
            .next(format!("Start it anew: {restart}"))
            .asked_fix("restart the gateway on the new program", Remedy::Restart),
        ];
    }
    vec![DoctorFinding::ok(SUBJECT, format!("{OURS}, and the gateway that runs is the same."))]
}
