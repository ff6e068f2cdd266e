//! `bulkhead rescue …`: asks the gateway that watches; while it does not run, does what can be done without it.

mod asked;
mod drill;
mod local;
pub mod operators;
mod status;

use std::io::IsTerminal as _;

use bulkhead_config::{Config, ConfigStore, WatchedKind};
use bulkhead_process::RunRecord;
use bulkhead_profile::{Place, ProfileName, known_profiles};

use crate::context::Context;
use crate::error::Failure;
use crate::grammar::rescue::{RescueArgs, RescueCommand};

pub fn run(args: RescueArgs, context: &Context) -> Result<u8, Failure> {
    let watch = Watch::find(context)?;
    match args.command {
        RescueCommand::Status => status::run(&watch),
        RescueCommand::Incidents { limit } => status::incidents(&watch, limit),
        RescueCommand::Restart => watch.remedy("restart", None, false),
        RescueCommand::Rollback { version, yes } => watch.remedy("rollback", version.as_deref(), yes),
        RescueCommand::Logs => watch.remedy("logs", None, false),
        RescueCommand::Doctor => watch.remedy("doctor", None, false),
        RescueCommand::SafeMode => watch.remedy("safe-mode", None, false),
        RescueCommand::Drill { how, yes } => drill::run(&watch, how, yes),
        RescueCommand::Operators { command } => {
            // Whoever names no profile means everybody who could have to be told: main and rescue watch each other.
            let others = if watch.implied { watching_beside(&watch) } else { Vec::new() };
            operators::run(command, &watch.context, &others)
        }
    }
}

/// The other profiles here that watch a gateway.
fn watching_beside(watch: &Watch) -> Vec<Place> {
    let others = known_profiles(&watch.context.env).into_iter().map(|known| known.place);
    others
        .filter(|place| place.state_dir() != watch.place.state_dir())
        .filter(|place| {
            let config = ConfigStore::new(place).load().map(|loaded| loaded.config).unwrap_or_default();
            config.rescue.is_watching()
        })
        .collect()
}

/// The gateway that watches, and the one that it watches.
pub struct Watch {
    /// Nobody named its profile.
    implied: bool,
    /// Of the one that watches.
    pub context: Context,
    pub place: Place,
    pub config: Config,
}

impl Watch {
    /// Without `--profile` the profile `rescue`, where there is one.
    fn find(context: &Context) -> Result<Self, Failure> {
        let mut context = context.clone();
        let led = context.global.state_dir.is_some() || context.global.config_path.is_some();
        let implied = context.global.explicit().is_none() && !led;
        if implied {
            let rescue = ProfileName::rescue();
            if known_profiles(&context.env).iter().any(|known| *known.place.name() == rescue) {
                context.global.profile = Some(rescue);
            }
        }
        let place = context.place()?;
        let config = ConfigStore::new(&place).load().map(|loaded| loaded.config).unwrap_or_default();
        Ok(Self { implied, context, place, config })
    }

    /// Whether the gateway that watches runs.
    fn is_running(&self) -> bool {
        RunRecord::read_running(&self.place.run_record_path()).is_some()
    }

    /// The profile that is watched, if it is one of ours; an error says why not.
    fn watched(&self) -> Result<Place, Failure> {
        let rescue = &self.config.rescue;
        let name = self.place.name();
        if !rescue.is_watching() {
            return Err(Failure::failed(
                "rescue.nothing-watched",
                format!(
                    "profile {name} watches no gateway: found no rescue.watch in {}, expected the name of a profile; set it with \
                     `bulkhead --profile {name} config set rescue.watch main`",
                    self.place.config_path().display()
                ),
            ));
        }
        let main = rescue.main.clone().unwrap_or_default();
        if main.kind != WatchedKind::Bundled {
            return Err(Failure::failed(
                "rescue.not-running",
                format!(
                    "what profile {name} watches is none of ours, so only its gateway can ask for it, and that does not run; start \
                     it with `bulkhead --profile {name} gateway start`"
                ),
            ));
        }
        let watched = main.profile.as_deref().or(rescue.watch.as_deref()).unwrap_or("main");
        let watched = ProfileName::parse(watched)?;
        let known = known_profiles(&self.context.env).into_iter().map(|known| known.place);
        let place = known.into_iter().find(|place| *place.name() == watched);
        Ok(place.unwrap_or_else(|| Place::by_rule(&watched, &self.context.env)))
    }

    fn remedy(&self, remedy: &'static str, version: Option<&str>, yes: bool) -> Result<u8, Failure> {
        if self.is_running() {
            return asked::remedy(self, remedy, version, yes);
        }
        let watched = self.watched()?;
        local::remedy(self, &watched, remedy, version, yes)
    }

    /// Asks the person; without one to ask, `--yes` is needed.
    fn confirm(&self, question: &str, yes: bool) -> Result<(), Failure> {
        if yes {
            return Ok(());
        }
        if self.context.out.is_json() || !std::io::stdin().is_terminal() {
            return Err(Failure::usage(format!(
                "{question} Found no --yes and nobody to ask, expected one of the two; add --yes"
            )));
        }
        match cliclack::confirm(question).initial_value(false).interact() {
            Ok(true) => Ok(()),
            _ => Err(Failure::failed("rescue.not-confirmed", "nothing was done")),
        }
    }
}
