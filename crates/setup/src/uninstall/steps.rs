//! What an uninstallation does, as a list that is shown before anything is done.

use std::path::{Path, PathBuf};

use bulkhead_process::RunRecord;
use bulkhead_profile::{KnownProfile, Place, files, known_profiles, siblings};
use bulkhead_service::{Scope, Service};
use serde::Serialize;

use super::{app, autostart};
use crate::world::World;

/// How much goes.
#[derive(Debug, Clone, Copy, Default)]
pub struct UninstallOptions {
    /// Configuration, conversations and workspaces too. Backups stay.
    pub purge: bool,
}

/// Everything that will be done, and what stays.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UninstallPlan {
    /// In this order.
    pub steps: Vec<Step>,
    /// What stays.
    pub kept: Vec<PathBuf>,
}

/// One thing that is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// What kind.
    pub action: StepAction,
    /// For which profile; none for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// In words, such as "Remove the service bulkhead-gateway.service".
    pub what: String,
    #[serde(skip)]
    pub(super) target: Target,
}

/// The kinds, in the order in which they are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepAction {
    /// A gateway is stopped.
    StopGateway,
    /// A service is removed.
    RemoveService,
    /// The app does not start at login any more.
    RemoveAutostart,
    /// What the app kept for itself goes.
    DeleteAppData,
    /// Keychain items and secrets files go.
    DeleteSecrets,
    /// Its data goes.
    DeleteData,
    /// The profile leaves the register.
    Release,
    /// The register and what is beside it go.
    DeleteShared,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    Place(Box<Place>),
    Service(Box<Place>, Scope),
    Path(PathBuf),
    Data { place: Box<Place>, paths: Vec<PathBuf> },
}

/// How a step went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepOutcome {
    /// The step.
    #[serde(flatten)]
    pub step: Step,
    /// How it went.
    pub state: StepState,
    /// In words; empty where there is nothing to add.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    /// Done.
    Done,
    /// There was nothing to do.
    Nothing,
    /// It did not work; the others went on.
    Failed,
}

/// Looks at the machine and lists what has to be done. Changes nothing. Blocks on the disk.
pub fn plan(world: &World, options: UninstallOptions) -> UninstallPlan {
    let known = known_profiles(&world.env);
    let mut plan = UninstallPlan { steps: Vec::new(), kept: Vec::new() };
    for profile in &known {
        of_profile(world, profile, &known, options, &mut plan);
    }
    for path in autostart::files(&world.env) {
        plan.steps.push(Step {
            action: StepAction::RemoveAutostart,
            profile: None,
            what: format!("Take the app out of what starts at login ({})", path.display()),
            target: Target::Path(path),
        });
    }
    for path in app::files(&world.env) {
        plan.steps.push(Step {
            action: StepAction::DeleteAppData,
            profile: None,
            what: format!("Remove what the app keeps for itself ({})", path.display()),
            target: Target::Path(path),
        });
    }
    shared(world, &mut plan);
    // All gateways are down before anything is taken from under one, and main's folder goes last: others lie inside.
    plan.steps.sort_by_key(|step| (step.action, step.profile.as_deref() == Some(bulkhead_profile::MAIN)));
    plan
}

fn of_profile(
    world: &World,
    profile: &KnownProfile,
    all: &[KnownProfile],
    options: UninstallOptions,
    plan: &mut UninstallPlan,
) {
    let place = &profile.place;
    let label = place.label();
    let name = Some(place.name().to_string());
    let mut step =
        |action, what: String, target| plan.steps.push(Step { action, profile: name.clone(), what, target });
    let here = || Target::Place(Box::new(place.clone()));
    if let Some(record) = RunRecord::read_running(&place.run_record_path()) {
        step(
            StepAction::StopGateway,
            format!("Stop the gateway of {label} (process {})", record.identity.pid),
            here(),
        );
    }
    for scope in [Scope::User, Scope::System { user: String::new() }] {
        let service = Service::new(place, &world.env, scope.clone());
        if service.is_installed() {
            step(
                StepAction::RemoveService,
                format!(
                    "Remove the {} service {} ({})",
                    scope.word(),
                    service.name(),
                    service.path().display()
                ),
                Target::Service(Box::new(place.clone()), scope),
            );
        }
    }
    let mut secrets =
        format!("Delete the secrets of {label} from the keychain ({})", place.keychain_service());
    if place.secrets_file().exists() {
        secrets = format!("{secrets} and the file {}", place.secrets_file().display());
    }
    step(StepAction::DeleteSecrets, secrets, here());
    if profile.claimed.is_some() {
        step(StepAction::Release, format!("Take {label} out of the register of profiles"), here());
    }
    let data = data(world, profile, all);
    if options.purge {
        if !data.is_empty() {
            let shown: Vec<String> = data.iter().map(|path| path.display().to_string()).collect();
            step(
                StepAction::DeleteData,
                format!("Delete everything that {label} keeps: {}", shown.join(", ")),
                Target::Data { place: Box::new(place.clone()), paths: data },
            );
        }
    } else {
        plan.kept.extend(data);
    }
}

/// The folders and files of one profile: state directory, a configuration and a workspace that lie elsewhere. A workspace
/// that the configuration puts somewhere else is the person's own and is never among them.
fn data(world: &World, profile: &KnownProfile, all: &[KnownProfile]) -> Vec<PathBuf> {
    let place = &profile.place;
    let mut data = vec![place.state_dir().to_owned()];
    if !files::is_within(place.config_path(), place.state_dir()) {
        data.push(place.config_path().to_owned());
    }
    let configured = profile.glimpse.as_ref().and_then(|glimpse| glimpse.workspace.as_deref());
    let is_own = configured
        .is_none_or(|path| files::canonical(&world.env.expand(path)) == files::canonical(place.workspace()));
    if is_own && !files::is_within(place.workspace(), place.state_dir()) {
        data.push(place.workspace().to_owned());
    }
    let neighbours: Vec<Place> = all.iter().map(|known| known.place.clone()).collect();
    data.retain(|path| {
        path.symlink_metadata().is_ok()
            && (path == place.state_dir() || siblings::owns(place, path, &neighbours))
    });
    data
}

fn shared(world: &World, plan: &mut UninstallPlan) {
    let dir = world.env.shared_dir();
    if dir.symlink_metadata().is_ok() {
        plan.steps.push(Step {
            action: StepAction::DeleteShared,
            profile: None,
            what: format!("Remove the register of profiles and what is beside it ({})", dir.display()),
            target: Target::Path(dir),
        });
    }
    let archive = world.env.home.join(".bulkhead-archive");
    if !is_there(&archive) {
        return;
    }
    // Backups are what somebody makes for the case that everything else is gone.
    plan.kept.push(archive);
}

fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
