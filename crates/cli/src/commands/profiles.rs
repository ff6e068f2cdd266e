//! `bulkhead profiles …`

use std::io::IsTerminal as _;
use std::path::PathBuf;

use bulkhead_process::RunRecord;
use bulkhead_profile::{
    KnownProfile, Owner, Place, Ports, ProfileName, Register, audit, gather_facts, known_profiles, siblings,
};
use bulkhead_service::{Scope, Service};
use bulkhead_setup::World;
use bulkhead_setup::backup::BackupReport;
use bulkhead_setup::uninstall::delete_secrets;
use serde_json::{Value, json};

use super::gateway::is_locked;
use super::{DONE, backup, setup};
use crate::context::Context;
use crate::error::{FAILED, Failure};
use crate::grammar::profiles::{NewOwner, ProfilesCommand};
use crate::output::{paint, table};

pub fn run(command: ProfilesCommand, context: &Context) -> Result<u8, Failure> {
    match command {
        ProfilesCommand::List => Ok(list(context)),
        ProfilesCommand::Create { name, port, workspace } => create(context, &name, port, workspace),
        ProfilesCommand::Remove { name, yes, with_workspace, archive, no_archive } => {
            remove(context, &name, &Removal { yes, with_workspace, archive, no_archive })
        }
        ProfilesCommand::Owner { name, owner } => self::owner(context, &name, owner),
        ProfilesCommand::Check => Ok(check(context)),
    }
}

/// What runs in a profile, in words. Its record is written when the gateway is ready; from its start on it holds the lock.
fn running(place: &Place) -> Option<String> {
    let record = RunRecord::read_running(&place.run_record_path());
    let starts =
        || is_locked(&place.lock_path()).then(|| format!("it holds {}", place.lock_path().display()));
    record.map(|record| format!("process {}", record.identity.pid)).or_else(starts)
}

/// Tells or moves the owner. It is moved only while nothing runs: the old owner and the new one must never both run one.
fn owner(context: &Context, name: &ProfileName, new: Option<NewOwner>) -> Result<u8, Failure> {
    let place = Place::resolve(Some(name), &setup::surroundings(context))?;
    let register = Register::open(&context.env);
    let Some(entry) = register.find(&place)? else {
        let text = format!(
            "profile {name}: it is not in the register of profiles; expected one that `bulkhead profiles list` shows; \
             make it with `bulkhead --profile {name} onboard`"
        );
        return Err(Failure::new(FAILED, "profiles.unknown", text));
    };
    let wanted = new.map_or(entry.owner, |new| match new {
        NewOwner::Desktop => Owner::Desktop,
        NewOwner::External => Owner::External,
    });
    if wanted != entry.owner {
        if let Some(runs) = running(&place) {
            let text = format!(
                "profile {name}: its gateway runs ({runs}), run by {}; expected it to be stopped before somebody else \
                 runs it; stop it where it was started, then say this again",
                entry.owner
            );
            return Err(Failure::new(FAILED, "profiles.running", text));
        }
        let service = Service::find(&place, &context.env);
        if service.is_installed() {
            let text = format!(
                "profile {name}: its service is installed ({}); expected none, because it would start the gateway at the next \
                 log-in as well; remove it with: bulkhead --profile {name} gateway uninstall",
                service.path().display()
            );
            return Err(Failure::new(FAILED, "profiles.service", text));
        }
        register.update(&place, |entry| entry.owner = wanted)?;
    }
    context.out.result(&json!({ "ok": true, "profile": name, "owner": wanted }), || {
        format!("{name} is run by {wanted}")
    });
    Ok(DONE)
}

fn row(known: &KnownProfile) -> Value {
    let place = &known.place;
    let record = RunRecord::read_running(&place.run_record_path());
    let base = record.as_ref().map(|record| record.base_port).or(known.base_port);
    let ports = base.and_then(|base| Ports::new(base).ok());
    json!({
        "name": place.name(),
        "basePort": base,
        "controlPort": ports.map(Ports::control),
        "cdpFirst": ports.map(Ports::cdp_first),
        "cdpLast": ports.map(Ports::cdp_last),
        "owner": known.owner,
        "running": record.is_some(),
        "pid": record.map(|record| record.identity.pid),
        "configured": place.config_path().exists(),
        "stateDir": place.state_dir(),
        "configPath": place.config_path(),
        "workspace": place.workspace(),
        "keychainService": place.keychain_service(),
        "serviceName": place.service_name(),
    })
}

fn list(context: &Context) -> u8 {
    let rows: Vec<Value> = known_profiles(&context.env).iter().map(row).collect();
    context.out.result(&json!({ "ok": true, "profiles": rows }), || {
        if rows.is_empty() {
            return "No profile yet; `bulkhead onboard` sets up main.".to_owned();
        }
        let text = |row: &Value, name: &str| match &row[name] {
            Value::Null => "-".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let rows = rows.iter().map(|row| {
            let cdp = if row["cdpFirst"].is_null() {
                "-".to_owned()
            } else {
                format!("{}-{}", row["cdpFirst"], row["cdpLast"])
            };
            let running = if row["running"] == json!(true) { "running" } else { "stopped" };
            [
                text(row, "name"),
                running.to_owned(),
                text(row, "basePort"),
                text(row, "controlPort"),
                cdp,
                text(row, "owner"),
                text(row, "stateDir"),
            ]
        });
        table::rows(["profile", "state", "port", "control", "cdp", "owner", "state directory"], rows)
    });
    DONE
}

fn create(
    context: &Context,
    name: &ProfileName,
    port: Option<u16>,
    workspace: Option<String>,
) -> Result<u8, Failure> {
    let place = Place::resolve(Some(name), &setup::surroundings(context))?;
    if place.config_path().exists() {
        return Err(Failure::failed(
            "profile.exists",
            format!(
                "profile {name} exists already: found {}, expected a new name; change it with `bulkhead --profile {name} config set`, or take another name",
                place.config_path().display()
            ),
        ));
    }
    setup::make(context, name, port, workspace)
}

fn check(context: &Context) -> u8 {
    let facts = gather_facts(&context.env);
    let findings = audit::isolation(&facts);
    let ok = !findings.iter().any(bulkhead_profile::Finding::is_error);
    let profiles: Vec<Value> = facts
        .iter()
        .map(|facts| {
            let ports = facts.base_port.and_then(|base| Ports::new(base).ok());
            json!({
                "name": facts.name, "basePort": facts.base_port, "portsTo": ports.map(|ports| *ports.interval().end()),
                "stateDir": facts.state_dir, "workspace": facts.workspace, "keychainService": facts.keychain_service,
                "bots": facts.bot_ids.len(), "readable": facts.readable,
            })
        })
        .collect();
    context.out.result(&json!({ "ok": ok, "findings": findings, "profiles": profiles }), || {
        let mut lines = Vec::new();
        if !findings.is_empty() {
            lines.push(table::findings(&findings));
        }
        let names = facts.iter().map(|facts| facts.name.as_str()).collect::<Vec<_>>().join(", ");
        lines.push(match (ok, facts.len()) {
            (_, 0) => "No profile yet; `bulkhead onboard` sets up main.".to_owned(),
            (true, _) => format!("{} {names}: nothing is shared", paint::good("isolated")),
            (false, _) => format!("{} {names}", paint::bad("not isolated")),
        });
        lines.join("\n")
    });
    if ok { DONE } else { FAILED }
}

/// How a profile is removed.
struct Removal {
    yes: bool,
    with_workspace: bool,
    archive: Option<PathBuf>,
    no_archive: bool,
}

fn remove(context: &Context, name: &ProfileName, removal: &Removal) -> Result<u8, Failure> {
    let place = Place::resolve(Some(name), &context.env)?;
    place.check_marker()?;
    if !place.marker_path().exists() && !place.config_path().exists() {
        return Err(Failure::failed(
            "profile.unknown",
            format!(
                "no profile {name} here: found nothing at {}, expected its state directory; see `bulkhead profiles list`",
                place.state_dir().display()
            ),
        ));
    }
    if let Some(runs) = running(&place) {
        return Err(Failure::failed(
            "profile.running",
            format!(
                "the gateway of profile {name} runs ({runs}); stop it with `bulkhead --profile {name} gateway stop`, then remove the profile",
            ),
        ));
    }
    confirm(context, &place, removal)?;
    let archived = archive(context, &place, removal)?;
    let services = remove_services(context, &place)?;
    let world = World::of_this_machine(setup::surroundings(context));
    let secrets = context.block_on(async { Ok(delete_secrets(&world, &place).await?) })?;
    let removed = delete_files(context, &place, removal.with_workspace)?;
    Register::open(&context.env).release(&place)?;
    let workspace_kept = !removal.with_workspace && place.workspace().exists();
    let archive = archived.map(|report| report.path);
    let result = json!({
        "ok": true, "name": name, "removed": removed, "workspace": workspace_kept.then(|| place.workspace()),
        "secretsDeleted": secrets.deleted, "secretsKept": secrets.kept, "services": services, "archive": archive,
    });
    context.out.result(&result, || {
        let mut text = format!("{} removed", paint::strong(name.as_str()));
        if workspace_kept {
            text.push_str(&format!("; its workspace stays in {}", place.workspace().display()));
        }
        if let Some(archive) = &archive {
            text.push_str(&format!("\n  {}  {}", paint::dim("archive"), archive.display()));
            text.push_str(&format!(
                "\n  {}     `bulkhead backup restore {}`; secrets are not in it",
                paint::dim("back"),
                archive.display()
            ));
        }
        text
    });
    Ok(DONE)
}

fn confirm(context: &Context, place: &Place, removal: &Removal) -> Result<(), Failure> {
    if removal.yes {
        return Ok(());
    }
    if context.out.is_json() || !std::io::stdin().is_terminal() {
        return Err(Failure::usage(format!(
            "removing profile {} cannot be undone: found no --yes and nobody to ask, expected one of the two; add --yes",
            place.name()
        )));
    }
    let workspace = if removal.with_workspace { " and its workspace" } else { "" };
    let question =
        format!("Remove profile {} with its configuration, conversations, secrets{workspace}?", place.name());
    match cliclack::confirm(question).initial_value(false).interact() {
        Ok(true) => Ok(()),
        _ => Err(Failure::failed("profile.kept", format!("profile {} was kept", place.name()))),
    }
}

/// The archive, unless none is wanted.
fn archive(context: &Context, place: &Place, removal: &Removal) -> Result<Option<BackupReport>, Failure> {
    if removal.no_archive {
        return Ok(None);
    }
    backup::make(context, place, removal.archive.as_deref()).map(Some).map_err(|failure| Failure {
        message: format!(
            "{}\nProfile {} is as it was, since it could not be archived; --no-archive removes it all the same.",
            failure.message,
            place.name()
        ),
        ..failure
    })
}

/// Takes its services away, so that nothing starts a profile that is gone.
fn remove_services(context: &Context, place: &Place) -> Result<Vec<String>, Failure> {
    let mut removed = Vec::new();
    for scope in [Scope::User, Scope::System { user: String::new() }] {
        let service = Service::new(place, &context.env, scope);
        if service.is_installed() {
            service.uninstall()?;
            removed.push(service.name());
        }
    }
    Ok(removed)
}

/// Deletes what belongs to the profile and to nobody else: other profiles' folders may lie inside main's.
fn delete_files(context: &Context, place: &Place, with_workspace: bool) -> Result<Vec<String>, Failure> {
    let neighbours: Vec<Place> = known_profiles(&context.env)
        .into_iter()
        .map(|known| known.place)
        .filter(|other| other.state_dir() != place.state_dir())
        .collect();
    let failed = |path: &std::path::Path, error: &std::io::Error| {
        Failure::failed(
            "profile.not-removed",
            format!(
                "{} cannot be removed: {error}; check that it belongs to you, then try again",
                path.display()
            ),
        )
    };
    let mut paths: Vec<std::path::PathBuf> = std::fs::read_dir(place.state_dir())
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    paths.retain(|path| {
        siblings::owns(place, path, &neighbours) && (with_workspace || path != place.workspace())
    });
    // The marker goes last: what is interrupted can be done again.
    paths.sort_by_key(|path| *path == place.marker_path());
    for extra in [place.config_path().to_owned(), place.last_good_config_path(), place.secrets_file()] {
        if extra.exists() && !paths.contains(&extra) {
            paths.insert(0, extra);
        }
    }
    if with_workspace && place.workspace().exists() && !paths.iter().any(|path| path == place.workspace()) {
        paths.insert(0, place.workspace().to_owned());
    }
    let mut removed = Vec::new();
    for path in paths {
        let gone = if path.is_dir() && !path.is_symlink() {
            std::fs::remove_dir_all(&path)
        } else {
            std::fs::remove_file(&path)
        };
        match gone {
            Ok(()) => removed.push(path.display().to_string()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(&path, &error)),
        }
    }
    // Only an empty directory goes: a workspace or another profile's folder may still be inside.
    let _ = std::fs::remove_dir(place.state_dir());
    Ok(removed)
}
