//! Without the gateway that watches: the watched one's own supervisor is asked, its files are read. Nothing is spawned
//! that is not already its supervisor's business.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::time::Duration;

use bulkhead_profile::Place;
use bulkhead_service::Service;
use bulkhead_supervisor::{ControlClient, ControlRequest, GatewayStatus, SupervisorError};
use serde_json::{Value, json};

use super::Watch;
use crate::commands::logs::for_people;
use crate::commands::{DONE, doctor, gateway};
use crate::error::Failure;
use crate::grammar::doctor::DoctorArgs;
use crate::output::paint;

/// How long a start may take until the gateway answers.
const START: Duration = Duration::from_secs(35);
/// Log lines that are shown.
const LINES: usize = 50;
const LOG_BYTES: u64 = 256 * 1024;

pub fn remedy(
    watch: &Watch,
    watched: &Place,
    remedy: &str,
    version: Option<&str>,
    yes: bool,
) -> Result<u8, Failure> {
    watch.context.out.note(&format!(
        "The gateway of profile {} does not run; {} is asked directly.",
        watch.place.name(),
        watched.name()
    ));
    match remedy {
        "logs" => logs(watch, watched),
        "doctor" => {
            let mut context = watch.context.clone();
            context.global.profile = Some(watched.name().clone());
            let all = DoctorArgs {
                fix: false,
                only: Vec::new(),
                yes: false,
                all: false,
                offline: false,
                deep: false,
                verbose: false,
            };
            doctor::run(&all, &context)
        }
        "rollback" => rollback(watch, watched, version, yes),
        "safe-mode" => supervised(watch, watched, remedy, &ControlRequest::SafeMode),
        _ => supervised(watch, watched, remedy, &ControlRequest::Restart),
    }
}

fn settled(status: &GatewayStatus) -> bool {
    status.is_running() || status.is_down()
}

fn supervised(watch: &Watch, watched: &Place, remedy: &str, request: &ControlRequest) -> Result<u8, Failure> {
    let context = &watch.context;
    let asked = context.block_on(async {
        let client = ControlClient::new(watched);
        match client.ask(request).await {
            Ok(_) => Ok(Some(client.wait_for(START, settled).await?)),
            Err(SupervisorError::NotSupervised { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    })?;
    let status = match asked {
        Some(status) => status,
        None => bring_up(watch, watched, request)?,
    };
    told(watch, watched, remedy, &status)
}

/// A service that is installed brings its supervisor up; else the truth is told.
fn bring_up(watch: &Watch, watched: &Place, request: &ControlRequest) -> Result<GatewayStatus, Failure> {
    let context = &watch.context;
    let service = Service::find(watched, &context.env);
    if !service.is_installed() {
        let name = watched.name();
        return Err(Failure::failed(
            "rescue.owner-absent",
            format!(
                "nobody runs the gateway of profile {name} just now: found neither a supervisor nor a service, expected one of \
                 them; open the app, or let a service run it from now on with `bulkhead --profile {name} gateway install`"
            ),
        ));
    }
    let status = gateway::start_service(context, &service, true)?;
    if *request != ControlRequest::SafeMode {
        return Ok(status);
    }
    context.block_on(async {
        let client = ControlClient::new(watched);
        client.ask(request).await?;
        Ok(client.wait_for(START, settled).await?)
    })
}

fn told(watch: &Watch, watched: &Place, remedy: &str, status: &GatewayStatus) -> Result<u8, Failure> {
    if !status.is_running() {
        let problem = status.problem.as_ref();
        return Err(Failure::failed(
            problem.map_or("gateway.not-running", |problem| problem.code.as_str()),
            problem.map_or_else(
                || {
                    let name = watched.name();
                    format!(
                        "the gateway of profile {name} did not come up; see `bulkhead --profile {name} logs`"
                    )
                },
                |problem| problem.message.clone(),
            ),
        ));
    }
    let result = answer(watch, remedy, "its supervisor did it", Some(status));
    watch.context.out.result(&result, || {
        format!("{} {remedy}: the gateway of profile {} runs", paint::good("done"), watched.name())
    });
    Ok(DONE)
}

fn answer(watch: &Watch, remedy: &str, text: &str, status: Option<&GatewayStatus>) -> Value {
    json!({
        "ok": true, "via": "supervisor", "profile": watch.place.name(), "remedy": remedy, "text": text,
        "verdict": null, "status": status,
    })
}

fn rollback(watch: &Watch, watched: &Place, version: Option<&str>, yes: bool) -> Result<u8, Failure> {
    let name = watched.name();
    let which =
        version.map_or_else(|| "the last good configuration".to_owned(), |hash| format!("version {hash}"));
    watch.confirm(
        &format!("Put {which} of {name} in place of the present one? The present file is kept beside it."),
        yes,
    )?;
    let done = watch.context.block_on(async {
        Ok(ControlClient::new(watched).rollback(version.map(str::to_owned), None).await?)
    })?;
    let text = match (&done.rejected, done.changed()) {
        (_, false) => "the configuration is that version already".to_owned(),
        (Some(path), true) => format!("the former file is kept as {}", path.display()),
        (None, true) => "there was no file before".to_owned(),
    };
    let mut result = answer(watch, "rollback", &text, None);
    result["rollback"] = serde_json::to_value(&done).unwrap_or_default();
    watch.context.out.result(&result, || format!("{} rollback of {name}: {text}", paint::good("done")));
    Ok(DONE)
}

fn logs(watch: &Watch, watched: &Place) -> Result<u8, Failure> {
    let path = watched.log_path();
    let read = || -> std::io::Result<Vec<String>> {
        let mut file = std::fs::File::open(&path)?;
        let size = file.metadata()?.len();
        file.seek(SeekFrom::Start(size.saturating_sub(LOG_BYTES)))?;
        let mut bytes = Vec::new();
        file.take(LOG_BYTES).read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        Ok(lines[lines.len().saturating_sub(LINES)..].to_vec())
    };
    let lines = read().map_err(|error| {
        Failure::failed(
            "logs.unreadable",
            format!(
                "the log {} cannot be read: {error}; expected it there once a gateway of this profile has run",
                path.display()
            ),
        )
    })?;
    let mut result = answer(watch, "logs", &lines.join("\n"), None);
    result["lines"] = lines.clone().into();
    watch
        .context
        .out
        .result(&result, || lines.iter().map(|line| for_people(line)).collect::<Vec<_>>().join("\n"));
    Ok(DONE)
}
