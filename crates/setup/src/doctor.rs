//! Doctor: is everything about a profile as it should be, why not, and what helps.
//!
//! Every check is told with a stable code, what was found, why it matters and the next step. Checks run side by side,
//! each with a time limit of its own: a keychain that waits in a dialog or a network that swallows packets delays
//! nobody. Looking changes nothing; [`treat`] repairs, one finding at a time.

mod channels;
mod chrome;
mod clock;
mod config;
mod database;
mod disk;
mod finding;
mod isolation;
mod jobs;
mod keychain;
mod model;
pub(crate) mod patient;
mod permissions;
mod ports;
mod remedy;
mod services;
mod version;

use std::sync::Arc;
use std::time::Duration;

use bulkhead_profile::Place;
use futures::future::join_all;
use serde::Serialize;

pub use self::finding::{DoctorFinding, Fix, Level, Subject};
pub(crate) use self::isolation::capital;
use self::patient::Patient;
use crate::event::ProgressState;
use crate::world::World;

/// How thoroughly.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DoctorOptions {
    /// Ask nobody over the network.
    pub offline: bool,
    /// Take time: every index of the database, and a random secret written, read and deleted.
    pub deep: bool,
}

/// One JSON line of `doctor --json`.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum DoctorEvent {
    /// A check began or ended.
    Progress(DoctorProgress),
    /// A repair was done, or not.
    Fix(Treatment),
    /// It is over; always last.
    Result(Box<Examination>),
}

/// A check that began or ended.
#[derive(Debug, Clone, Serialize)]
pub struct DoctorProgress {
    /// What is looked at.
    pub subject: Subject,
    /// In which profile.
    pub profile: String,
    /// How it stands.
    pub state: ProgressState,
    /// The code of its worst finding; `running` at first.
    pub code: String,
    /// What its worst finding says.
    pub message: String,
}

/// Everything that was found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Examination {
    /// Whether nothing is broken (warnings may remain).
    pub ok: bool,
    /// The findings, worst first.
    pub findings: Vec<DoctorFinding>,
    /// The repairs that were tried.
    pub fixed: Vec<Treatment>,
}

impl Examination {
    fn of(mut findings: Vec<DoctorFinding>) -> Self {
        findings.sort_by(|a, b| (a.severity, &a.profile).cmp(&(b.severity, &b.profile)));
        Self { ok: !findings.iter().any(DoctorFinding::is_error), findings, fixed: Vec::new() }
    }

    /// How many findings are as bad as that.
    pub fn count(&self, severity: Level) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }
}

/// What became of a repair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Treatment {
    /// The finding's code.
    pub code: String,
    /// The profile.
    pub profile: String,
    /// What was to be done.
    pub title: String,
    /// How it went.
    pub state: TreatmentState,
    /// In words.
    pub message: String,
}

/// How a repair went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TreatmentState {
    /// Done.
    Done,
    /// Tried, and it did not work.
    Failed,
    /// Not wanted, or nobody was there to ask.
    Skipped,
}

type Sink<'a> = &'a (dyn Fn(DoctorProgress) + Send + Sync);

/// Looks at profiles. Changes nothing.
pub async fn examine(
    world: &World,
    places: &[Place],
    options: DoctorOptions,
    on_progress: Sink<'_>,
) -> Examination {
    let all = join_all(places.iter().map(|place| one(world, place, options, on_progress))).await;
    Examination::of(all.into_iter().flatten().collect())
}

async fn one(
    world: &World,
    place: &Place,
    options: DoctorOptions,
    on_progress: Sink<'_>,
) -> Vec<DoctorFinding> {
    let Some(patient) = read(world, place, options).await else {
        let finding = DoctorFinding::error(
            Subject::Disk,
            "disk.silent",
            format!("{} did not answer within {} s.", place.state_dir().display(), READ_LIMIT.as_secs()),
        )
        .why(
            "A network folder that is not connected, or a failing disk, holds up everything that touches it.",
        )
        .next("Connect it again, or look at the system's log for errors of the disk.");
        return vec![named(finding, place)];
    };
    let subjects =
        Subject::ALL.into_iter().filter(|subject| patient.exists() || is_for_nothing_yet(*subject));
    let findings = join_all(subjects.map(|subject| limited(&patient, subject, on_progress))).await;
    findings.into_iter().flatten().map(|finding| named(finding, place)).collect()
}

const READ_LIMIT: Duration = Duration::from_secs(5);

async fn read(world: &World, place: &Place, options: DoctorOptions) -> Option<Arc<Patient>> {
    let (world, place) = (world.clone(), place.clone());
    let reading = tokio::task::spawn_blocking(move || Patient::read(&world, &place, options));
    let patient = tokio::time::timeout(READ_LIMIT, reading).await.ok()?.ok()?;
    Some(Arc::new(patient))
}

/// What can be looked at where there is no profile yet.
fn is_for_nothing_yet(subject: Subject) -> bool {
    matches!(subject, Subject::Config | Subject::Isolation | Subject::Disk | Subject::Chrome)
}

fn named(mut finding: DoctorFinding, place: &Place) -> DoctorFinding {
    finding.profile = place.name().to_string();
    finding
}

/// One check within its time limit.
async fn limited(patient: &Arc<Patient>, subject: Subject, on_progress: Sink<'_>) -> Vec<DoctorFinding> {
    let tell = |state, code: &str, message: &str| {
        on_progress(DoctorProgress {
            subject,
            profile: patient.name().to_owned(),
            state,
            code: code.to_owned(),
            message: message.to_owned(),
        });
    };
    tell(ProgressState::Running, "running", &format!("Looking at {}…", subject.label().to_lowercase()));
    let limit = limit(subject, patient.options);
    let findings = match tokio::time::timeout(limit, check(patient, subject)).await {
        Ok(findings) => findings,
        Err(_) => vec![
            DoctorFinding::warning(
                subject,
                &format!("{}.timeout", subject.as_str()),
                format!("Looking at it took longer than {} s and was given up.", limit.as_secs()),
            )
            .why("Something does not answer: whatever needs it may hang as well.")
            .next("Try again; if it stays so, look for a dialog on the screen, a network folder or a dead connection."),
        ],
    };
    if let Some(worst) = findings.iter().min_by_key(|finding| finding.severity) {
        let state = match worst.severity {
            Level::Error => ProgressState::Failed,
            Level::Warning => ProgressState::Warning,
            Level::Info | Level::Ok => ProgressState::Ok,
        };
        tell(state, &worst.code, &worst.found);
    }
    findings
}

fn limit(subject: Subject, options: DoctorOptions) -> Duration {
    Duration::from_secs(match subject {
        Subject::Database if options.deep => 150,
        // They wait for the secrets first.
        Subject::Model | Subject::Channels | Subject::Keychain => 25,
        _ => 12,
    })
}

async fn check(patient: &Arc<Patient>, subject: Subject) -> Vec<DoctorFinding> {
    match subject {
        Subject::Isolation => blocking(patient, isolation::check).await,
        Subject::Ports => blocking(patient, ports::check).await,
        Subject::Config => blocking(patient, config::check).await,
        Subject::Permissions => blocking(patient, permissions::check).await,
        Subject::Disk => blocking(patient, disk::check).await,
        Subject::Database => blocking(patient, database::check).await,
        Subject::Jobs => blocking(patient, jobs::check).await,
        Subject::Version => blocking(patient, version::check).await,
        Subject::Chrome => blocking(patient, chrome::check).await,
        Subject::Keychain => keychain::check(patient).await,
        Subject::Clock => clock::check(patient).await,
        Subject::Model => model::check(patient).await,
        Subject::Channels => channels::check(patient).await,
        Subject::Services => blocking(patient, services::check).await,
        Subject::Lingering => blocking(patient, services::lingering).await,
    }
}

/// On a thread of its own: a disk that does not answer holds up nobody else.
async fn blocking(patient: &Arc<Patient>, check: fn(&Patient) -> Vec<DoctorFinding>) -> Vec<DoctorFinding> {
    let patient = Arc::clone(patient);
    tokio::task::spawn_blocking(move || check(&patient)).await.unwrap_or_default()
}

/// Repairs what was found and `wanted`: what is safe at once, the rest where `consent` says yes to it (none: nobody can
/// be asked). Looks again afterwards; what the repairs could not mend is in the result.
pub async fn treat(
    world: &World,
    places: &[Place],
    options: DoctorOptions,
    first: Examination,
    wanted: &(dyn Fn(&DoctorFinding) -> bool + Send + Sync),
    consent: &(dyn Fn(&DoctorFinding) -> Option<bool> + Send + Sync),
    on_treatment: &(dyn Fn(Treatment) + Send + Sync),
) -> Examination {
    let mut fixed = Vec::new();
    for finding in first.findings.iter().filter(|finding| wanted(finding)) {
        let (Some(fix), Some(place)) =
            (&finding.fix, places.iter().find(|place| place.name().as_str() == finding.profile))
        else {
            continue;
        };
        let allowed = if fix.safe { Some(true) } else { consent(finding) };
        let (state, message) = match allowed {
            Some(true) => match read(world, place, options).await {
                Some(patient) => match remedy::apply(&patient, &fix.remedy).await {
                    Ok(done) => (TreatmentState::Done, done),
                    Err(trouble) => (TreatmentState::Failed, trouble),
                },
                None => (TreatmentState::Failed, "The disk does not answer.".to_owned()),
            },
            Some(false) => (TreatmentState::Skipped, "Left as it is.".to_owned()),
            None => (
                TreatmentState::Skipped,
                "This one is asked for first: add --yes to have it done.".to_owned(),
            ),
        };
        let treatment = Treatment {
            code: finding.code.clone(),
            profile: finding.profile.clone(),
            title: fix.title.clone(),
            state,
            message,
        };
        on_treatment(treatment.clone());
        fixed.push(treatment);
    }
    if !fixed.iter().any(|treatment| treatment.state == TreatmentState::Done) {
        return Examination { fixed, ..first };
    }
    let after = examine(world, places, options, &|_| ()).await;
    Examination { fixed, ..after }
}
