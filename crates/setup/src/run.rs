//! One request from start to end.

use crate::check;
use crate::create;
use crate::detect::detect;
use crate::elsewhere;
use crate::event::{Outcome, Progress, Reporter};
use crate::plan::{Action, CheckKind, Plan, ProfilePlan, Request};
use crate::target::{self, Target};
use crate::world::World;

/// Does what a request says. Trouble is in the outcome's findings; nothing panics and nothing is thrown.
pub async fn run(
    request: &Request,
    world: &World,
    on_progress: &(dyn Fn(Progress) + Send + Sync),
) -> Outcome {
    let report = Reporter::new(on_progress);
    let plan = request.plan.clone().unwrap_or_default().with_key_of(&world.env);
    let plan = &plan;
    match request.action {
        Action::Detect => {
            let detection = detect(world).await;
            Outcome {
                ok: true,
                findings: Vec::new(),
                profiles: detection.profiles.clone(),
                detection: Some(detection),
                report: Vec::new(),
            }
        }
        Action::Check => {
            let checks = if request.checks.is_empty() { &CheckKind::ALL[..] } else { &request.checks };
            // A model can be asked before anybody has said which profiles there will be.
            let only_model =
                plan.profiles.is_empty() && checks.iter().all(|check| *check == CheckKind::Model);
            let Some(plan) = &elsewhere::completed(plan, &create::unfinished(&world.env), world, &report)
            else {
                return finish(&report, Vec::new());
            };
            let targets = if only_model { Vec::new() } else { resolve(plan, world, &report) };
            check::run(checks, plan, &targets, world, &report).await;
            finish(&report, targets.iter().map(|target| target.result(target.port)).collect())
        }
        Action::Create => {
            let profiles = create::create(plan, &request.checks, world, &report).await;
            finish(&report, profiles)
        }
    }
}

/// Makes one profile with its configuration and workspace, asking nothing and storing no secret.
pub async fn set_up(
    profile: ProfilePlan,
    world: &World,
    on_progress: &(dyn Fn(Progress) + Send + Sync),
) -> Outcome {
    let report = Reporter::new(on_progress);
    let plan = Plan { profiles: vec![profile], ..Plan::default() };
    let profiles = create::create_without_secrets(&plan, world, &report).await;
    finish(&report, profiles)
}

pub(crate) fn resolve<'p>(plan: &'p Plan, world: &World, report: &Reporter<'_>) -> Vec<Target<'p>> {
    let (targets, findings) = target::targets(plan, world);
    for finding in findings {
        let profile = finding.profiles.first().cloned();
        report.found(crate::Step::Config, profile.as_deref(), finding);
    }
    targets
}

fn finish(report: &Reporter<'_>, profiles: Vec<crate::ProfileResult>) -> Outcome {
    let ok = !report.has_errors();
    Outcome { ok, findings: report.take_findings(), profiles, detection: None, report: report.take_lines() }
}
