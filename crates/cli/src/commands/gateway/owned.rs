//! The service of a profile as the command line finds it, and the register's word on who owns the gateway.

use std::path::PathBuf;

use bulkhead_profile::{Environment, Owner, Place, Register};
use bulkhead_service::{Scope, Service, ServiceError, ServiceSpec};
use serde_json::Value;

use crate::context::{Context, base_port};
use crate::error::Failure;

/// Under this name the register keeps who owned a gateway before its service did.
const OWNER_BEFORE: &str = "ownerBefore";

/// This program, by its whole path.
pub fn program() -> Result<PathBuf, Failure> {
    std::env::current_exe().map_err(|error| {
        Failure::failed(
            "program",
            format!("this program's own path cannot be found: {error}; start it by its whole path"),
        )
    })
}

/// What would be installed for a service now.
pub fn expected(context: &Context, service: &Service) -> Result<ServiceSpec, Failure> {
    let (port, _) = base_port(service.place(), &context.env)?;
    Ok(service.spec(&program()?, port)?)
}

/// The surroundings of another user, for a system service: only where they live counts.
pub fn environment_of(user: &str) -> Result<Environment, Failure> {
    let unknown = |why: String| {
        Failure::usage(format!(
            "--user: found \"{user}\" ({why}), expected a user of this machine; name another one"
        ))
    };
    let line = std::process::Command::new("getent").args(["passwd", "--", user]).output();
    let line = line.map_err(|error| unknown(error.to_string()))?;
    let line = String::from_utf8_lossy(&line.stdout).into_owned();
    let home = line.trim().split(':').nth(5).filter(|home| home.starts_with('/'));
    let home = PathBuf::from(home.ok_or_else(|| unknown("no such user".to_owned()))?);
    Ok(Environment {
        config_home: home.join(".config"),
        runtime_dir: None,
        temp_dir: std::env::temp_dir(),
        vars: std::collections::BTreeMap::new(),
        unreadable: Vec::new(),
        home,
    })
}

/// Who a system service is for: `--user`, else who called sudo.
pub fn system_user(given: Option<&str>, env: &Environment) -> Result<String, Failure> {
    let name = given.or_else(|| env.var("SUDO_USER")).map(str::to_owned);
    name.or_else(|| bulkhead_service::linger::user_name(env)).ok_or_else(|| {
        Failure::usage("--system: found no --user, expected the user whose gateway it is; add --user NAME")
    })
}

/// The same command for another user, where `--system` asks for one.
pub fn for_scope(context: &Context, system: bool, user: Option<&str>) -> Result<(Context, Scope), Failure> {
    if !system {
        return Ok((context.clone(), Scope::User));
    }
    let user = system_user(user, &context.env)?;
    let mut context = context.clone();
    let own = bulkhead_service::linger::user_name(&context.env);
    if own.as_deref() != Some(user.as_str()) {
        context.env = environment_of(&user)?;
    }
    Ok((context, Scope::System { user }))
}

/// From now on the service owns it; who owned it before is kept. Returns that one.
pub fn give_to_service(env: &Environment, place: &Place) -> Result<Owner, Failure> {
    let mut before = Owner::External;
    Register::open(env).update(place, |entry| {
        if entry.owner != Owner::Service {
            let word = serde_json::to_value(entry.owner).unwrap_or(Value::Null);
            entry.other.insert(OWNER_BEFORE.to_owned(), word);
        }
        before = before_of(entry.other.get(OWNER_BEFORE));
        entry.owner = Owner::Service;
    })?;
    Ok(before)
}

/// Who owned it before owns it again. Returns that one.
pub fn give_back(env: &Environment, place: &Place) -> Result<Owner, Failure> {
    let mut now = Owner::External;
    Register::open(env).update(place, |entry| {
        let before = before_of(entry.other.remove(OWNER_BEFORE).as_ref());
        if entry.owner == Owner::Service {
            entry.owner = before;
        }
        now = entry.owner;
    })?;
    Ok(now)
}

fn before_of(word: Option<&Value>) -> Owner {
    let owner = word.and_then(|word| serde_json::from_value(word.clone()).ok());
    owner.filter(|owner| *owner != Owner::Service).unwrap_or_default()
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        Self::failed(error.code(), error.to_string())
    }
}
