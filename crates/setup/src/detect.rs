//! A look around: what is here already, and what can be used.

mod found;
mod usable;

use std::path::PathBuf;
use std::time::Duration;

use bulkhead_profile::{
    KnownProfile, Owner, Place, Ports, ProfileName, files, known_profiles,
    openclaw::{self, OpenClawInstall},
};
use bulkhead_secrets::{SecretId, generate};
use bulkhead_service::{Scope, Service, linger};

pub use self::found::*;
use self::usable::{chrome, models, proxy};
use crate::create::unfinished;
use crate::event::ProfileResult;
use crate::world::World;

const MOST_PORTS: usize = 64;
const KEYCHAIN_LIMIT: Duration = Duration::from_secs(4);

/// Looks around.
pub(crate) async fn detect(world: &World) -> Detection {
    let listening = world.listening();
    let known = known_profiles(&world.env);
    let installs = openclaw::detect(&world.env);
    let (models, keychain, services) =
        tokio::join!(models(world, &listening), keychain(world), services(world));
    let mut gateways: Vec<FoundGateway> = known
        .iter()
        .filter_map(|profile| {
            let port = profile.base_port?;
            let holder = listening.contains(&port).then(|| world.holder(port)).flatten();
            let running =
                holder.is_some_and(|holder| holder.profile.as_deref() == Some(profile.place.name().as_str()));
            Some(FoundGateway { profile: profile.place.label(), port, running, kind: "bulkhead" })
        })
        .collect();
    gateways.extend(installs.iter().map(|install| FoundGateway {
        profile: install.label(),
        port: install.base_port,
        running: listening.contains(&install.base_port),
        kind: "openclaw",
    }));
    let mut near: Vec<u16> = Vec::new();
    for port in &listening {
        let in_reach = |base: u16| (base..=base.saturating_add(110)).contains(port);
        let ours = known.iter().filter_map(|profile| profile.base_port).any(in_reach);
        let theirs = installs.iter().any(|install| in_reach(install.base_port));
        if ours || theirs || (18_700..=20_100).contains(port) {
            near.push(*port);
        }
    }
    let ports_in_use = near
        .into_iter()
        .take(MOST_PORTS)
        .map(|port| {
            let holder = world.holder(port);
            FoundPort {
                port,
                program: holder.as_ref().and_then(|holder| holder.program.clone()),
                pid: holder.as_ref().and_then(|holder| holder.pid),
                profile: holder.and_then(|holder| holder.profile),
            }
        })
        .collect();
    Detection {
        openclaw: installs
            .iter()
            .map(|install| FoundOpenClaw {
                profile: install.profile.clone(),
                state_dir: install.state_dir.clone(),
                port: install.base_port,
                version: version_of(install),
                bots: install.bot_ids.len(),
                running: listening.contains(&install.base_port),
            })
            .collect(),
        gateways,
        models,
        chrome: chrome(world),
        keychain,
        services,
        proxy: proxy(&world.env),
        profiles: known.iter().map(profile_result).collect(),
        ports_in_use,
        unfinished: unfinished(&world.env),
    }
}

fn profile_result(known: &KnownProfile) -> ProfileResult {
    let ports = known.base_port.and_then(|base| Ports::new(base).ok());
    let glimpse = known.glimpse.as_ref();
    ProfileResult {
        name: known.place.name().to_string(),
        port: known.base_port,
        state_dir: known.place.state_dir().to_owned(),
        config_path: known.place.config_path().to_owned(),
        workspace: glimpse
            .and_then(|glimpse| glimpse.workspace.as_deref())
            .map_or_else(|| known.place.workspace().to_owned(), PathBuf::from),
        control: glimpse.and_then(|glimpse| glimpse.control_port).or(ports.map(Ports::control)),
        cdp_first: ports.map(Ports::cdp_first),
        cdp_last: ports.map(Ports::cdp_last),
        keychain_service: known.place.keychain_service(),
        owner: known.owner.unwrap_or(Owner::External),
    }
}

fn version_of(install: &OpenClawInstall) -> Option<String> {
    let bytes = files::read_limited(&install.config_path, 4 * 1024 * 1024).ok()?;
    let doc =
        bulkhead_config::ConfigDocument::parse("openclaw.json", std::str::from_utf8(&bytes).ok()?).ok()?;
    let version = doc.get("meta.lastTouchedVersion").ok()??;
    version.as_str().map(|version| version.chars().take(40).collect())
}

/// Whether the service manager of this log-in answers.
async fn services(world: &World) -> FoundServices {
    let env = world.env.clone();
    let look = move || {
        let place = Place::by_rule(&ProfileName::main(), &env);
        let refused = Service::new(&place, &env, Scope::User).available().err();
        FoundServices {
            available: refused.is_none(),
            reason: refused.map(|error| error.to_string()),
            linger: linger::status(&env),
        }
    };
    tokio::task::spawn_blocking(look).await.unwrap_or_default()
}

/// Asking for an item that is not there opens no dialog, even where the keychain is locked.
async fn keychain(world: &World) -> FoundKeychain {
    let store = world.keychain("ai.bulkhead.detect");
    let Ok(id) = SecretId::parse(&format!("probe/{}", generate::name())) else {
        return FoundKeychain { available: false, reason: None, code: None };
    };
    match tokio::time::timeout(KEYCHAIN_LIMIT, store.get(&id)).await {
        Ok(Ok(_)) => FoundKeychain { available: true, reason: None, code: None },
        Ok(Err(error)) if error.is_not_found() => FoundKeychain { available: true, reason: None, code: None },
        Ok(Err(error)) => {
            FoundKeychain { available: false, reason: Some(error.to_string()), code: Some(error.code()) }
        }
        Err(_) => FoundKeychain {
            available: false,
            reason: Some(format!("The keychain did not answer within {} s.", KEYCHAIN_LIMIT.as_secs())),
            code: Some("keychain.timeout"),
        },
    }
}
