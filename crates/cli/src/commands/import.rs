//! `bulkhead import`: what it would take, a question, then the taking.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use bulkhead_setup::{
    Action, CheckKind, ImportArea, ImportKind, ImportLine, ImportPlan, ImportResult, Outcome, Plan,
    ProfilePlan, Request, World,
};

use super::onboard::{flags, tell};
use super::{DONE, setup};
use crate::context::Context;
use crate::error::Failure;
use crate::grammar::import::{ImportArgs, ImportCommand, OpenClawArgs};
use crate::output::paint;

pub fn run(args: &ImportArgs, context: &Context) -> Result<u8, Failure> {
    match &args.command {
        ImportCommand::OpenClaw(args) => openclaw(args, context),
    }
}

fn openclaw(args: &OpenClawArgs, context: &Context) -> Result<u8, Failure> {
    let mut context = context.clone();
    // These name the source here; elsewhere they would name our own place.
    let named = ["OPENCLAW_CONFIG_PATH", "OPENCLAW_STATE_DIR"]
        .into_iter()
        .find_map(|name| context.env.var(name).map(str::to_owned));
    let from = args.from.clone().or(named);
    context.env.vars.retain(|name, _| !name.starts_with("OPENCLAW_"));
    let name = context.place()?.name().as_str().to_owned();
    let plan = Plan {
        secrets: Some(flags::secrets(args.secrets)),
        profiles: vec![ProfilePlan {
            name: name.clone(),
            workspace: args.workspace.clone(),
            ..ProfilePlan::default()
        }],
        import: Some(ImportPlan {
            kind: ImportKind::OpenClaw,
            from,
            take_over: args.take_over,
            take_over_port: args.take_over_port,
            sessions: !args.no_sessions,
        }),
        ..Plan::default()
    };
    let preview = |context: &Context| {
        // No check that writes: keychains are tried by writing to them.
        let request =
            Request::new(Action::Check, Some(plan.clone()), vec![CheckKind::Ports, CheckKind::Isolation]);
        perform(context, &request, false)
    };
    if args.dry_run {
        let outcome = preview(&context)?;
        return show(
            &context,
            &outcome,
            &name,
            "Nothing was written. To do it: the same command without --dry-run.",
        );
    }
    if !args.yes {
        if context.out.is_json() || !std::io::stdin().is_terminal() {
            return Err(Failure::usage(
                "import asks before it writes: found no terminal (or --json), expected somebody to ask; look with --dry-run, then add --yes",
            ));
        }
        let outcome = preview(&context)?;
        if !outcome.ok {
            return show(&context, &outcome, &name, "");
        }
        context.out.text(&report(&outcome.report));
        let go_on =
            cliclack::confirm(format!("Make the profile {name} of this?")).initial_value(true).interact();
        if !go_on.unwrap_or(false) {
            return Err(Failure::failed("import.stopped", "the import was stopped; nothing was written"));
        }
    }
    let outcome = perform(&context, &Request::new(Action::Create, Some(plan.clone()), Vec::new()), true)?;
    show(&context, &outcome, &name, &format!("Try it: bulkhead --profile {name} gateway"))
}

fn perform(context: &Context, request: &Request, aloud: bool) -> Result<Outcome, Failure> {
    let world = World::of_this_machine(setup::surroundings(context));
    let out = context.out;
    context.block_on(async {
        let progress = move |progress| {
            if aloud {
                tell(out, &progress);
            }
        };
        Ok(bulkhead_setup::run(request, &world, &progress).await)
    })
}

fn show(context: &Context, outcome: &Outcome, name: &str, last: &str) -> Result<u8, Failure> {
    if !outcome.ok {
        return setup::show(context.out, outcome, name);
    }
    if !outcome.findings.is_empty() {
        context.out.note(&crate::output::table::findings(&outcome.findings));
    }
    context.out.result(outcome, || format!("{}\n\n{last}", report(&outcome.report)));
    Ok(DONE)
}

/// The report for people: by part, a line each, what is left to do below.
fn report(lines: &[ImportLine]) -> String {
    let mut text = String::new();
    let mut part = None;
    for line in lines {
        if part != Some(line.area) {
            part = Some(line.area);
            let _ = writeln!(text, "\n{}", paint::strong(area(line.area)));
        }
        let mark = match line.result {
            ImportResult::Taken => paint::good("taken  "),
            ImportResult::Changed => paint::warn("changed"),
            ImportResult::Skipped => paint::dim("skipped"),
        };
        let _ = writeln!(text, "  {mark} {}: {}", line.item, line.detail);
        if let Some(next) = &line.next_step {
            let _ = writeln!(text, "          {} {next}", paint::dim("→"));
        }
    }
    let count = |result| lines.iter().filter(|line| line.result == result).count();
    let _ = write!(
        text,
        "\n{} taken, {} changed, {} skipped",
        count(ImportResult::Taken),
        count(ImportResult::Changed),
        count(ImportResult::Skipped)
    );
    text.trim_start().to_owned()
}

fn area(area: ImportArea) -> &'static str {
    match area {
        ImportArea::Config => "Configuration",
        ImportArea::Secrets => "Secrets",
        ImportArea::Ports => "Ports",
        ImportArea::Channels => "Channels",
        ImportArea::People => "People",
        ImportArea::Workspace => "Folders",
        ImportArea::Sessions => "Conversations",
        ImportArea::Cron => "Timed jobs",
        ImportArea::Devices => "Devices",
    }
}
