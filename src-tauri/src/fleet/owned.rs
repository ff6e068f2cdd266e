//! Asking for a gateway that the app does not run itself: its owner's supervisor, or its service. The table of owners
//! says which.

use crate::failure::{Answer, Failure};
use bulkhead_process::RunRecord;
use bulkhead_profile::{Environment, Owner, Place};
use bulkhead_service::{Service, ServiceError};
use bulkhead_supervisor::ownership::{Action, Decision, Runner, Sight, decide};
use bulkhead_supervisor::{ControlClient, ControlRequest, Desired};

/// Whether the app becomes the supervisor of a gateway that it finds in its register.
pub fn is_run_by_app(owner: Owner) -> bool {
    decide(owner, Runner::Nobody, Action::Attach) == Decision::App
}

/// Starts, stops or restarts it, by whoever may.
pub async fn ask(place: &Place, env: &Environment, owner: Owner, action: Action) -> Answer<()> {
    let client = ControlClient::new(place);
    let supervisor = client.status().await?;
    let sight = Sight {
        supervisor: supervisor.map(|status| status.owner),
        gateway: RunRecord::read_running(&place.run_record_path()).is_some(),
        ..Sight::default()
    };
    let request = match action {
        Action::Stop => ControlRequest::Stop,
        Action::Restart => ControlRequest::Restart,
        _ => ControlRequest::Start,
    };
    match decide(owner, sight.runner(), action) {
        Decision::Nothing => Ok(()),
        Decision::Ask => Ok(client.ask(&request).await.map(drop)?),
        Decision::StartService => {
            Desired::Running.write(&place.desired_path())?;
            by_service(place, env, Service::start).await
        }
        Decision::StopService => {
            // The planned stop first: it alarms nobody, and holds over the next log-in.
            if sight.supervisor.is_some() {
                client.ask(&request).await?;
            } else {
                Desired::Stopped.write(&place.desired_path())?;
            }
            by_service(place, env, Service::stop).await
        }
        _ => Err(Failure::not_ours(place.name().as_str())),
    }
}

/// Stops it until then, by whoever supervises it: that one starts it again too.
pub async fn pause(place: &Place, owner: Owner, until_ms: u64) -> Answer<()> {
    let client = ControlClient::new(place);
    let supervisor = client.status().await?;
    let sight = Sight { supervisor: supervisor.map(|status| status.owner), ..Sight::default() };
    match decide(owner, sight.runner(), Action::Stop) {
        Decision::Ask | Decision::StopService if sight.supervisor.is_some() => {
            Ok(client.ask(&ControlRequest::Pause { until_ms }).await.map(drop)?)
        }
        _ => Err(Failure::new(
            "not-paused",
            crate::language::texts::notice_not_paused(place.name().as_str()),
            "Pause it where it runs.",
        )),
    }
}

async fn by_service(
    place: &Place,
    env: &Environment,
    work: fn(&Service) -> Result<(), ServiceError>,
) -> Answer<()> {
    let service = Service::find(place, env);
    let outcome = tauri::async_runtime::spawn_blocking(move || work(&service)).await;
    match outcome {
        Ok(outcome) => Ok(outcome?),
        Err(error) => Err(Failure::new("service", error.to_string(), "Try it again.")),
    }
}
