//! One gateway from its start to its end. It reads top to bottom: this is the order of things.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bulkhead_process::{ProcessIdentity, RunRecord};
use bulkhead_server::{Bound, EventHub, Limits, ServerInfo, ServerParts};
use bulkhead_store::Store;
use tokio_util::sync::CancellationToken;

use crate::compose::{Parts, compose};
use crate::error::GatewayError;
use crate::gateway::{Gateway, VERSION};
use crate::handler::Handler;
use crate::logs::{self, Loudness, Redactor};
use crate::options::RunOptions;
use crate::signals::Signals;
use crate::start::configuration::{self, Notes};
use crate::start::handoff::{First, Handoff};
use crate::start::{bind, directories, foreground, lock, ready, tls};
use crate::steady::{self, Ended};
use crate::{http, ui};

/// How long running answers may go on after a stop was asked for.
const DRAIN: Duration = Duration::from_secs(8);
/// How long our own gateway is given to end when `--force` takes over.
const TAKE_OVER: Duration = Duration::from_secs(12);
/// Between two looks while taking over.
const PAUSE: Duration = Duration::from_millis(20);
/// How often the record of the running gateway is looked for.
const RECORD_TRIES: usize = 50;
/// How often the lock is tried after the running gateway was ended.
const LOCK_TRIES: usize = 50;
/// Stack of a worker thread; nothing here recurses deeply.
const STACK: usize = 1024 * 1024;

/// Runs a gateway in a runtime of its own: two workers, small stacks, one heap arena.
pub fn run_blocking(options: RunOptions) -> Result<Ended, GatewayError> {
    bulkhead_process::memory::arena_max_one();
    bulkhead_process::open_files::raise_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(16)
        .thread_keep_alive(Duration::from_secs(5))
        .thread_stack_size(STACK)
        .thread_name("gateway")
        .enable_all()
        .build()
        .map_err(|source| GatewayError::Io {
            action: "start threads for",
            path: PathBuf::from("the gateway"),
            source,
        })?;
    let ended = runtime.block_on(run(options));
    // A thread that still reads stdin must not hold up the end.
    runtime.shutdown_background();
    ended
}

/// Runs a gateway until it is asked to stop.
pub async fn run(options: RunOptions) -> Result<Ended, GatewayError> {
    let begun = Instant::now();
    let mut handoff = options.sidecar.then(|| Handoff::start(tokio::io::stdin()));
    let signals = Signals::new();
    let place = options.place.clone();
    place.check_marker().map_err(|error| GatewayError::Place(error.to_string()))?;
    let (settings, notes) = configuration::load(&options)?;
    directories::private(place.state_dir())?;
    bulkhead_killpoint::arm(place.state_dir());
    bulkhead_profile::files::remove_leftovers(place.state_dir());
    let _lock = take_lock(&options).await?;

    let redactor = Redactor::new();
    crate::credentials::teach_plain(&redactor, &settings);
    start_log(&options, &settings, &redactor)?;
    notes.log();
    place.write_marker().map_err(|error| GatewayError::Place(error.to_string()))?;

    let port = bind::base_port(&options, &settings.config)?;
    let wanted = bind::addresses(&options, &settings.config, port)?;
    let hosts: Vec<IpAddr> = wanted.addrs.iter().map(SocketAddr::ip).collect();
    let tls = tls::configuration(&settings.config.gateway.tls, &place, &options.environment, &hosts)?;
    let database = place.database_path();
    let opening = tokio::task::spawn_blocking(move || Store::open(database));
    let mut bound = bind::bind(&options, wanted).await?;
    if let Some(tls) = tls {
        bound = bound.with_tls(tls);
    }
    let secrets = match &mut handoff {
        Some(handoff) => handoff.first().await?,
        None => from_here(&options, &settings).await?,
    };
    let First::Secrets(secrets, waiting) = secrets else { return Ok(Ended::Drained) };
    let store = opening
        .await
        .map_err(|_| GatewayError::Store("opening the database was interrupted".to_owned()))?
        .map_err(|error| GatewayError::Store(error.to_string()))?;

    let limits = Limits { drain: DRAIN, ..Limits::default() };
    let hub = EventHub::new(&limits);
    let info = ServerInfo::new(VERSION);
    let gateway = compose(
        &options,
        Parts {
            begun,
            port: bound.port(),
            settings,
            secrets,
            waiting,
            store,
            hub: hub.clone(),
            info: &info,
            redactor,
        },
    );
    let interrupted = gateway.note_interrupted().await?;
    gateway.end_old_approvals().await;
    gateway.end_old_questions().await;
    gateway.fail_old_tasks().await;
    gateway.recover_schedule().await;
    let record = write_record(&gateway);

    let addresses = bound.addrs().to_vec();
    let doors = CancellationToken::new();
    // Everything is loaded by now, so whoever knocked since the port was bound is let in: nobody is told to come again.
    gateway.tell_readiness();
    gateway.lifecycle.set_started();
    let serving = serve(bound, &gateway, hub, limits, info, doors.clone());
    // Whoever is told that we are ready may look for the record at once.
    let _ = record.await;
    ready::tell(&gateway, options.sidecar || options.json, &addresses);
    gateway.rested();
    tracing::info!(
        port = gateway.port, profile = %place.name(), version = VERSION,
        ready_ms = begun.elapsed().as_millis(), interrupted, "ready"
    );

    let ended = steady::run(&gateway, &options, steady::Outside { handoff, signals }, doors, serving).await;
    RunRecord::remove_own(&place.run_record_path());
    tracing::info!(?ended, "stopped");
    Ok(ended)
}

/// The lock, after `--force` ended our own gateway of this profile.
async fn take_lock(options: &RunOptions) -> Result<lock::StateLock, GatewayError> {
    let place = &options.place;
    let take = || lock::take(&place.lock_path(), place.state_dir(), place.name().as_str());
    match take() {
        Err(GatewayError::Locked { .. }) if options.force => {}
        other => return other,
    }
    // Only a process whose pid, start time, boot and executable are those of the record is ours. One that has just begun
    // may not have written its record yet.
    let mut found = None;
    for _ in 0..RECORD_TRIES {
        found = RunRecord::read_running(&place.run_record_path());
        if found.is_some() {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    let Some(record) = found else { return take() };
    let _ = tokio::task::spawn_blocking(move || record.identity.terminate(TAKE_OVER)).await;
    for _ in 0..LOCK_TRIES {
        match take() {
            Err(GatewayError::Locked { .. }) => tokio::time::sleep(PAUSE).await,
            other => return other,
        }
    }
    take()
}

fn start_log(
    options: &RunOptions,
    settings: &crate::settings::Settings,
    redactor: &Redactor,
) -> Result<(), GatewayError> {
    let configured = settings.config.logging.level.map(bulkhead_config::LogLevel::as_filter);
    let asked = options.environment.either("LOG_LEVEL").map(|(_, level)| level.to_owned());
    let level = if options.verbose { "debug" } else { asked.as_deref().or(configured).unwrap_or("info") };
    let loudness = Loudness { level, foreground: !options.sidecar };
    logs::start(&options.place.log_path(), loudness, redactor)
}

/// Secrets of a gateway in a terminal. Without a configuration no keychain is opened.
async fn from_here(
    options: &RunOptions,
    settings: &crate::settings::Settings,
) -> Result<First, GatewayError> {
    if settings.unconfigured {
        return Ok(First::Secrets(bulkhead_secrets::SecretBundle::new(), None));
    }
    let has_token = options.shared_token().is_some();
    match foreground::secrets(&options.place, &options.environment, &settings.config, has_token).await? {
        foreground::Found::Secrets(secrets) => Ok(First::Secrets(secrets, None)),
        foreground::Found::Locked(secrets, why) => {
            tracing::warn!("{why}");
            Ok(First::Secrets(secrets, Some(why)))
        }
    }
}

/// Who runs here, for `--force`, for messages about taken ports and for the supervisor.
fn write_record(gateway: &Arc<Gateway>) -> tokio::task::JoinHandle<()> {
    let place = gateway.place.clone();
    let base_port = gateway.port;
    tokio::task::spawn_blocking(move || {
        let written = ProcessIdentity::of_self().and_then(|identity| {
            let record = RunRecord {
                identity,
                profile: place.name().as_str().to_owned(),
                base_port,
                state_dir: place.state_dir().to_owned(),
                version: VERSION.to_owned(),
            };
            record.write(&place.run_record_path())
        });
        if let Err(error) = written {
            tracing::warn!(%error, "the run record could not be written; --force will not work on this gateway");
        }
    })
}

fn serve(
    bound: Bound,
    gateway: &Arc<Gateway>,
    hub: EventHub,
    limits: Limits,
    server_info: ServerInfo,
    doors: CancellationToken,
) -> tokio::task::JoinHandle<()> {
    let settings = gateway.settings.now();
    let parts = ServerParts {
        handler: Handler::new(Arc::clone(gateway)),
        authenticator: gateway.access.clone(),
        hub,
        http_routes: http::routes(Arc::clone(gateway)),
        open_routes: http::open_routes(Arc::clone(gateway)),
        static_ui: ui::source(&settings.config.gateway.control_ui, &settings.environment),
        ui_base_path: settings.config.gateway.control_ui.base_path.clone().unwrap_or_default(),
        limits,
        server_info,
    };
    tokio::spawn(bound.serve(parts, doors))
}

impl Notes {
    fn log(self) {
        for note in self.warnings {
            tracing::warn!("configuration: {note}");
        }
        if let Some(problem) = self.problem {
            tracing::error!("the last good configuration is in use: {problem}");
        }
    }
}
