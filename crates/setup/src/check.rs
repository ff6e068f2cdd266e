//! Trying out what a plan says. Nothing is written but a random item in the store of secrets, which is deleted again.

mod isolation;
mod places;
mod ports;
mod store;

pub(crate) use self::places::writable;

/// The words for what a store says, also used when secrets are stored.
pub(crate) mod store_words {
    pub(crate) use super::store::{missing_finding, missing_variables, of_secret_error};
}

use bulkhead_profile::{FactsKind, Finding, ProfileFacts, audit};
use futures::future::join_all;
use serde_json::json;

use crate::event::{Reporter, Step, error};
use crate::live::Trouble;
use crate::plan::{CheckKind, Plan};
use crate::target::{self, Target};
use crate::world::World;

/// Runs checks over the resolved profiles.
pub(crate) async fn run(
    checks: &[CheckKind],
    plan: &Plan,
    targets: &[Target<'_>],
    world: &World,
    report: &Reporter<'_>,
) {
    let neighbours = target::neighbours(targets, world);
    let findings = touching(targets, &neighbours);
    for check in CheckKind::ALL.into_iter().filter(|check| checks.contains(check)) {
        match check {
            CheckKind::Model => model(plan, targets, world, report).await,
            CheckKind::Telegram => telegram(targets, &findings, world, report).await,
            CheckKind::Ports => ports::check(targets, &findings, world, report),
            CheckKind::Keychain => store::check(plan, targets, world, report).await,
            CheckKind::Isolation => {
                places::check(targets, report);
                isolation::check(targets, &findings, report);
            }
        }
    }
}

/// What the audit says about the planned profiles, among each other and beside what is here.
fn touching(targets: &[Target<'_>], neighbours: &[ProfileFacts]) -> Vec<Finding> {
    let planned: Vec<ProfileFacts> = targets.iter().map(Target::facts).collect();
    let names: Vec<String> = planned.iter().map(|facts| facts.name.clone()).collect();
    // Profiles that already touch each other are told by the audit of the machine, not here.
    let mut facts = planned;
    facts.extend(
        neighbours.iter().filter(|facts| facts.kind == FactsKind::OpenClaw || facts.readable).cloned(),
    );
    audit::isolation(&facts)
        .into_iter()
        .filter(|finding| finding.profiles.iter().any(|name| names.contains(name)))
        .collect()
}

fn is_about_ports(finding: &Finding) -> bool {
    ["base-port", "intervals", "port-", "cdp-"].iter().any(|start| finding.code.starts_with(start))
}

fn is_about_bots(finding: &Finding) -> bool {
    finding.code == "bot-shared"
}

async fn model(plan: &Plan, targets: &[Target<'_>], world: &World, report: &Reporter<'_>) {
    let Some(plan) = &plan.model else {
        report.skipped(Step::Model, None, "No model: the chat will say so until one is set.");
        return;
    };
    let model = match target::model(plan) {
        Ok(model) => model,
        Err(finding) => return report.found(Step::Model, None, finding),
    };
    let mut routes: Vec<Option<&str>> = targets.iter().map(|target| target.plan.proxy.as_deref()).collect();
    routes.sort_unstable();
    routes.dedup();
    if routes.is_empty() {
        routes.push(None);
    }
    for proxy in routes {
        report.running(Step::Model, None, format!("Asking {} for an answer…", plan.model_id));
        match world.live().model(&model.settings(proxy), &plan.model_id).await {
            Ok(answer) => report.ok(
                Step::Model,
                None,
                format!("{} answered in {} ms.", answer.model, answer.latency_ms),
                json!({ "model": answer.model, "latencyMs": answer.latency_ms }),
            ),
            Err(trouble) => report.found(Step::Model, None, of_trouble(trouble, &[])),
        }
    }
}

async fn telegram(targets: &[Target<'_>], findings: &[Finding], world: &World, report: &Reporter<'_>) {
    let checks = targets.iter().map(async |target| {
        let name = target.name();
        let Some(telegram) = &target.plan.telegram else {
            report.skipped(Step::Telegram, Some(name), format!("{name} gets no bot: chat is in the app."));
            return;
        };
        report.running(Step::Telegram, Some(name), "Asking Telegram whose token this is…");
        let api_root = telegram.api_root.as_deref();
        match world.live().bot(api_root, &telegram.bot_token, target.plan.proxy.as_deref()).await {
            Ok(bot) => {
                let shown =
                    if bot.username.is_empty() { bot.name.clone() } else { format!("@{}", bot.username) };
                report.ok(
                    Step::Telegram,
                    Some(name),
                    format!("The token belongs to {shown}."),
                    json!({ "bot": { "id": bot.id, "username": bot.username, "name": bot.name } }),
                );
            }
            Err(trouble) => report.found(Step::Telegram, Some(name), of_trouble(trouble, &[name])),
        }
    });
    join_all(checks).await;
    for finding in findings.iter().filter(|finding| is_about_bots(finding)) {
        let first = targets.iter().find(|t| finding.profiles.contains(&t.place.label())).map(Target::name);
        report.found(Step::Telegram, first, finding.clone());
    }
}

fn of_trouble(trouble: Trouble, profiles: &[&str]) -> Finding {
    let what = match profiles {
        [name] => format!("{} of {name}", trouble.what),
        _ => trouble.what,
    };
    error(&trouble.code, profiles, what, trouble.found, trouble.expected, trouble.next_step)
}
