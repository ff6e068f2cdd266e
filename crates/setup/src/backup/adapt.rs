//! What a restored configuration has to say otherwise than it did: ports that are free, a workspace that is its own, no bot
//! that somebody else polls.

use std::path::Path;

use bulkhead_config::{ConfigDocument, ConfigPath};
use bulkhead_profile::{
    ClaimRequest, ConfigGlimpse, KnownProfile, Place, Ports, Register, files, known_profiles, openclaw,
};

use super::error::BackupError;
use super::manifest::Manifest;
use crate::world::World;

/// What was changed.
#[derive(Debug, Default)]
pub(super) struct Adapted {
    pub(super) base_port: u16,
    /// Whether the claim is new, and to be given back if the restore fails.
    pub(super) claimed: bool,
    /// In sentences.
    pub(super) changes: Vec<String>,
    /// Bots that it may have: nobody else polls them.
    pub(super) bots: Vec<u64>,
}

/// Claims ports and changes what must be otherwise here.
pub(super) fn adapt(
    world: &World,
    place: &Place,
    manifest: &Manifest,
    document: &mut ConfigDocument,
    workspace: &Path,
) -> Result<Adapted, BackupError> {
    let own = files::canonical(place.state_dir());
    let others: Vec<KnownProfile> = known_profiles(&world.env)
        .into_iter()
        .filter(|known| files::canonical(known.place.state_dir()) != own)
        .collect();
    let mut adapted = Adapted::default();
    ports(world, place, manifest, document, &others, &mut adapted)?;
    explicit_ports(world, document, &others, &mut adapted)?;
    own_workspace(world, document, workspace, &mut adapted)?;
    bots(world, manifest, document, &others, &mut adapted)?;
    Ok(adapted)
}

fn ports(
    world: &World,
    place: &Place,
    manifest: &Manifest,
    document: &mut ConfigDocument,
    others: &[KnownProfile],
    adapted: &mut Adapted,
) -> Result<(), BackupError> {
    let glimpse = ConfigGlimpse::of_value(&document.value());
    let wanted = glimpse.base_port.or(manifest.base_port);
    let around = world.surroundings();
    let register = Register::open(&world.env);
    let known = register.find(place)?;
    let free = wanted.filter(|base| {
        let Ok(ports) = Ports::new(*base) else { return false };
        let (first, last) = (*ports.interval().start(), *ports.interval().end());
        let touches = |base: u16| base <= last && base.saturating_add(110) >= first;
        let ours =
            others.iter().any(|known| [known.base_port, known.claimed].into_iter().flatten().any(touches));
        let theirs =
            around.foreign.iter().any(|claim| *claim.ports.start() <= last && *claim.ports.end() >= first);
        let taken = around.listening.contains(base);
        !ours && !theirs && !taken
    });
    // A profile that is registered here keeps what it has.
    let base_port = if known.is_some() { None } else { free };
    let claimed = register.claim(&ClaimRequest { place, base_port, owner: None }, &around)?;
    adapted.claimed = claimed.created;
    adapted.base_port = claimed.entry.base_port;
    if glimpse.base_port != Some(adapted.base_port) {
        document.set("gateway.port", adapted.base_port.into())?;
        if let Some(wanted) = wanted.filter(|wanted| *wanted != adapted.base_port) {
            adapted.changes.push(format!(
                "gateway.port is {} (it was {wanted}): {}",
                adapted.base_port,
                if known.is_some() {
                    "the port that this profile has here"
                } else {
                    "the old ports belong to somebody else here"
                }
            ));
        }
    }
    Ok(())
}

/// Ports that stand in the file by number, where somebody else uses them here.
fn explicit_ports(
    world: &World,
    document: &mut ConfigDocument,
    others: &[KnownProfile],
    adapted: &mut Adapted,
) -> Result<(), BackupError> {
    let glimpse = ConfigGlimpse::of_value(&document.value());
    let foreign: Vec<_> =
        openclaw::detect(&world.env).iter().flat_map(openclaw::OpenClawInstall::claims).collect();
    let taken = |port: u16| {
        let ours = others.iter().any(|known| {
            let interval =
                known.base_port.is_some_and(|base| (base..=base.saturating_add(110)).contains(&port));
            let explicit = known.glimpse.as_ref().is_some_and(|glimpse| {
                glimpse.control_port == Some(port) || glimpse.cdp_ports.values().any(|other| *other == port)
            });
            interval || explicit
        });
        ours || foreign.iter().any(|claim| claim.ports.contains(&port))
    };
    let control = glimpse.control_port.map(|port| ("browser.controlPort".to_owned(), port));
    let cdp = glimpse.cdp_ports.iter().map(|(field, port)| (field.clone(), *port));
    for (field, port) in control.into_iter().chain(cdp) {
        if taken(port) {
            document.unset_at(&ConfigPath::parse(&field)?)?;
            adapted.changes.push(format!("{field} ({port}) is left out: somebody else here uses that port"));
        }
    }
    for (field, url) in &glimpse.cdp_urls {
        let shared = others
            .iter()
            .filter_map(|known| known.glimpse.as_ref())
            .any(|glimpse| glimpse.cdp_urls.values().any(|other| other == url));
        if shared {
            document.unset_at(&ConfigPath::parse(field)?)?;
            adapted.changes.push(format!("{field} is left out: another profile attaches to that browser"));
        }
    }
    Ok(())
}

fn own_workspace(
    world: &World,
    document: &mut ConfigDocument,
    workspace: &Path,
    adapted: &mut Adapted,
) -> Result<(), BackupError> {
    let field = "agents.defaults.workspace";
    let said = document.get(field)?.and_then(|value| value.as_str().map(|path| world.env.expand(path)));
    if said.is_some_and(|said| files::canonical(&said) != files::canonical(workspace)) {
        document.set(field, workspace.display().to_string().into())?;
        adapted.changes.push(format!("{field} is {}", workspace.display()));
    }
    Ok(())
}

fn bots(
    world: &World,
    manifest: &Manifest,
    document: &mut ConfigDocument,
    others: &[KnownProfile],
    adapted: &mut Adapted,
) -> Result<(), BackupError> {
    let installs = openclaw::detect(&world.env);
    let shared: Vec<u64> = manifest
        .bots
        .iter()
        .copied()
        .filter(|bot| {
            let ours = others.iter().any(|known| {
                let glimpsed = known.glimpse.as_ref().is_some_and(|glimpse| glimpse.bot_ids.contains(bot));
                glimpsed || known.bot_ids.contains(bot)
            });
            ours || installs.iter().any(|install| install.bot_ids.contains(bot))
        })
        .collect();
    if shared.is_empty() {
        adapted.bots.clone_from(&manifest.bots);
        return Ok(());
    }
    document.set("channels.telegram.enabled", false.into())?;
    let ids: Vec<String> = shared.iter().map(u64::to_string).collect();
    adapted.changes.push(format!(
        "channels.telegram.enabled is false: bot {} belongs to somebody else here; give this profile one of its own",
        ids.join(", ")
    ));
    Ok(())
}
