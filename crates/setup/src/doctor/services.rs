//! The system's service of the profile, and whether it runs without a login.

use bulkhead_profile::{Owner, known_profiles};
use bulkhead_service::others::{OtherService, Verdict, judge, scan};
use bulkhead_service::{DriftKind, Scope, Service, ServiceSpec, ServiceStatus};
use bulkhead_supervisor::Desired;

use super::finding::{DoctorFinding, Subject};
use super::isolation::capital;
use super::patient::Patient;
use super::remedy::Remedy;

const SUBJECT: Subject = Subject::Services;
/// The exit code of a configuration that is refused.
const REFUSED: i32 = 78;

/// What would be installed now.
pub(super) fn spec(patient: &Patient, scope: Scope) -> Result<ServiceSpec, String> {
    let program =
        std::env::current_exe().map_err(|error| format!("this program cannot be found: {error}"))?;
    ServiceSpec::new(&patient.place, &patient.world.env, &program, patient.base_port(), scope)
        .map_err(|error| error.to_string())
}

pub(super) fn check(patient: &Patient) -> Vec<DoctorFinding> {
    let service = Service::find(&patient.place, &patient.world.env);
    let mut findings = Vec::new();
    if service.is_installed() {
        let spec = spec(patient, service.scope().clone()).ok();
        let status = service.status(spec.as_ref());
        findings.extend(state(patient, &status));
        findings.extend(drift(patient, &status));
        findings.extend(owner(patient, &status));
        if findings.is_empty() {
            let runs = if status.active == Some(true) { "runs" } else { "does not run, as wanted" };
            findings.push(DoctorFinding::ok(SUBJECT, format!("{} is installed and {runs}.", status.name)));
        }
    } else {
        findings.push(missing(patient, &service));
    }
    findings.extend(others(patient, &service));
    findings
}

fn missing(patient: &Patient, service: &Service) -> DoctorFinding {
    let owner = patient.entry.as_ref().map(|entry| entry.owner);
    if owner == Some(Owner::Service) {
        return DoctorFinding::error(
            SUBJECT,
            "service.missing",
            format!("{} is run by a service, and {} is not installed.", patient.name(), service.name()),
        )
        .why("Nobody starts the gateway: it stays down after the next stop or reboot.")
        .next(format!("{} gateway install", patient.command()))
        .asked_fix("install the service; it starts with the next log-in or reboot", Remedy::InstallService);
    }
    let who = match owner {
        Some(Owner::Desktop) => "the app runs the gateway",
        _ => "whoever starts the gateway runs it",
    };
    DoctorFinding::ok(SUBJECT, format!("None installed; {who}."))
}

fn state(patient: &Patient, status: &ServiceStatus) -> Vec<DoctorFinding> {
    let mut findings = Vec::new();
    let command = patient.command();
    let desired = Desired::read(&patient.place.desired_path());
    if let Some(trouble) = &status.trouble {
        let (found, next) = super::finding::halves(trouble);
        return vec![
            DoctorFinding::warning(
                SUBJECT,
                "service.silent",
                format!("{} is installed, and its state cannot be asked for: {found}.", status.name),
            )
            .why("Whether it runs and starts by itself is not known.")
            .next(next),
        ];
    }
    if status.failed() {
        let reason = match (status.last_exit, &status.result) {
            (Some(REFUSED), _) => "the configuration is refused (78)".to_owned(),
            (Some(code), _) => format!("it ended with {code}"),
            (None, Some(result)) => result.clone(),
            (None, None) => "no reason given".to_owned(),
        };
        let next = if status.last_exit == Some(REFUSED) {
            format!("Repair the configuration ({command} config validate), then: {command} gateway start")
        } else {
            format!("See why: {command} logs. Then: {command} gateway start")
        };
        return vec![
            DoctorFinding::error(SUBJECT, "service.failed", format!("{} has failed: {reason}.", status.name))
                .why("The system gave up starting it; the gateway is down until somebody acts.")
                .next(next),
        ];
    }
    if status.active == Some(false) && desired == Desired::Running {
        findings.push(
            DoctorFinding::error(
                SUBJECT,
                "service.stopped",
                format!("{} is installed and does not run.", status.name),
            )
            .why("The gateway shall run, and nobody runs it.")
            .next(format!("{command} gateway start")),
        );
    }
    if status.enabled == Some(false) {
        findings.push(
            DoctorFinding::warning(
                SUBJECT,
                "service.disabled",
                format!("{} does not start by itself.", status.name),
            )
            .why("After a reboot the gateway stays down.")
            .next(format!("{command} gateway install"))
            .asked_fix("have it start by itself again", Remedy::InstallService),
        );
    }
    findings
}

fn drift(patient: &Patient, status: &ServiceStatus) -> Option<DoctorFinding> {
    if status.drift.is_empty() {
        return None;
    }
    let is = |kind| status.drift.iter().any(|drift| drift.kind == kind);
    let said: Vec<String> = status.drift.iter().map(bulkhead_service::Drift::sentence).collect();
    let found = format!("{}: {}.", status.path.display(), said.join("; "));
    let finding = if is(DriftKind::ProgramMissing) {
        DoctorFinding::error(SUBJECT, "service.program-missing", found).why("The service cannot start.")
    } else {
        DoctorFinding::warning(SUBJECT, "service.drift", found)
            .why("With the next start the service runs something else than what is set up now.")
    };
    let finding = finding.next(format!("{} gateway install puts it right.", patient.command()));
    if is(DriftKind::Foreign) {
        return Some(finding);
    }
    let remedy = Remedy::InstallService;
    Some(if is(DriftKind::Edited) {
        finding.asked_fix("write the service file anew; the edited text is kept", remedy)
    } else {
        finding.safe_fix("write the service file anew; what runs goes on", remedy)
    })
}

fn owner(patient: &Patient, status: &ServiceStatus) -> Option<DoctorFinding> {
    let owner = patient.entry.as_ref().map(|entry| entry.owner)?;
    (owner != Owner::Service && status.active != Some(false)).then(|| {
        DoctorFinding::warning(SUBJECT, "service.not-owner", format!("{} is installed, and the register says that {owner} runs {}.", status.name, patient.name()))
            .why("Two would want to run one gateway; the second one is refused.")
            .next(format!(
                "Remove the service ({command} gateway uninstall), or make it the owner ({command} gateway install).",
                command = patient.command()
            ))
    })
}

/// Other gateway-like services that are in this profile's way.
fn others(patient: &Patient, service: &Service) -> Vec<DoctorFinding> {
    // Names and files of this user only; asking the whole system takes longer than doctor should.
    let found = scan(&patient.world.env);
    let base = patient.base_port();
    let known = known_profiles(&patient.world.env);
    found
        .iter()
        .filter_map(|found| judge(found, &patient.place, &service.path(), base, std::path::Path::exists))
        .filter(|other| is_in_the_way(patient, other, known.len()))
        .map(|other| {
            DoctorFinding::warning(
                SUBJECT,
                "service.other",
                format!("Another service of the {}: {}.", other.scope, other.name),
            )
            .why(match other.verdict {
                Verdict::PortOverlap => {
                    "Its ports lie in those of this profile: whoever starts second is refused."
                }
                Verdict::Duplicate => "Two services would want one gateway.",
                _ => "It fails at every start, and hides what matters in the system's log.",
            })
            .next(capital(&other.advice))
        })
        .collect()
}

fn is_in_the_way(patient: &Patient, other: &OtherService, profiles: usize) -> bool {
    match other.verdict {
        Verdict::Beside => false,
        Verdict::Duplicate | Verdict::PortOverlap => true,
        // Told once, where there is nobody else to tell it.
        _ => patient.place.name().is_main() || profiles <= 1,
    }
}

/// Whether a user's services run without a login. Linux only; nothing is said where there is no service.
pub(super) fn lingering(patient: &Patient) -> Vec<DoctorFinding> {
    let service = Service::find(&patient.place, &patient.world.env);
    if !service.is_installed() || service.scope().is_system() {
        return Vec::new();
    }
    match bulkhead_service::linger::status(&patient.world.env) {
        None => Vec::new(),
        Some(true) => vec![DoctorFinding::ok(Subject::Lingering, "On: services run without a log-in.")],
        Some(false) => vec![
            DoctorFinding::warning(Subject::Lingering, "lingering.off", "Lingering is off for this user.")
                .why("The gateway starts with the log-in and stops with the log-out; after a reboot nobody answers until somebody logs in.")
                .next("sudo loginctl enable-linger \"$USER\"")
                .asked_fix("turn lingering on", Remedy::EnableLingering),
        ],
    }
}
