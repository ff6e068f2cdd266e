//! `bulkhead uninstall`

use std::io::IsTerminal as _;

use bulkhead_setup::World;
use bulkhead_setup::uninstall::{self, StepOutcome, StepState, UninstallOptions, UninstallPlan};
use serde_json::json;

use super::{DONE, setup};
use crate::context::Context;
use crate::error::{FAILED, Failure};
use crate::grammar::uninstall::UninstallArgs;
use crate::output::{Output, paint};

pub fn run(args: &UninstallArgs, context: &Context) -> Result<u8, Failure> {
    let world = World::of_this_machine(setup::surroundings(context));
    let plan = uninstall::plan(&world, UninstallOptions { purge: args.purge });
    let out = context.out;
    if args.dry_run || plan.steps.is_empty() {
        out.result(
            &json!({ "ok": true, "dryRun": args.dry_run, "steps": plan.steps, "kept": plan.kept }),
            || listed(&plan),
        );
        return Ok(DONE);
    }
    confirm(args, out, &plan)?;
    let outcomes = context
        .block_on(async { Ok(uninstall::uninstall(&world, &plan, &|outcome| tell(out, outcome)).await) })?;
    let ok = outcomes.iter().all(|outcome| outcome.state != StepState::Failed);
    out.result(&json!({ "ok": ok, "dryRun": false, "steps": outcomes, "kept": plan.kept }), || {
        last_line(ok, &plan)
    });
    Ok(if ok { DONE } else { FAILED })
}

fn listed(plan: &UninstallPlan) -> String {
    if plan.steps.is_empty() {
        return format!(
            "{} Nothing of Bulkhead is left but this program.{}",
            paint::good("Done."),
            kept(plan)
        );
    }
    let mut text = "This will be done:\n".to_owned();
    for step in &plan.steps {
        text.push_str(&format!("  {}\n", step.what));
    }
    text + kept(plan).trim_start_matches('\n')
}

fn kept(plan: &UninstallPlan) -> String {
    if plan.kept.is_empty() {
        return String::new();
    }
    let paths: Vec<String> = plan.kept.iter().map(|path| path.display().to_string()).collect();
    format!("\nThis stays: {}", paths.join(", "))
}

fn confirm(args: &UninstallArgs, out: Output, plan: &UninstallPlan) -> Result<(), Failure> {
    if args.yes {
        return Ok(());
    }
    if out.is_json() || !std::io::stdin().is_terminal() {
        return Err(Failure::usage(
            "uninstalling cannot be undone: found no --yes and nobody to ask, expected one of the two; see what would be done \
             with --dry-run, then add --yes",
        ));
    }
    out.text(&listed(plan));
    match cliclack::confirm("Do all of this?").initial_value(false).interact() {
        Ok(true) => Ok(()),
        _ => Err(Failure::failed("uninstall.kept", "everything was left as it is")),
    }
}

fn tell(out: Output, outcome: &StepOutcome) {
    let mark = match outcome.state {
        StepState::Done => paint::good("✓"),
        StepState::Nothing => paint::dim("·"),
        StepState::Failed => paint::bad("✗"),
    };
    let more = match (&outcome.state, outcome.message.as_str()) {
        (StepState::Nothing, _) => " (nothing there)".to_owned(),
        (_, "") => String::new(),
        (_, message) => format!(": {message}"),
    };
    out.note(&format!("{mark} {}{more}", outcome.step.what));
}

fn last_line(ok: bool, plan: &UninstallPlan) -> String {
    if !ok {
        return format!(
            "{} Something could not be done; mend what is said above, and say this again.",
            paint::bad("Not finished.")
        );
    }
    let program = std::env::current_exe().map(|path| format!(" ({})", path.display())).unwrap_or_default();
    format!(
        "{} Quit the app if it runs, and delete it or this program{program} the way you installed it.{}",
        paint::good("Done."),
        kept(plan)
    )
}
