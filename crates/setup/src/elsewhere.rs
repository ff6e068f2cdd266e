//! Plans that speak of an OpenClaw on this machine: completed with what is read there.

use std::sync::Arc;

use bulkhead_profile::{Place, ProfileName, Surroundings};

use crate::attach;
use crate::event::{Reporter, Step};
use crate::import;
use crate::plan::{Beside, Plan};
use crate::world::World;

/// The plan with everything in it that it only names; `None`, with the finding told, where that cannot be. `begun` names
/// profiles whose creation was begun and not finished.
pub(crate) fn completed(plan: &Plan, begun: &[String], world: &World, report: &Reporter<'_>) -> Option<Plan> {
    if let Some(wanted) = &plan.import {
        report.running(Step::Import, None, format!("Reading {}…", wanted.kind));
        let name = plan.profiles.first().and_then(|profile| ProfileName::parse(&profile.name).ok());
        let place = name.and_then(|name| Place::resolve(Some(&name), &world.env).ok());
        let refused = place.map_or(Ok(()), |place| import::refuse_configured(&place, begun));
        return match refused.and_then(|()| import::prepare(plan, wanted, world)) {
            Ok(mut prepared) => {
                let beside =
                    Beside { install: prepared.install, take_over: wanted.take_over_port, watched: None };
                if let Some(profile) = prepared.plan.profiles.first_mut() {
                    profile.beside = Some(Arc::new(beside));
                }
                let read = format!("{} parts were read.", prepared.lines.len());
                report.ok(Step::Import, None, read, serde_json::json!({ "lines": prepared.lines.len() }));
                report.imported(prepared.lines);
                Some(prepared.plan)
            }
            Err(finding) => {
                report.found(Step::Import, None, finding);
                None
            }
        };
    }
    let Some(main) = &plan.main else { return Some(plan.clone()) };
    match attach::beside(plan, main, world) {
        Ok(beside) => {
            let mut plan = plan.clone();
            if let Some(profile) = plan.profiles.first_mut() {
                profile.beside = Some(Arc::new(beside));
            }
            Some(plan)
        }
        Err(finding) => {
            report.found(Step::Config, None, finding);
            None
        }
    }
}

/// The surroundings beside, or instead of, that OpenClaw.
pub(crate) fn around(beside: Option<&Beside>, around: Surroundings) -> Surroundings {
    match beside {
        Some(beside) if beside.take_over => around.taking_over(&beside.install),
        Some(beside) => around.beside(&beside.install),
        None => around,
    }
}
