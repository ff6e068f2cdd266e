//! `bulkhead gateway status`: process, supervisor, HTTP health, and whether it answers the protocol.

use std::path::Path;
use std::time::{Duration, Instant};

use bulkhead_process::port;
use bulkhead_profile::Register;
use bulkhead_service::others::{self, OtherService, Verdict};
use bulkhead_service::{Service, ServiceStatus};
use bulkhead_supervisor::{ControlClient, GatewayStatus};
use serde::Serialize;
use serde_json::{Value, json};

use super::ask::{Answers, side_by_side};
use super::owned;
use crate::asking;
use crate::commands::DONE;
use crate::commands::status::{ProfileStatus, State, block, look};
use crate::context::{Context, base_port};
use crate::error::Failure;
use crate::grammar::gateway::GatewayStatusArgs;
use crate::output::{paint, table};

/// A supervisor on this machine answers at once.
const SUPERVISOR_PATIENCE: Duration = Duration::from_secs(2);

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    ok: bool,
    profile: ProfileStatus,
    /// `flag`, a variable, `gateway.port` or the rule.
    port_source: String,
    supervisor: Option<GatewayStatus>,
    /// Who has the port when it is not this profile's gateway.
    port_holder: Option<Value>,
    probe: Option<Value>,
    /// This profile's service; none if none is installed.
    service: Option<ServiceStatus>,
    /// SHA-256 of the certificate that it shows; none without `gateway.tls`.
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_fingerprint: Option<String>,
    /// Other gateway-like services of this machine, and what to do about each; only with --deep.
    #[serde(skip_serializing_if = "Option::is_none")]
    other_services: Option<Vec<OtherService>>,
}

pub fn run(args: &GatewayStatusArgs, context: &Context) -> Result<u8, Failure> {
    let place = context.place()?;
    let (port, source) = base_port(&place, &context.env)?;
    let owner = Register::open(&context.env).find(&place).ok().flatten().map(|entry| entry.owner);
    let profile = look(&place, port, owner);
    let port_holder = (profile.state == State::PortTaken).then(|| holder(port)).flatten();
    let (supervisor, probe) = context.block_on(async {
        let client = ControlClient::new(&place);
        let asked = tokio::time::timeout(SUPERVISOR_PATIENCE, client.status()).await;
        let supervisor = asked.ok().and_then(Result::ok).flatten();
        let remote = args.target.url.is_some();
        let answers = matches!(profile.state, State::Running | State::Degraded);
        let probe =
            if args.no_probe || !(remote || answers) { None } else { Some(probe(context, args).await) };
        Ok((supervisor, probe))
    })?;
    let installed = Service::find(&place, &context.env);
    let service = installed.is_installed().then(|| {
        let expected = owned::expected(context, &installed).ok();
        installed.status(expected.as_ref())
    });
    let other_services = args.deep.then(|| {
        let found = others::scan(&context.env).into_iter();
        let own = if cfg!(windows) { installed.name().into() } else { installed.path() };
        found.filter_map(|found| others::judge(&found, &place, &own, port, Path::exists)).collect()
    });
    let tls_fingerprint = crate::context::config(&place)
        .ok()
        .and_then(|loaded| super::fingerprint::of(&place, &loaded.config, &context.env))
        .map(|fingerprint| fingerprint.to_string());
    let report = Report {
        ok: true,
        tls_fingerprint,
        service,
        other_services,
        profile,
        port_source: source.describe().to_owned(),
        supervisor,
        port_holder,
        probe,
    };
    context.out.result(&report, || text(&report));
    Ok(DONE)
}

fn holder(port: u16) -> Option<Value> {
    let holder = port::holder(port)?;
    Some(json!({ "pid": holder.pid, "program": holder.program, "profile": holder.profile }))
}

async fn probe(context: &Context, args: &GatewayStatusArgs) -> Value {
    let begun = Instant::now();
    let elapsed = |begun: Instant| u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let connected = async {
        let door = asking::door(context, &args.target).await?;
        let begun = Instant::now();
        // A prober without a device may look at little; who wants more connects as what this program is.
        let options = if args.deep { door.cli() } else { door.probe() };
        let (client, hello) = door.enter(options).await?;
        Ok::<_, Failure>((client, hello, door.url.to_string(), elapsed(begun)))
    };
    match connected.await {
        Ok((client, hello, url, connect_ms)) => {
            let mut found = json!({
                "ok": true, "url": url, "connectMs": connect_ms, "version": hello.server.version, "scopes": hello.auth.scopes,
            });
            if args.deep {
                let questions = [("health", json!({})), ("channels.status", json!({}))];
                let Answers { answers, errors } = side_by_side(&client, &questions).await;
                found["answers"] = Value::Object(answers);
                found["errors"] = Value::Object(errors);
            }
            client.close().await;
            found
        }
        Err(failure) => {
            json!({ "ok": false, "elapsedMs": elapsed(begun), "error": { "code": failure.code, "message": failure.message } })
        }
    }
}

fn text(report: &Report) -> String {
    let mut pairs = Vec::new();
    if let Some(holder) = &report.port_holder {
        let program = holder["program"].as_str().unwrap_or("an unknown program");
        let pid = holder["pid"].as_u64().map(|pid| format!(" (pid {pid})")).unwrap_or_default();
        pairs.push((
            "port holder",
            format!(
                "{program}{pid}; end it, or choose another port with `bulkhead config set gateway.port PORT`"
            ),
        ));
    }
    pairs.push(("port from", report.port_source.clone()));
    if let Some(supervisor) = &report.supervisor {
        let state =
            serde_json::to_value(supervisor.state).ok().and_then(|state| state.as_str().map(str::to_owned));
        let restarts = if supervisor.restarts > 0 {
            format!(", {} restarts after crashes", supervisor.restarts)
        } else {
            String::new()
        };
        pairs.push(("supervisor", format!("{}{restarts}", state.unwrap_or_default())));
        if let Some(problem) = &supervisor.problem {
            pairs.push(("problem", problem.message.clone()));
        }
    } else {
        pairs.push(("supervisor", "none".to_owned()));
    }
    if let Some(service) = &report.service {
        pairs.extend(service_lines(service, &report.profile.name));
    } else if report.other_services.is_some() {
        pairs.push((
            "service",
            format!("none; `bulkhead --profile {} gateway install` makes one", report.profile.name),
        ));
    }
    if let Some(probe) = &report.probe {
        let told = if probe["ok"].as_bool() == Some(true) {
            format!("{} within {} ms", paint::good("connected"), probe["connectMs"])
        } else {
            format!("{}: {}", paint::bad("failed"), probe["error"]["message"].as_str().unwrap_or_default())
        };
        pairs.push(("protocol", told));
    }
    if let Some(fingerprint) = &report.tls_fingerprint {
        pairs.push(("certificate", format!("SHA-256 {fingerprint}")));
    }
    for other in report.other_services.iter().flatten() {
        let name =
            if other.verdict == Verdict::Beside { other.name.clone() } else { paint::warn(&other.name) };
        pairs.push(("beside", format!("{name} ({}): {}", other.scope, other.advice)));
    }
    format!("{}\n{}", block(&report.profile), table::pairs(&pairs))
}

/// The service for people: how it stands, what differs, what to do.
fn service_lines(service: &ServiceStatus, profile: &str) -> Vec<(&'static str, String)> {
    let mut state = match (service.active, service.failed()) {
        (_, true) => paint::bad("failed"),
        (Some(true), _) => paint::good("active"),
        (Some(false), _) => paint::dim(&service.state),
        (None, _) => paint::warn("unknown"),
    };
    if service.failed() {
        let why = service.result.as_deref().unwrap_or("no reason given");
        let code = service.last_exit.map(|code| format!(", exit code {code}")).unwrap_or_default();
        state.push_str(&format!(" ({why}{code})"));
    }
    if service.enabled == Some(false) {
        state.push_str(", does not start by itself");
    }
    if let Some(restarts) = service.restarts.filter(|restarts| *restarts > 0) {
        state.push_str(&format!(", started again {restarts} times"));
    }
    let mut lines = vec![("service", format!("{} ({}) {state}", service.name, service.scope))];
    if let Some(text) = service.text.as_ref().filter(|_| service.failed()) {
        lines.push(("it said", text.clone()));
    }
    if let Some(trouble) = &service.trouble {
        lines.push(("trouble", trouble.clone()));
    }
    for drift in &service.drift {
        lines.push((
            "differs",
            format!("{}; repair it with `bulkhead --profile {profile} gateway install`", drift.sentence()),
        ));
    }
    if service.linger == Some(false) {
        lines.push((
            "linger",
            "off: it ends with the log-in; `bulkhead gateway install --linger` turns it on".to_owned(),
        ));
    }
    lines
}
