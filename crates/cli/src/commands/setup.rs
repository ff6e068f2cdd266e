//! `bulkhead setup`: configuration and workspace, no questions.

use bulkhead_profile::{Environment, Owner, ProfileName};
use bulkhead_setup::{Outcome, ProfilePlan, World, set_up};

use super::DONE;
use crate::context::Context;
use crate::error::{CONFIGURATION, FAILED, Failure};
use crate::grammar::onboard::SetupArgs;
use crate::output::{Output, paint, table};

pub fn run(args: SetupArgs, context: &Context) -> Result<u8, Failure> {
    let place = context.place()?;
    make(context, place.name(), args.port, args.workspace)
}

/// Makes one profile without asking.
pub fn make(
    context: &Context,
    name: &ProfileName,
    port: Option<u16>,
    workspace: Option<String>,
) -> Result<u8, Failure> {
    let plan = ProfilePlan { name: name.as_str().to_owned(), port, workspace, ..ProfilePlan::default() };
    let world = World::of_this_machine(surroundings(context));
    let outcome = context.block_on(async { Ok(set_up(plan, &world, &|_| ()).await) })?;
    show(context.out, &outcome, name.as_str())
}

/// Gives a profile that is set up already another base port: checked, claimed, written into its configuration.
pub fn give_port(context: &Context, name: &ProfileName, port: u16) -> Result<(), Failure> {
    let plan = ProfilePlan { name: name.as_str().to_owned(), port: Some(port), ..ProfilePlan::default() };
    let world = World::of_this_machine(surroundings(context));
    let outcome = context.block_on(async { Ok(set_up(plan, &world, &|_| ()).await) })?;
    if outcome.ok { Ok(()) } else { Err(refusal(&outcome)) }
}

/// The surroundings with the flags that name a place put where variables of that meaning stand.
pub fn surroundings(context: &Context) -> Environment {
    let mut env = context.env.clone();
    let flags = [
        ("BULKHEAD_STATE_DIR", &context.global.state_dir),
        ("BULKHEAD_CONFIG_PATH", &context.global.config_path),
    ];
    for (name, path) in flags {
        if let Some(path) = path {
            env = env.with_var(name, &path.to_string_lossy());
        }
    }
    env
}

/// What this machine or the network refuses is a failure; everything else is in the configuration to be.
pub fn exit_of(code: &str) -> u8 {
    const AROUND: [&str; 9] = [
        "keychain",
        "secret",
        "model-",
        "telegram-",
        "setup-",
        "undone",
        "path-",
        "port-taken",
        "control-port-taken",
    ];
    if AROUND.iter().any(|prefix| code.starts_with(prefix)) { FAILED } else { CONFIGURATION }
}

/// What kept it from being made.
fn refusal(outcome: &Outcome) -> Failure {
    let errors: Vec<_> = outcome.findings.iter().filter(|finding| finding.is_error()).collect();
    let exit = errors.first().map_or(FAILED, |finding| exit_of(&finding.code));
    let text = errors.iter().map(|finding| finding.sentence()).collect::<Vec<_>>().join("\n");
    let code = errors.first().map_or("setup.failed", |finding| finding.code.as_str());
    let details = serde_json::to_value(outcome).unwrap_or_default();
    Failure::new(exit, code, text).with_details(details)
}

/// The outcome: findings on standard error, the profiles made on standard output.
pub fn show(out: Output, outcome: &Outcome, name: &str) -> Result<u8, Failure> {
    if !outcome.ok {
        return Err(refusal(outcome));
    }
    if !outcome.findings.is_empty() {
        out.note(&table::findings(&outcome.findings));
    }
    out.result(outcome, || {
        let block = |profile: &bulkhead_setup::ProfileResult| {
            let mut pairs = Vec::new();
            if let (Some(port), Some(control), Some(first), Some(last)) =
                (profile.port, profile.control, profile.cdp_first, profile.cdp_last)
            {
                pairs.push(("ports", format!("{port}, browser control {control}, CDP {first} to {last}")));
            }
            pairs.push(("config", profile.config_path.display().to_string()));
            pairs.push(("workspace", profile.workspace.display().to_string()));
            format!("{} {}\n{}", paint::strong(&profile.name), paint::good("is set up"), table::pairs(&pairs))
        };
        let mut text = outcome.profiles.iter().map(block).collect::<Vec<_>>().join("\n");
        let by_service = outcome.profiles.iter().any(|profile| profile.owner == Owner::Service);
        let next = if by_service { "gateway status" } else { "gateway" };
        text.push_str(&format!("\n  {}       `bulkhead --profile {name} {next}`", paint::dim("next")));
        text
    });
    Ok(DONE)
}
