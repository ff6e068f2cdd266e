//! `bulkhead gateway start|stop|restart`: the owner's supervisor is asked; nobody else starts or stops.

use std::time::Duration;

use bulkhead_process::RunRecord;
use bulkhead_profile::Place;
use bulkhead_supervisor::{ControlClient, ControlRequest, GatewayStatus, SupervisorError};
use serde_json::json;

use crate::commands::DONE;
use crate::context::Context;
use crate::error::Failure;
use crate::output::paint;

/// How long a gateway in the foreground may take to end answers that are under way.
const GRACE: Duration = Duration::from_secs(15);
/// How long a start may take until the gateway answers.
const START: Duration = Duration::from_secs(35);

pub fn start(context: &Context) -> Result<u8, Failure> {
    through_supervisor(context, &ControlRequest::Start, "started")
}

pub fn restart(context: &Context) -> Result<u8, Failure> {
    through_supervisor(context, &ControlRequest::Restart, "restarted")
}

fn through_supervisor(context: &Context, request: &ControlRequest, done: &str) -> Result<u8, Failure> {
    let place = context.place()?;
    let status = context.block_on(async {
        let client = ControlClient::new(&place);
        client.ask(request).await.map_err(|error| explain(error, &place))?;
        let settled = |status: &GatewayStatus| status.is_running() || status.is_down();
        Ok(client.wait_for(START, settled).await?)
    })?;
    if !status.is_running() {
        let problem = status.problem.as_ref();
        let code = problem.map_or_else(|| "gateway.not-running".to_owned(), |problem| problem.code.clone());
        let message = problem.map_or_else(
            || {
                format!(
                    "the gateway of profile {} did not start; see `bulkhead --profile {} logs`",
                    place.name(),
                    place.name()
                )
            },
            |problem| problem.message.clone(),
        );
        return Err(Failure::failed(code, message));
    }
    report(context, &place, done, "supervisor", Some(&status));
    Ok(DONE)
}

pub fn stop(context: &Context) -> Result<u8, Failure> {
    let place = context.place()?;
    let asked = context.block_on(async {
        match ControlClient::new(&place).ask(&ControlRequest::Stop).await {
            Ok(status) => Ok(Some(status)),
            Err(SupervisorError::NotSupervised { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    })?;
    if let Some(status) = asked {
        report(context, &place, "stopped", "supervisor", Some(&status));
        return Ok(DONE);
    }
    // A gateway in the foreground: ended only if it is proven to be this profile's.
    match RunRecord::read_running(&place.run_record_path()) {
        Some(record) => {
            record.identity.terminate(GRACE)?;
            report(context, &place, "stopped", "signal", None);
        }
        None => report(context, &place, "not running", "none", None),
    }
    Ok(DONE)
}

fn report(context: &Context, place: &Place, what: &str, via: &str, status: Option<&GatewayStatus>) {
    let result =
        json!({ "ok": true, "profile": place.name(), "result": what, "via": via, "supervisor": status });
    context.out.result(&result, || format!("{}: {}", paint::strong(place.name().as_str()), what));
}

fn explain(error: SupervisorError, place: &Place) -> Failure {
    let name = place.name();
    match error {
        SupervisorError::NotSupervised { .. } => Failure::failed(
            error.code(),
            format!(
                "nobody supervises profile {name}: expected the app or `bulkhead --profile {name} gateway supervise`; start one of the \
                 two, or run the gateway here with `bulkhead --profile {name} gateway`"
            ),
        ),
        other => other.into(),
    }
}
