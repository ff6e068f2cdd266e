//! After a profile is made: its service, unless told not to. What keeps a service from being installed never takes the
//! profile back; it is told, with the way to run the gateway all the same.

use bulkhead_profile::{Finding, Owner, Register, Severity};
use bulkhead_service::{Scope, Service, linger};
use bulkhead_setup::{Outcome, Plan, Progress, ProgressState, Step};
use serde_json::json;

use crate::commands::gateway::install;
use crate::context::Context;
use crate::error::Failure;
use crate::grammar::Global;
use crate::grammar::gateway::InstallArgs;
use crate::grammar::onboard::OnboardArgs;

/// Whether onboarding installs a service: unless told not to, and unless the app owns the profile already. An owner is
/// moved only when somebody asks for that.
pub fn wanted(args: &OnboardArgs, context: &Context) -> bool {
    let owner = || Register::open(&context.env).find(&context.place().ok()?).ok()?.map(|entry| entry.owner);
    !args.no_install_daemon && owner() != Some(Owner::Desktop)
}

/// Whether a service could be installed here.
pub fn works(context: &Context) -> bool {
    context.place().is_ok_and(|place| Service::new(&place, &context.env, Scope::User).available().is_ok())
}

/// Whether lingering is off, where there is such a thing.
pub fn linger_is_off(context: &Context) -> bool {
    linger::status(&context.env) == Some(false)
}

/// Takes the profiles out of a plan that a service shall run: they are made for the app, and handed over when they are
/// whole. If that fails, the app runs them.
pub fn take_from(plan: &mut Plan) -> Vec<String> {
    let wanted = plan.profiles.iter_mut().filter(|profile| profile.owner == Some(Owner::Service));
    wanted
        .map(|profile| {
            profile.owner = Some(Owner::Desktop);
            profile.name.clone()
        })
        .collect()
}

/// Installs the services of profiles that were made, and tells what came of it.
pub fn install_all(
    context: &Context,
    outcome: &mut Outcome,
    names: &[String],
    linger: bool,
    tell: &dyn Fn(Progress),
) {
    if !outcome.ok {
        return;
    }
    let progress = |name: &str, state, code: &str, message: String, detail| {
        tell(Progress {
            step: Step::Service,
            profile: Some(name.to_owned()),
            state,
            code: code.to_owned(),
            message,
            detail,
        });
    };
    for name in names {
        progress(name, ProgressState::Running, "running", "Installing the service…".to_owned(), json!(null));
        let args = InstallArgs { linger, ..InstallArgs::default() };
        match for_profile(context, name).and_then(|context| install::install(&context, Scope::User, &args)) {
            Ok(report) => {
                let message = format!("The service of {name} is installed and runs.");
                progress(name, ProgressState::Ok, "ok", message, json!({ "path": report.path() }));
                for profile in outcome.profiles.iter_mut().filter(|profile| profile.name == *name) {
                    profile.owner = Owner::Service;
                }
                outcome.findings.extend_from_slice(report.warnings());
            }
            Err(failure) => {
                let message = format!("{name} has no service: {}", failure.message);
                progress(name, ProgressState::Warning, &failure.code, message, json!(null));
                outcome.findings.push(finding(name, &failure.code, &failure.message));
            }
        }
    }
}

/// The same surroundings for another profile of the plan.
fn for_profile(context: &Context, name: &str) -> Result<Context, Failure> {
    if context.place().is_ok_and(|place| place.name().as_str() == name) {
        return Ok(context.clone());
    }
    let profile = Some(bulkhead_profile::ProfileName::parse(name)?);
    let global = Global { profile, dev: false, ..context.global.clone() };
    Ok(Context { env: context.env.clone(), global, out: context.out })
}

fn finding(name: &str, code: &str, message: &str) -> Finding {
    Finding {
        code: code.to_owned(),
        severity: Severity::Warning,
        profiles: vec![name.to_owned()],
        what: format!("service of {name}"),
        found: message.to_owned(),
        expected: "a service that keeps the gateway running".to_owned(),
        next_step: format!("when that is put right: bulkhead --profile {name} gateway install"),
    }
}
