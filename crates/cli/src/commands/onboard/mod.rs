//! `bulkhead onboard`: by questions, by flags, or by a plan on standard input.

pub mod flags;
mod plan_input;
mod questions;
mod service;

use bulkhead_setup::{Action, CheckKind, Event, Outcome, Plan, Progress, ProgressState, Request, World};

use super::setup;
use crate::context::Context;
use crate::error::Failure;
use crate::grammar::onboard::OnboardArgs;
use crate::output::{Output, paint, table};

pub fn run(args: &OnboardArgs, context: &Context) -> Result<u8, Failure> {
    if let Some(source) = &args.plan {
        return plan_input::run(source, context);
    }
    let name = match (&args.rescue_for, context.global.explicit()) {
        (Some(_), None) => bulkhead_profile::ProfileName::rescue(),
        _ => context.place()?.name().clone(),
    };
    if args.non_interactive {
        let plan = flags::plan(args, name.as_str())?;
        if !args.skip_health
            && let Some(refused) = try_out(context, &plan)?
        {
            return setup::show(context.out, &refused, name.as_str());
        }
        let mut outcome = create(context, plan)?;
        if service::wanted(args, context) {
            let out = context.out;
            let names = [name.as_str().to_owned()];
            service::install_all(context, &mut outcome, &names, args.linger, &|progress| {
                tell(out, &progress);
            });
        }
        let code = setup::show(context.out, &outcome, name.as_str())?;
        nobody_told(context, &name);
        return Ok(code);
    }
    let code = questions::run(args, context, &name)?;
    nobody_told(context, &name);
    Ok(code)
}

/// A profile that watches another one and would tell nobody says so, and how that is changed.
fn nobody_told(context: &Context, name: &bulkhead_profile::ProfileName) {
    let mut context = context.clone();
    context.global.profile = Some(name.clone());
    context.global.dev = false;
    if let Ok(place) = context.place() {
        super::rescue::operators::note_if_nobody(&context, &place);
    }
}

/// What only a person can mend: these would be as wrong tomorrow. A server that is down now may be up then.
const REFUSALS: [&str; 6] = [
    "model-key-rejected",
    "model-not-found",
    "model-settings-invalid",
    "telegram-bad-token",
    "telegram-malformed-token",
    "telegram-token-malformed",
];

/// Tries model and bot before anything is written. A refusal ends it; everything else is a warning.
fn try_out(context: &Context, plan: &Plan) -> Result<Option<Outcome>, Failure> {
    let checks = vec![CheckKind::Model, CheckKind::Telegram];
    let mut outcome = perform(context, &Request::new(Action::Check, Some(plan.clone()), checks))?;
    let refused = |code: &str| REFUSALS.contains(&code);
    if outcome.findings.iter().any(|finding| finding.is_error() && refused(&finding.code)) {
        return Ok(Some(outcome));
    }
    outcome
        .findings
        .retain(|finding| finding.code.starts_with("model-") || finding.code.starts_with("telegram-"));
    if !outcome.findings.is_empty() {
        context.out.note(&table::findings(&outcome.findings));
    }
    Ok(None)
}

/// Makes what a plan says, with progress for people.
fn create(context: &Context, plan: Plan) -> Result<Outcome, Failure> {
    perform(context, &Request::new(Action::Create, Some(plan), Vec::new()))
}

fn perform(context: &Context, request: &Request) -> Result<Outcome, Failure> {
    let world = World::of_this_machine(setup::surroundings(context));
    let out = context.out;
    context.block_on(async {
        Ok(bulkhead_setup::run(request, &world, &move |progress| tell(out, &progress)).await)
    })
}

/// A step that came to its end, in a line on standard error. Errors follow with the outcome.
pub fn tell(out: Output, progress: &Progress) {
    let mark = match progress.state {
        ProgressState::Running | ProgressState::Skipped | ProgressState::Failed => return,
        ProgressState::Ok => paint::good("✓"),
        ProgressState::Warning => paint::warn("!"),
    };
    let profile = progress.profile.as_deref().map(|name| format!("{name}: ")).unwrap_or_default();
    out.note(&format!("{mark} {profile}{}", progress.message));
}

/// A line of the machine interface.
fn event(out: Output, event: &Event) {
    out.value(event);
}
