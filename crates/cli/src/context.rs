//! What every command starts from: the surroundings, the profile, and where results go.

use bulkhead_config::{ConfigStore, Loaded};
use bulkhead_process::RunRecord;
use bulkhead_profile::{BasePort, Environment, Place, PlaceFlags, PortSource, Register, preferred_base};

use crate::error::Failure;
use crate::grammar::Global;
use crate::output::Output;

/// The surroundings of one command.
#[derive(Debug, Clone)]
pub struct Context {
    pub env: Environment,
    pub global: Global,
    pub out: Output,
}

impl Context {
    pub fn new(global: Global) -> Self {
        let out = Output::new(global.json, global.no_color);
        Self { env: Environment::from_process(), global, out }
    }

    /// The place of the profile that was asked for.
    pub fn place(&self) -> Result<Place, Failure> {
        let flags = PlaceFlags {
            state_dir: self.global.state_dir.clone(),
            config_path: self.global.config_path.clone(),
        };
        Ok(Place::resolve_with(self.global.explicit().as_ref(), &flags, &self.env)?)
    }

    /// The place, when something is going to be written there.
    pub fn place_for_writing(&self) -> Result<Place, Failure> {
        let place = self.place()?;
        place.check_marker()?;
        Ok(place)
    }

    /// Runs something that waits for the network.
    #[allow(clippy::unused_self, reason = "reads as what it is: the one runtime of this command")]
    pub fn block_on<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(4)
            .build()
            .map_err(|error| {
                Failure::failed(
                    "runtime",
                    format!("threads cannot be started: {error}; free some memory and try again"),
                )
            })?;
        let outcome = runtime.block_on(work);
        // A thread that waits for a keychain dialog must not hold up the end.
        runtime.shutdown_background();
        outcome
    }
}

/// The configuration as it is in use.
pub fn config(place: &Place) -> Result<Loaded, Failure> {
    Ok(ConfigStore::new(place).load()?)
}

/// Where a base port came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// The gateway runs on it.
    Running,
    /// The gateway would take it.
    Planned(PortSource),
}

impl Base {
    /// For people.
    pub fn describe(&self) -> &str {
        match self {
            Self::Running => "the running gateway",
            Self::Planned(source) => source.describe(),
        }
    }
}

/// The base port of a profile that runs, else the one that it would take.
pub fn base_port(place: &Place, env: &Environment) -> Result<(u16, Base), Failure> {
    if let Some(record) = RunRecord::read_running(&place.run_record_path()) {
        return Ok((record.base_port, Base::Running));
    }
    // A broken configuration must not keep a command from looking at the gateway.
    let configured = ConfigStore::new(place).load().ok().and_then(|loaded| loaded.config.gateway.port);
    let claimed = Register::open(env).find(place).ok().flatten().map(|entry| entry.base_port);
    let rule = claimed.unwrap_or_else(|| preferred_base(place.name()));
    let (port, source) = BasePort::choose(None, env, configured, rule)?;
    Ok((port, Base::Planned(source)))
}
