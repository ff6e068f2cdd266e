//! A profile of the plan, resolved: where it lives, what is there already, which ports it gets.

mod model;
mod ports;

use std::path::PathBuf;

use bulkhead_config::{ConfigError, ConfigStore, Loaded};
use bulkhead_profile::{
    Finding, Owner, Place, Ports, ProfileFacts, ProfileName, Register, bot_id_of_token, files, gather_facts,
};
use secrecy::ExposeSecret;

pub(crate) use self::model::{ModelTarget, model};
use crate::event::{ProfileResult, error};
use crate::plan::{Plan, ProfilePlan};
use crate::world::World;

/// One profile to be.
pub(crate) struct Target<'p> {
    pub(crate) plan: &'p ProfilePlan,
    pub(crate) place: Place,
    pub(crate) config: ConfigStore,
    pub(crate) existing: Loaded,
    /// The base port that it asks for: named in the plan, or in its configuration.
    pub(crate) wanted: Option<u16>,
    /// The base port that it would get now.
    pub(crate) port: Option<u16>,
    pub(crate) workspace: PathBuf,
    pub(crate) bot_id: Option<u64>,
    pub(crate) owner: Owner,
}

impl Target<'_> {
    pub(crate) fn name(&self) -> &str {
        self.place.name().as_str()
    }

    pub(crate) fn facts(&self) -> ProfileFacts {
        let mut facts = ProfileFacts::of_place(&self.place, self.port);
        facts.workspace = files::canonical(&self.workspace);
        let browser = &self.existing.config.browser;
        facts.control_port = browser.control_port;
        for (name, profile) in &browser.profiles {
            if let Some(port) = profile.cdp_port {
                facts.cdp_ports.insert(format!("browser.profiles.{name}.cdpPort"), port);
            }
        }
        facts.bot_ids = self.bot_id.into_iter().collect();
        facts
    }

    pub(crate) fn result(&self, port: Option<u16>) -> ProfileResult {
        let ports = port.and_then(|base| Ports::new(base).ok());
        ProfileResult {
            name: self.name().to_owned(),
            port,
            state_dir: self.place.state_dir().to_owned(),
            config_path: self.place.config_path().to_owned(),
            workspace: self.workspace.clone(),
            control: self.existing.config.browser.control_port.or(ports.map(Ports::control)),
            cdp_first: ports.map(Ports::cdp_first),
            cdp_last: ports.map(Ports::cdp_last),
            keychain_service: self.place.keychain_service(),
            owner: self.owner,
        }
    }
}

/// Resolves every profile of a plan; what cannot be is told.
pub(crate) fn targets<'p>(plan: &'p Plan, world: &World) -> (Vec<Target<'p>>, Vec<Finding>) {
    let mut targets: Vec<Target<'p>> = Vec::new();
    let mut findings = Vec::new();
    if plan.profiles.is_empty() {
        findings.push(error(
            "plan-no-profile",
            &[],
            "plan.profiles",
            "no profile",
            "at least one, such as {\"name\":\"main\"}",
            "add a profile to the plan",
        ));
    }
    for profile in &plan.profiles {
        match target(profile, world) {
            Ok(target) if targets.iter().any(|other| other.place.state_dir() == target.place.state_dir()) => {
                findings.push(error(
                    "plan-profile-twice",
                    &[target.name()],
                    format!("profile {}", target.name()),
                    "it twice in one plan (or two names that lead to one state directory)",
                    "every profile once",
                    "take one of the two out of the plan",
                ));
            }
            Ok(target) => targets.push(target),
            Err(finding) => findings.push(finding),
        }
    }
    findings.extend(ports::assign_ports(&mut targets, world));
    (targets, findings)
}

fn target<'p>(plan: &'p ProfilePlan, world: &World) -> Result<Target<'p>, Finding> {
    let shown: String = plan.name.chars().take(40).collect();
    let refuse = |code: &str, what: &str, text: String| {
        // Errors of the crates below are whole sentences already: found, expected, next step.
        let (found, rest) = text
            .split_once("; expected ")
            .or_else(|| text.split_once(": expected "))
            .unwrap_or((text.as_str(), "a profile that can be made; correct the plan"));
        let (expected, next) = rest.rsplit_once("; ").unwrap_or((rest, "correct the plan"));
        error(code, &[shown.as_str()], what, found, expected, next)
    };
    let name = ProfileName::parse(&plan.name)
        .map_err(|error| refuse(error.code(), "profile name", error.to_string()))?;
    let place = Place::resolve(Some(&name), &world.env)
        .map_err(|error| refuse(error.code(), &format!("profile {name}"), error.to_string()))?;
    place
        .check_marker()
        .map_err(|error| refuse(error.code(), &format!("profile {name}"), error.to_string()))?;
    let config = ConfigStore::new(&place);
    let existing = config.load_current().map_err(|broken| {
        error(
            broken.code(),
            &[name.as_str()],
            format!("configuration of {name} ({})", place.config_path().display()),
            broken.problem(),
            "a configuration that can be read, or none",
            // Below a file there is nothing to repair and nothing to go back to.
            match &broken {
                ConfigError::Read { source, .. } if source.kind() == std::io::ErrorKind::NotADirectory => {
                    format!(
                        "choose another state directory: {} lies below a file",
                        place.config_path().display()
                    )
                }
                _ => format!(
                    "repair {}, or go back with: bulkhead --profile {name} config rollback",
                    place.config_path().display()
                ),
            },
        )
    })?;
    if let Some(bind) = &plan.bind
        && !["loopback", "lan", "tailnet", "auto"].contains(&bind.as_str())
    {
        return Err(error(
            "bind-invalid",
            &[name.as_str()],
            format!("bind of {name}"),
            "another word",
            "loopback, lan, tailnet or auto",
            "use loopback unless other machines have to reach this gateway",
        ));
    }
    if let Some(port) = plan.port {
        Ports::new(port)
            .map_err(|error| refuse(error.code(), &format!("port of {name}"), error.to_string()))?;
    }
    for (field, address, schemes) in [
        ("proxy", plan.proxy.as_deref(), &["http", "https", "socks5", "socks5h"][..]),
        (
            "telegram.apiRoot",
            plan.telegram.as_ref().and_then(|t| t.api_root.as_deref()),
            &["http", "https"][..],
        ),
    ] {
        if let Some(address) = address {
            check_address(address, schemes).map_err(|found| {
                error(
                    "address-invalid",
                    &[name.as_str()],
                    format!("{field} of {name}"),
                    found,
                    format!("an address that begins with {}://", schemes.join(":// or ")),
                    format!("write it in full, such as {}://host:port", schemes[0]),
                )
            })?;
        }
    }
    let bot_id = match &plan.telegram {
        None => None,
        Some(telegram) => match bot_id_of_token(telegram.bot_token.expose_secret()) {
            Some(id) => Some(id),
            None => {
                return Err(error(
                    "telegram-token-malformed",
                    &[name.as_str()],
                    format!("Telegram token of {name}"),
                    format!(
                        "{} characters that are no bot token",
                        telegram.bot_token.expose_secret().chars().count()
                    ),
                    "digits, a colon and about 35 letters, as @BotFather shows it",
                    "copy the whole token from @BotFather",
                ));
            }
        },
    };
    let workspace = plan
        .workspace
        .as_deref()
        .or(existing.config.agents.defaults.workspace.as_deref())
        .map_or_else(|| place.workspace().to_owned(), |path| world.env.expand(path));
    let owner = plan.owner.unwrap_or_else(|| {
        Register::open(&world.env).find(&place).ok().flatten().map(|entry| entry.owner).unwrap_or_default()
    });
    let wanted = plan.port.or(existing.config.gateway.port);
    Ok(Target { plan, place, config, wanted, port: None, existing, workspace, bot_id, owner })
}

fn check_address(address: &str, schemes: &[&str]) -> Result<(), String> {
    match url::Url::parse(address) {
        Ok(url) if !schemes.contains(&url.scheme()) => Err(format!("one that begins with {}", url.scheme())),
        Ok(url) if url.host_str().is_none_or(str::is_empty) => Err("one without a host".to_owned()),
        Ok(_) => Ok(()),
        Err(error) => Err(format!("no address ({error})")),
    }
}

/// Every profile and OpenClaw of this machine but the planned ones, as they stand.
pub(crate) fn neighbours(targets: &[Target<'_>], world: &World) -> Vec<ProfileFacts> {
    let taken_over: Vec<PathBuf> = targets
        .iter()
        .filter_map(|target| target.plan.beside.as_ref())
        .filter(|beside| beside.take_over)
        .map(|beside| files::canonical(&beside.install.state_dir))
        .collect();
    let own: Vec<PathBuf> = targets.iter().map(|target| files::canonical(target.place.state_dir())).collect();
    let apart =
        |facts: &ProfileFacts| !own.contains(&facts.state_dir) && !taken_over.contains(&facts.state_dir);
    let mut facts: Vec<ProfileFacts> = gather_facts(&world.env).into_iter().filter(apart).collect();
    // One that was named lies where nobody looks for it.
    let named =
        targets.iter().filter_map(|target| target.plan.beside.as_ref()).filter(|beside| !beside.take_over);
    for beside in named {
        let one = ProfileFacts::of_openclaw(&beside.install, &world.env);
        if facts.iter().all(|known| known.state_dir != one.state_dir) {
            facts.push(one);
        }
    }
    facts
}
