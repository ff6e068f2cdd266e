//! What a supervisor is made of, and its start.

use std::fs::{File, TryLockError};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_profile::{Owner, Place, files};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::control;
use crate::error::SupervisorError;
use crate::handle::SupervisorHandle;
use crate::ladder::LadderPolicy;
use crate::launch::Launcher;
use crate::life::Life;
use crate::secrets::SecretsSource;
use crate::status::GatewayStatus;

/// Commands that wait; more than that and the sender waits.
const COMMANDS: usize = 32;

/// Everything that a supervisor needs to know.
#[derive(Clone)]
pub struct SupervisorOptions {
    /// The profile's place.
    pub place: Place,
    /// Who this supervisor is for: the app, a service, or somebody in a terminal.
    pub owner: Owner,
    /// Only watch a gateway that somebody else runs: never start, stop or restart it.
    pub attach_only: bool,
    /// How the gateway is launched.
    pub launcher: Arc<dyn Launcher>,
    /// Where its secrets come from.
    pub secrets: Arc<dyn SecretsSource>,
    /// The `bulkhead` program; by default the one that runs.
    pub program: Option<PathBuf>,
    /// `--port`, if it was given.
    pub port: Option<u16>,
    /// How patient the crash ladder is.
    pub ladder: LadderPolicy,
    /// How long a start may take until the gateway says that it is ready.
    pub start_limit: Duration,
    /// How long a stop may take before it is forced.
    pub stop_limit: Duration,
    /// How long a start waits for the secrets; after that the gateway starts without them and is handed them later.
    pub secrets_patience: Duration,
    /// How often a keychain that is shut is tried again.
    pub keychain_retry: Duration,
    /// Whether the gateway is started at once, if its owner wants it running.
    pub autostart: bool,
    /// Whether it listens on the control socket.
    pub control: bool,
    /// Every line that the gateway says, without secrets, for a foreground run. Lines are dropped if nobody reads.
    pub lines: Option<mpsc::Sender<String>>,
}

impl SupervisorOptions {
    /// The usual options.
    pub fn new(
        place: Place,
        owner: Owner,
        launcher: Arc<dyn Launcher>,
        secrets: Arc<dyn SecretsSource>,
    ) -> Self {
        Self {
            place,
            owner,
            attach_only: false,
            launcher,
            secrets,
            program: None,
            port: None,
            ladder: LadderPolicy::default(),
            start_limit: Duration::from_secs(30),
            stop_limit: Duration::from_secs(10),
            secrets_patience: Duration::from_secs(2),
            keychain_retry: Duration::from_secs(5),
            autostart: true,
            control: true,
            lines: None,
        }
    }
}

/// The supervisor of one profile. See [`Supervisor::spawn`].
#[derive(Debug, Clone, Copy)]
pub struct Supervisor;

impl Supervisor {
    /// Takes the profile's supervisor lock, opens its control socket and looks after its gateway from now on.
    /// Must be called inside a Tokio runtime.
    pub fn spawn(options: SupervisorOptions) -> Result<SupervisorHandle, SupervisorError> {
        options.place.check_marker()?;
        let lock = lock(&options.place)?;
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let status = GatewayStatus {
            profile: options.place.name().to_string(),
            owner: options.owner,
            ..GatewayStatus::default()
        };
        let (tell, watch) = watch::channel(status);
        let done = CancellationToken::new();
        let handle = SupervisorHandle::new(options.place.clone(), commands, watch, done.clone());
        if options.control {
            control::serve(&options.place, &handle, done.clone())?;
        }
        let life = Life::new(options, inbox, tell);
        tokio::spawn(async move {
            life.run().await;
            drop(lock);
            done.cancel();
        });
        Ok(handle)
    }
}

/// Whoever only wants to know whether somebody supervises tries the lock, and holds it for a moment.
const MOMENT: std::time::Duration = std::time::Duration::from_millis(200);
const LOOK: std::time::Duration = std::time::Duration::from_millis(5);

/// One supervisor per state directory; the lock ends with the process, however it ends.
fn lock(place: &Place) -> Result<File, SupervisorError> {
    let path = place.state_dir().join("supervisor.lock");
    let io = |action| {
        let path = path.clone();
        move |source| SupervisorError::Io { action, path, source }
    };
    files::create_private_dir(place.state_dir()).map_err(io("make the directory of"))?;
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(io("open"))?;
    let begun = std::time::Instant::now();
    let outcome = loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if begun.elapsed() < MOMENT => std::thread::sleep(LOOK),
            outcome => break outcome,
        }
    };
    match outcome {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(SupervisorError::AlreadySupervised { profile: place.name().to_string(), lock: path })
        }
        Err(TryLockError::Error(source)) => Err(io("lock")(source)),
    }
}
