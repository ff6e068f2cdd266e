//! Doing what the list says. One step that fails does not stop the others.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bulkhead_process::RunRecord;
use bulkhead_profile::{Place, Register, known_profiles, siblings};
use bulkhead_service::Service;
use bulkhead_supervisor::{ControlClient, ControlRequest, SupervisorError};

use super::secrets::delete_secrets;
use super::steps::{Step, StepAction, StepOutcome, StepState, Target, UninstallPlan};
use crate::world::World;

/// How long a gateway in the foreground may take to end answers that are under way.
const GRACE: Duration = Duration::from_secs(15);

/// Does the steps in order and tells each one. Data of a profile whose gateway could not be stopped stays.
pub async fn uninstall(
    world: &World,
    plan: &UninstallPlan,
    on_step: &(dyn Fn(&StepOutcome) + Send + Sync),
) -> Vec<StepOutcome> {
    let mut outcomes: Vec<StepOutcome> = Vec::new();
    for step in &plan.steps {
        let result = match stands_in_the_way(&outcomes, step) {
            Some(reason) => Err(reason.to_owned()),
            None => perform(world, step).await,
        };
        let (state, message) = match result {
            Ok(Some(message)) => (StepState::Done, message),
            Ok(None) => (StepState::Nothing, String::new()),
            Err(message) => (StepState::Failed, message),
        };
        let outcome = StepOutcome { step: step.clone(), state, message };
        on_step(&outcome);
        outcomes.push(outcome);
    }
    outcomes
}

/// What cannot be done after something else failed: under a running gateway nothing is taken away, and what is left must
/// still be found by the next try.
fn stands_in_the_way(outcomes: &[StepOutcome], step: &Step) -> Option<&'static str> {
    let failed = |outcome: &&StepOutcome| outcome.state == StepState::Failed;
    let mut mine = outcomes.iter().filter(failed).filter(|outcome| outcome.step.profile == step.profile);
    match step.action {
        StepAction::DeleteData | StepAction::DeleteSecrets => mine
            .any(|outcome| outcome.step.action == StepAction::StopGateway)
            .then_some("its gateway still runs; stop it and say this again"),
        StepAction::Release => {
            mine.next().map(|_| "something of it is still there; say this again when that is mended")
        }
        StepAction::DeleteShared => outcomes
            .iter()
            .any(|outcome| outcome.state == StepState::Failed)
            .then_some("something is still there; say this again when that is mended"),
        _ => None,
    }
}

/// What was done, nothing if there was nothing to do, or why not.
async fn perform(world: &World, step: &Step) -> Result<Option<String>, String> {
    match (&step.target, step.action) {
        (Target::Place(place), StepAction::StopGateway) => stop(place).await,
        (Target::Place(place), StepAction::DeleteSecrets) => {
            let deleted = delete_secrets(world, place).await.map_err(|error| error.to_string())?.deleted;
            Ok((!deleted.is_empty()).then(|| deleted.join(", ")))
        }
        (Target::Place(place), _) => {
            let released = Register::open(&world.env).release(place).map_err(|error| error.to_string())?;
            Ok(released.then(String::new))
        }
        (Target::Service(place, scope), _) => remove_service(world, place, scope).await,
        (Target::Data { place, paths }, _) => delete_data(world, place, paths),
        (Target::Path(path), _) => remove(path),
    }
}

async fn stop(place: &Place) -> Result<Option<String>, String> {
    match ControlClient::new(place).ask(&ControlRequest::Stop).await {
        Ok(_) => return Ok(Some("by its supervisor".to_owned())),
        Err(SupervisorError::NotSupervised { .. }) => {}
        Err(error) => return Err(error.to_string()),
    }
    // In the foreground: ended only if it is proven to be this profile's.
    let Some(record) = RunRecord::read_running(&place.run_record_path()) else { return Ok(None) };
    tokio::task::spawn_blocking(move || record.identity.terminate(GRACE))
        .await
        .map_err(|error| error.to_string())?
        .map(|_| Some(String::new()))
        .map_err(|error| error.to_string())
}

async fn remove_service(
    world: &World,
    place: &Place,
    scope: &bulkhead_service::Scope,
) -> Result<Option<String>, String> {
    let service = Service::new(place, &world.env, scope.clone());
    let removed = tokio::task::spawn_blocking(move || service.uninstall())
        .await
        .map_err(|error| error.to_string())?
        .map_err(|error| error.to_string())?;
    let left: Vec<String> = removed.left.iter().map(|path| path.display().to_string()).collect();
    Ok(removed.removed.then(|| {
        if left.is_empty() {
            String::new()
        } else {
            format!("left, since they are yours: {}", left.join(", "))
        }
    }))
}

/// Only what is this profile's: folders of others that lie inside stay, and the marker goes last, so that an interrupted
/// removal can be done again.
fn delete_data(world: &World, place: &Place, paths: &[PathBuf]) -> Result<Option<String>, String> {
    place.check_marker().map_err(|error| error.to_string())?;
    let neighbours: Vec<Place> = known_profiles(&world.env)
        .into_iter()
        .map(|known| known.place)
        .filter(|other| other.state_dir() != place.state_dir())
        .collect();
    let mut done = false;
    for path in paths.iter().filter(|path| *path != place.state_dir()) {
        done |= remove(path)?.is_some();
    }
    if paths.iter().any(|path| path == place.state_dir()) {
        let mut inside: Vec<PathBuf> = fs::read_dir(place.state_dir())
            .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
            .unwrap_or_default();
        inside.retain(|path| siblings::owns(place, path, &neighbours));
        inside.sort_by_key(|path| *path == place.marker_path());
        for path in inside {
            done |= remove(&path)?.is_some();
        }
        // Only an empty folder goes: another profile's may be inside.
        done |= fs::remove_dir(place.state_dir()).is_ok();
    }
    Ok(done.then(String::new))
}

fn remove(path: &Path) -> Result<Option<String>, String> {
    let gone = match path.symlink_metadata() {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match gone {
        Ok(()) => Ok(Some(String::new())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{}: {error}; check that it belongs to you", path.display())),
    }
}
