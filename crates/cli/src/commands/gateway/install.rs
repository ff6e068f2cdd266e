//! `bulkhead gateway install|uninstall`: the service manager runs the gateway from now on, or no longer.

use std::time::Duration;

use bulkhead_config::{ConfigStore, SecretSource};
use bulkhead_profile::{Finding, Owner, Place, Severity};
use bulkhead_service::{Installed, Scope, Service, ServiceStatus, linger};
use bulkhead_supervisor::ownership::{Action, Decision, Refusal, Runner};
use bulkhead_supervisor::{ControlClient, ControlRequest, Desired, GatewayStatus, SupervisorError};
use serde::Serialize;
use serde_json::json;

use super::control::start_service;
use super::owned;
use super::sight::View;
use crate::commands::{DONE, setup};
use crate::context::{Context, base_port};
use crate::error::{CONFIGURATION, Failure};
use crate::grammar::gateway::{InstallArgs, UninstallArgs};
use crate::output::{paint, table};

/// How long a supervisor that lets go may take to be gone.
const LET_GO: Duration = Duration::from_secs(30);
/// How long a gateway in the foreground may take to end.
const GRACE: Duration = Duration::from_secs(15);

/// What an installation did.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    ok: bool,
    profile: String,
    /// `installed`, `repaired` or `unchanged`.
    result: &'static str,
    #[serde(flatten)]
    installed: Installed,
    owner: Owner,
    owner_before: Owner,
    service: ServiceStatus,
    supervisor: Option<GatewayStatus>,
    warnings: Vec<Finding>,
}

impl Report {
    /// Where the service's file is.
    pub fn path(&self) -> &std::path::Path {
        &self.installed.path
    }

    /// What to know.
    pub fn warnings(&self) -> &[Finding] {
        &self.warnings
    }
}

pub fn run(args: &InstallArgs, context: &Context) -> Result<u8, Failure> {
    let (context, scope) = owned::for_scope(context, args.system, args.user.as_deref())?;
    let report = install(&context, scope, args)?;
    context.out.result(&report, || text(&report));
    if !report.warnings.is_empty() {
        context.out.note(&table::findings(&report.warnings));
    }
    Ok(DONE)
}

/// Installs the service of the profile, or puts right what differs; moves the owner; starts it.
pub fn install(context: &Context, scope: Scope, args: &InstallArgs) -> Result<Report, Failure> {
    let place = context.place_for_writing()?;
    let name = place.name();
    if !place.config_path().exists() {
        return Err(Failure::new(
            CONFIGURATION,
            "not-set-up",
            format!(
                "profile {name} has no configuration {}; expected it to be set up before a service runs it; run: bulkhead --profile {name} onboard",
                place.config_path().display()
            ),
        ));
    }
    let service = Service::new(&place, &context.env, scope);
    service.available()?;
    if let Some(port) = args.port {
        setup::give_port(context, name, port)?;
    }
    let view = View::of(context, &place)?;
    let decision = match view.decide(Action::Install) {
        Decision::Refuse(Refusal::InTerminal) if args.force => end_in_terminal(context, &view)?,
        decision => decision,
    };
    if let Decision::Refuse(refusal) = decision {
        return Err(view.refused(refusal));
    }
    let (port, _) = base_port(&place, &context.env)?;
    let spec = service.spec_in_place(&owned::program()?, port)?;
    let installed = service.install(&spec, args.force)?;
    // First the register, then the app lets go: it does not take the gateway back.
    let owner_before = owned::give_to_service(&context.env, &place)?;
    if decision == Decision::HandOver
        && let Err(failure) = let_go(context, &place)
    {
        owned::give_back(&context.env, &place)?;
        if installed.created {
            service.uninstall()?;
        }
        return Err(failure);
    }
    let ran = view.runner == Runner::Service;
    let mut warnings = Vec::new();
    if args.linger || service.status(None).linger == Some(false) {
        warnings.extend(lingering(context, &service, args.linger));
    }
    let supervisor = if ran && !installed.changed() && !args.force {
        view.supervisor
    } else {
        if ran {
            service.restart()?;
        }
        Some(start_service(context, &service, false).map_err(|failure| Failure {
            message: format!(
                "the service is installed ({}), but it does not run: {}",
                installed.path.display(),
                failure.message
            ),
            ..failure
        })?)
    };
    warnings.extend(keychain_of_a_system_service(&service));
    let result = match (installed.created, installed.changed()) {
        (true, _) => "installed",
        (false, true) => "repaired",
        (false, false) => "unchanged",
    };
    let status = service.status(Some(&spec));
    Ok(Report {
        ok: true,
        profile: name.to_string(),
        result,
        installed,
        owner: Owner::Service,
        owner_before,
        service: status,
        supervisor,
        warnings,
    })
}

/// With --force: what runs in a terminal is ended first, as far as it is proven ours.
fn end_in_terminal(context: &Context, view: &View) -> Result<Decision, Failure> {
    if view.runner == Runner::Terminal {
        let_go(context, &view.place)?;
    } else if let Some(record) = &view.record {
        record.identity.terminate(GRACE)?;
    }
    Ok(Decision::Install)
}

/// The supervisor that runs now stops its gateway and gives its lock up.
fn let_go(context: &Context, place: &Place) -> Result<(), Failure> {
    context.block_on(async {
        let client = ControlClient::new(place);
        match client.ask(&ControlRequest::Release).await {
            Ok(_) | Err(SupervisorError::NotSupervised { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let gone = async {
            while client.status().await?.is_some() {
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
            Ok(())
        };
        let name = place.name();
        tokio::time::timeout(LET_GO, gone).await.unwrap_or_else(|_| {
            Err(Failure::failed(
                "not-let-go",
                format!(
                    "the supervisor of profile {name} did not let go within {} s; expected it to stop its gateway and end; quit the app (or end \
                     that terminal), then install again",
                    LET_GO.as_secs()
                ),
            ))
        })
    })
}

/// A user's service ends with the log-in; that is worth a word, or is changed.
fn lingering(context: &Context, service: &Service, wanted: bool) -> Option<Finding> {
    let user = linger::user_name(&context.env).unwrap_or_default();
    let refused = match (wanted, service.status(None).linger) {
        (true, Some(true)) => return None,
        (true, _) => Some(linger::enable(&context.env).err()?),
        (false, _) => None,
    };
    let next = format!("to let it run from the start of the machine on: sudo loginctl enable-linger {user}");
    let (code, found, expected) = if let Some(error) = refused {
        let found = format!("lingering could not be turned on ({error})");
        ("linger-refused", found, "that it runs without a log-in")
    } else {
        let found = format!("it runs only while {user} is logged in");
        ("no-linger", found, "lingering, if it is to run all the time")
    };
    Some(finding(service, code, found, expected, next))
}

/// Nobody unlocks a keychain for a service without a log-in.
fn keychain_of_a_system_service(service: &Service) -> Option<Finding> {
    if !service.scope().is_system() {
        return None;
    }
    let config = ConfigStore::new(service.place()).load().ok()?.config;
    let source = config.secrets.default_source.unwrap_or(SecretSource::Keychain);
    (source == SecretSource::Keychain).then(|| {
        finding(
            service,
            "system-service-keychain",
            "its secrets are in a keychain, which nobody opens without a log-in, so it will wait for them".to_owned(),
            "secrets that it can read by itself",
            format!(
                "keep them in a file (bulkhead --profile {} onboard --secrets file), or use a service of the user with lingering",
                service.place().name()
            ),
        )
    })
}

fn finding(service: &Service, code: &str, found: String, expected: &str, next_step: String) -> Finding {
    Finding {
        code: code.to_owned(),
        severity: Severity::Warning,
        profiles: vec![service.place().name().to_string()],
        what: format!("service of {}", service.place().name()),
        found,
        expected: expected.to_owned(),
        next_step,
    }
}

fn text(report: &Report) -> String {
    let mut pairs = vec![("service", format!("{} ({})", report.service.name, report.service.scope))];
    pairs.push(("file", report.installed.path.display().to_string()));
    for drift in &report.installed.repaired {
        pairs.push(("repaired", drift.sentence()));
    }
    if let Some(kept) = &report.installed.kept {
        pairs.push(("kept", format!("the edited text is in {}", kept.display())));
    }
    if report.owner_before != Owner::Service {
        pairs.push(("owner", format!("service (before: {})", report.owner_before)));
    }
    if let Some(ready) = report.supervisor.as_ref().and_then(|status| status.ready.as_ref()) {
        pairs.push(("gateway", format!("http://127.0.0.1:{}/", ready.port)));
    }
    if report.supervisor.as_ref().is_some_and(|status| status.desired == Desired::Stopped) {
        pairs.push((
            "gateway",
            format!("stopped on purpose; `bulkhead --profile {} gateway start` starts it", report.profile),
        ));
    }
    let how = match report.result {
        "unchanged" => paint::good("is installed, nothing to repair"),
        "repaired" => paint::good("service repaired"),
        _ => paint::good("service installed"),
    };
    format!("{} {how}\n{}", paint::strong(&report.profile), table::pairs(&pairs))
}

pub fn uninstall(args: &UninstallArgs, context: &Context) -> Result<u8, Failure> {
    let (context, scope) = owned::for_scope(context, args.system, args.user.as_deref())?;
    let place = context.place()?;
    let service = if args.system {
        Service::new(&place, &context.env, scope)
    } else {
        Service::find(&place, &context.env)
    };
    if service.scope().is_system() && !args.system {
        return Err(Failure::usage(format!(
            "gateway uninstall: found a service of the system ({}), expected --system; run: sudo bulkhead --profile {} gateway uninstall --system",
            service.path().display(),
            place.name()
        )));
    }
    let removed = service.uninstall()?;
    let owner = owned::give_back(&context.env, &place)?;
    let result = if removed.removed { "uninstalled" } else { "not-installed" };
    let value = json!({
        "ok": true, "profile": place.name(), "result": result, "path": removed.path, "left": removed.left, "owner": owner,
    });
    context.out.result(&value, || {
        let name = paint::strong(place.name().as_str());
        if !removed.removed {
            return format!("{name}: no service is installed; the owner is {owner}");
        }
        let mut text = format!("{name}: service removed; the owner is {owner}");
        for left in &removed.left {
            text.push_str(&format!("\n  left, because it is yours: {}", left.display()));
        }
        text
    });
    Ok(DONE)
}
