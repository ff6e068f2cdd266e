//! `bulkhead gateway start|stop|restart`: the table of owners says who is asked; nobody else starts or stops.

use std::time::Duration;

use bulkhead_profile::{Owner, Place};
use bulkhead_service::Service;
use bulkhead_supervisor::ownership::{Action, Decision};
use bulkhead_supervisor::{ControlClient, ControlRequest, Desired, GatewayStatus};
use serde_json::json;

use super::sight::{self, View};
use crate::commands::DONE;
use crate::context::Context;
use crate::error::{CONFIGURATION, Failure};
use crate::grammar::gateway::StopArgs;
use crate::output::paint;

/// How long a gateway in the foreground may take to end answers that are under way.
const GRACE: Duration = Duration::from_secs(15);
/// How long a start may take until the gateway answers.
const START: Duration = Duration::from_secs(35);
/// The exit code of a configuration that is refused.
const REFUSED: i32 = 78;

pub fn start(context: &Context) -> Result<u8, Failure> {
    begin(context, Action::Start, &ControlRequest::Start, "started")
}

pub fn restart(context: &Context) -> Result<u8, Failure> {
    begin(context, Action::Restart, &ControlRequest::Restart, "restarted")
}

fn begin(context: &Context, action: Action, request: &ControlRequest, done: &str) -> Result<u8, Failure> {
    let place = context.place()?;
    let view = View::of(context, &place)?;
    match view.decide(action) {
        Decision::Ask => {
            let status = ask(context, &place, request)?;
            report(context, &place, done, "supervisor", Some(&status));
        }
        Decision::StartService => {
            let status = start_service(context, &Service::find(&place, &context.env), true)?;
            report(context, &place, done, "service", Some(&status));
        }
        Decision::App => return Err(sight::app_starts(&place)),
        Decision::Refuse(refusal) => return Err(view.refused(refusal)),
        _ => report(context, &place, "running already, in the foreground", "none", None),
    }
    Ok(DONE)
}

/// Asks the supervisor, and waits until the gateway is up or down.
fn ask(context: &Context, place: &Place, request: &ControlRequest) -> Result<GatewayStatus, Failure> {
    let status = context.block_on(async {
        let client = ControlClient::new(place);
        client.ask(request).await?;
        Ok(client.wait_for(START, settled).await?)
    })?;
    is_up(place, status)
}

fn settled(status: &GatewayStatus) -> bool {
    status.is_running() || status.is_down()
}

fn is_up(place: &Place, status: GatewayStatus) -> Result<GatewayStatus, Failure> {
    if status.is_running() {
        return Ok(status);
    }
    let name = place.name();
    let problem = status.problem.as_ref();
    let code = problem.map_or_else(|| "gateway.not-running".to_owned(), |problem| problem.code.clone());
    let message = problem.map_or_else(
        || format!("the gateway of profile {name} did not start; see `bulkhead --profile {name} logs`"),
        |problem| problem.message.clone(),
    );
    Err(Failure::failed(code, message))
}

/// Has the service manager start the service; with `wanted`, the gateway shall run from now on, whatever was wanted
/// before. Waits until the gateway is up, unless it is not wanted.
pub fn start_service(context: &Context, service: &Service, wanted: bool) -> Result<GatewayStatus, Failure> {
    let place = service.place();
    if wanted {
        Desired::Running.write(&place.desired_path())?;
    }
    service.start().map_err(|error| explain(service, error.into()))?;
    if service.scope().is_system() && bulkhead_process::peer::is_root() {
        // Root is not the user whose supervisor it is; the service manager has said that it is up.
        return Ok(GatewayStatus {
            profile: place.name().to_string(),
            owner: Owner::Service,
            ..GatewayStatus::default()
        });
    }
    let status = context.block_on(async { Ok(ControlClient::new(place).wait_for(START, settled).await?) })?;
    if status.desired == Desired::Running { is_up(place, status) } else { Ok(status) }
}

/// A service that did not start, with what the supervisor or the service manager says about it.
fn explain(service: &Service, failure: Failure) -> Failure {
    let status = service.status(None);
    let name = service.place().name();
    if status.last_exit == Some(REFUSED) {
        let why = status.text.map(|text| format!(": {text}")).unwrap_or_default();
        return Failure::new(
            CONFIGURATION,
            "config-refused",
            format!(
                "the gateway of '{name}' refuses its configuration and is not started again{why}; expected one that it can run on; see \
                 `bulkhead --profile {name} config validate`, repair {}, then: bulkhead --profile {name} gateway start",
                service.place().config_path().display()
            ),
        );
    }
    match status.text {
        Some(text) => Failure { message: format!("{}; it last said: {text}", failure.message), ..failure },
        None => failure,
    }
}

pub fn stop(args: &StopArgs, context: &Context) -> Result<u8, Failure> {
    let place = context.place()?;
    let view = View::of(context, &place)?;
    let service = Service::find(&place, &context.env);
    match view.decide(Action::Stop) {
        Decision::Ask => {
            let status = plan_stop(context, &place)?;
            report(context, &place, "stopped", "supervisor", Some(&status));
        }
        Decision::StopService => {
            // First the planned stop, so that nobody is alarmed and it stays stopped at the next log-in.
            let ran = view.supervisor.is_some();
            if ran {
                plan_stop(context, &place)?;
            } else {
                Desired::Stopped.write(&place.desired_path())?;
            }
            if service.is_installed()
                && let Err(error) = service.stop()
            {
                // A system service cannot be stopped by its user; its gateway is stopped all the same.
                context.out.note(&format!("{} {error}", paint::warn("note:")));
            }
            let what = if ran { "stopped" } else { "not running; it stays stopped" };
            report(context, &place, what, "service", None);
        }
        // A gateway in the foreground: ended only if it is proven to be this profile's.
        Decision::End => {
            if let Some(record) = &view.record {
                record.identity.terminate(GRACE)?;
            }
            report(context, &place, "stopped", "signal", None);
        }
        Decision::Refuse(refusal) => return Err(view.refused(refusal)),
        _ => report(context, &place, "not running", "none", None),
    }
    if args.disable {
        service.disable()?;
    }
    Ok(DONE)
}

fn plan_stop(context: &Context, place: &Place) -> Result<GatewayStatus, Failure> {
    context.block_on(async { Ok(ControlClient::new(place).ask(&ControlRequest::Stop).await?) })
}

fn report(context: &Context, place: &Place, what: &str, via: &str, status: Option<&GatewayStatus>) {
    let result =
        json!({ "ok": true, "profile": place.name(), "result": what, "via": via, "supervisor": status });
    context.out.result(&result, || format!("{}: {}", paint::strong(place.name().as_str()), what));
}
