//! Which ports the register would give, before anything is claimed.

use std::path::PathBuf;

use bulkhead_profile::{Claim, Finding, files, known_profiles, preferred_base, spacing};

use super::Target;
use crate::elsewhere;
use crate::event::error;
use crate::world::World;

/// The ports that the register would give now. Nothing is claimed.
pub(super) fn assign_ports(targets: &mut [Target<'_>], world: &World) -> Vec<Finding> {
    let known = known_profiles(&world.env);
    let beside = targets.iter().find_map(|target| target.plan.beside.as_deref());
    let around = elsewhere::around(beside, world.surroundings());
    let own: Vec<PathBuf> = targets.iter().map(|target| files::canonical(target.place.state_dir())).collect();
    let mut claims: Vec<Claim> = Vec::new();
    let mut kept: Vec<Option<u16>> = vec![None; targets.len()];
    for profile in &known {
        let dir = files::canonical(profile.place.state_dir());
        match own.iter().position(|own| *own == dir) {
            Some(index) => kept[index] = profile.claimed,
            None => claims.extend(
                [profile.base_port, profile.claimed]
                    .into_iter()
                    .flatten()
                    .map(|base| Claim { profile: profile.place.label(), base }),
            ),
        }
    }
    let mut findings = Vec::new();
    for (target, kept) in targets.iter_mut().zip(kept) {
        target.port = target.wanted.or(kept);
        if let Some(base) = target.port {
            claims.push(Claim { profile: target.place.label(), base });
        }
    }
    for target in targets.iter_mut().filter(|target| target.port.is_none()) {
        let preferred = preferred_base(target.place.name());
        match spacing::next_free(preferred, &claims, &around.foreign, &around.listening, &around.avoid) {
            Ok(base) => {
                target.port = Some(base);
                claims.push(Claim { profile: target.place.label(), base });
            }
            Err(full) => findings.push(error(
                full.code(),
                &[target.place.name().as_str()],
                format!("ports of {}", target.place.name()),
                full.to_string(),
                "a free interval of 111 ports",
                "remove a profile that is no longer needed, or name a port",
            )),
        }
    }
    findings
}
