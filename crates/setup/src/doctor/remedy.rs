//! The repairs. Each one looks first whether there is still something to repair, so that doing it twice does nothing the
//! second time; each one is atomic, and none touches another profile or an OpenClaw's files.

use std::path::PathBuf;

use bulkhead_config::{ConfigPath, ConfigStore, SecretInput, SecretRef, SecretSource};
use bulkhead_process::port;
use bulkhead_profile::{Claim, ClaimRequest, Register, files, known_profiles, preferred_base, spacing};
use bulkhead_secrets::{SecretId, get_optional};
use bulkhead_service::{Service, linger};
use bulkhead_supervisor::{ControlClient, ControlRequest};
use secrecy::ExposeSecret as _;

use super::patient::Patient;
use super::services;
use crate::backup;

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Sets a mode.
    #[cfg_attr(not(unix), allow(dead_code))]
    Mode { path: PathBuf, mode: u32 },
    /// Goes back to the last good configuration.
    RollBackConfig,
    /// Moves a plain secret out of the configuration.
    StoreSecret { field: String },
    /// Enters the profile, or its ports, in the register.
    Register,
    /// Takes the next free interval of ports.
    MovePorts { from: u16 },
    /// Records the public ids of the bots.
    RecordBots { ids: Vec<u64> },
    /// Starts the gateway anew.
    Restart,
    /// Writes the service file anew, and has the service start by itself.
    InstallService,
    /// Has the user's services run without a login.
    EnableLingering,
    /// Puts back what was there before an interrupted restore.
    UndoRestore,
}

/// Does it. Says what was done, or why not.
pub(super) async fn apply(patient: &Patient, remedy: &Remedy) -> Result<String, String> {
    // Nothing is ever written where this profile is not at home.
    patient.place.check_marker().map_err(|error| error.to_string())?;
    match remedy {
        Remedy::Mode { path, mode } => set_mode(path, *mode),
        Remedy::RollBackConfig => roll_back(patient),
        Remedy::StoreSecret { field } => store_secret(patient, field).await,
        Remedy::Register => register(patient, patient.config.gateway.port),
        Remedy::MovePorts { from } => move_ports(patient, *from),
        Remedy::RecordBots { ids } => Register::open(&patient.world.env)
            .record_bots(&patient.place, ids)
            .map(|_| format!("{} recorded.", if ids.len() == 1 { "Its bot is" } else { "Its bots are" }))
            .map_err(|error| error.to_string()),
        Remedy::Restart => restart(patient).await,
        Remedy::InstallService => install_service(patient),
        Remedy::EnableLingering => linger::enable(&patient.world.env)
            .map(|()| "Lingering is on.".to_owned())
            .map_err(|error| error.to_string()),
        Remedy::UndoRestore => backup::undo_unfinished(&patient.place)
            .map(|undone| {
                if undone {
                    "What was there before the restore is back."
                } else {
                    "There was nothing to put back."
                }
                .to_owned()
            })
            .map_err(|error| error.to_string()),
    }
}

#[cfg(unix)]
fn set_mode(path: &std::path::Path, mode: u32) -> Result<String, String> {
    use std::os::unix::fs::PermissionsExt as _;
    let failed = |error: std::io::Error| format!("{}: {error}.", path.display());
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(format!("{} is gone.", path.display()));
        }
        Err(error) => return Err(failed(error)),
    };
    // By the open file: nobody can put another one in its place in between.
    let meta = file.metadata().map_err(failed)?;
    if meta.permissions().mode() & 0o7777 != mode {
        file.set_permissions(std::fs::Permissions::from_mode(mode)).map_err(failed)?;
    }
    Ok(format!("{} has mode {mode:04o} now.", path.display()))
}

#[cfg(not(unix))]
fn set_mode(path: &std::path::Path, _: u32) -> Result<String, String> {
    Ok(format!("{} has no mode on this system.", path.display()))
}

fn roll_back(patient: &Patient) -> Result<String, String> {
    let store = ConfigStore::new(&patient.place);
    let usable = store.load_current().is_ok_and(|_| patient.place.config_path().exists());
    if usable {
        return Ok("The configuration is valid already.".to_owned());
    }
    let back = store.rollback_to(None, None).map_err(|error| error.to_string())?;
    Ok(match back.rejected {
        Some(path) => format!("The last good configuration is back; the other one is {}.", path.display()),
        None => "The last good configuration is back.".to_owned(),
    })
}

async fn store_secret(patient: &Patient, field: &str) -> Result<String, String> {
    let path = ConfigPath::parse(field).map_err(|error| error.to_string())?;
    let store = ConfigStore::new(&patient.place);
    let loaded = store.load_current().map_err(|error| error.to_string())?;
    let inputs = loaded.config.secret_inputs();
    let input = inputs.iter().find(|(known, _)| known == field).map(|(_, input)| *input);
    let Some(SecretInput::Plain(secret)) = input else {
        return Ok(format!("{field} holds no plain secret any more."));
    };
    let id = SecretId::of_field(&path).ok_or_else(|| {
        format!(
            "{field} has no name by rule; store it with `{} secrets set NAME -` and refer to NAME.",
            patient.command()
        )
    })?;
    let source = loaded.config.secrets.default_source.unwrap_or(SecretSource::Keychain);
    let sources = patient.sources();
    let kept = sources
        .store(source)
        .filter(|kept| kept.describe().writable)
        .ok_or_else(|| format!("secrets.default is \"{source}\", and nothing can be stored there."))?;
    kept.set(&id, secret).await.map_err(|error| error.to_string())?;
    // Only what can be read back may leave the file.
    let read = get_optional(&**kept, &id).await.map_err(|error| error.to_string())?;
    if read.is_none_or(|read| read.expose_secret() != secret.expose_secret()) {
        return Err(format!(
            "{} did not give back what was stored; the file is as it was.",
            kept.describe().label
        ));
    }
    let reference = SecretRef::new(source, id.as_str()).to_value();
    let write = |document: &mut bulkhead_config::ConfigDocument| document.set_at(&path, reference.clone());
    store.edit(write).map_err(|error| error.to_string())?;
    Ok(format!("{field} refers to {id} in {} now.", kept.describe().label))
}

fn register(patient: &Patient, base: Option<u16>) -> Result<String, String> {
    let register = Register::open(&patient.world.env);
    let request = ClaimRequest { place: &patient.place, base_port: base, owner: None };
    let claimed =
        register.claim(&request, &patient.world.surroundings()).map_err(|error| error.to_string())?;
    let base = claimed.entry.base_port;
    Ok(format!("{} has the ports {base} to {} in the register.", patient.name(), base.saturating_add(110)))
}

fn move_ports(patient: &Patient, from: u16) -> Result<String, String> {
    let world = &patient.world;
    let listening = world.listening();
    if !listening.contains(&from) {
        return Ok(format!("Port {from} is free again."));
    }
    let own = files::canonical(patient.place.state_dir());
    let claims: Vec<Claim> = known_profiles(&world.env)
        .iter()
        .filter(|known| files::canonical(known.place.state_dir()) != own)
        .flat_map(|known| {
            let profile = known.place.label();
            [known.base_port, known.claimed]
                .into_iter()
                .flatten()
                .map(move |base| Claim { profile: profile.clone(), base })
        })
        .collect();
    let around = world.surroundings();
    let preferred = preferred_base(patient.place.name());
    let base = spacing::next_free(preferred, &claims, &around.foreign, &listening, &port::avoid_ranges())
        .map_err(|error| error.to_string())?;
    // The claim first: between the two nobody else can take the interval.
    register(patient, Some(base))?;
    ConfigStore::new(&patient.place)
        .edit(|document| document.set("gateway.port", base.into()))
        .map_err(|error| error.to_string())?;
    Ok(format!(
        "{} has the ports {base} to {} now; bookmarks and clients need the new address.",
        patient.name(),
        base + 110
    ))
}

fn install_service(patient: &Patient) -> Result<String, String> {
    let service = Service::find(&patient.place, &patient.world.env);
    let spec = services::spec(patient, service.scope().clone())?;
    let installed = service.install(&spec, false).map_err(|error| error.to_string())?;
    let kept = installed.kept.map(|path| format!("; what somebody wrote by hand is in {}", path.display()));
    Ok(format!("{} is as it should be{}.", installed.path.display(), kept.unwrap_or_default()))
}

async fn restart(patient: &Patient) -> Result<String, String> {
    let client = ControlClient::new(&patient.place);
    client.ask(&ControlRequest::Restart).await.map_err(|error| error.to_string())?;
    Ok("The gateway was started anew.".to_owned())
}
