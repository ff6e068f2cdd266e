//! One profile as doctor sees it: read once, looked at by every check.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_config::{Config, ConfigError, ConfigOrigin, ConfigStore, Loaded};
use bulkhead_process::RunRecord;
use bulkhead_profile::{Place, Register, RegisterEntry, preferred_base};
use bulkhead_secrets::{Resolved, SecretError, Sources, references, resolve};
use tokio::sync::OnceCell;

use super::DoctorOptions;
use crate::plan::SecretsPlan;
use crate::world::World;

/// How long every secret together may take.
const SECRETS_LIMIT: Duration = Duration::from_secs(8);

/// A profile that is looked at.
pub(crate) struct Patient {
    pub(crate) world: World,
    pub(crate) place: Place,
    pub(crate) options: DoctorOptions,
    /// The configuration in use: the file, or the last good version.
    pub(crate) config: Config,
    /// The file as it is.
    pub(crate) current: Result<Loaded, ConfigError>,
    /// Whether the last good version stands in for a file that is broken or gone.
    pub(crate) has_last_good: bool,
    /// The gateway that runs now.
    pub(crate) record: Option<RunRecord>,
    /// The claim in the register.
    pub(crate) entry: Option<RegisterEntry>,
    secrets: OnceCell<Arc<Resolved>>,
}

impl Patient {
    /// Reads what every check needs. Blocks on the disk.
    pub(crate) fn read(world: &World, place: &Place, options: DoctorOptions) -> Self {
        let store = ConfigStore::new(place);
        let in_use = store.load();
        let has_last_good =
            in_use.as_ref().is_ok_and(|loaded| matches!(loaded.source, ConfigOrigin::LastGood { .. }));
        Self {
            world: world.clone(),
            place: place.clone(),
            options,
            config: in_use.map(|loaded| loaded.config).unwrap_or_default(),
            has_last_good,
            current: store.load_current(),
            record: RunRecord::read_running(&place.run_record_path()),
            entry: Register::open(&world.env).find(place).ok().flatten(),
            secrets: OnceCell::new(),
        }
    }

    /// The profile's name.
    pub(crate) fn name(&self) -> &str {
        self.place.name().as_str()
    }

    /// `bulkhead`, with the profile where it is not main: how commands in next steps begin.
    pub(crate) fn command(&self) -> String {
        if self.place.name().is_main() {
            "bulkhead".to_owned()
        } else {
            format!("bulkhead --profile {}", self.place.name())
        }
    }

    /// Whether the profile is there at all.
    pub(crate) fn exists(&self) -> bool {
        self.place.config_path().exists() || self.place.marker_path().exists()
    }

    /// The base port that it runs on, else the one that it would take.
    pub(crate) fn base_port(&self) -> u16 {
        let running = self.record.as_ref().map(|record| record.base_port);
        let claimed = self.entry.as_ref().map(|entry| entry.base_port);
        running.or(self.config.gateway.port).or(claimed).unwrap_or_else(|| preferred_base(self.place.name()))
    }

    /// Where its references lead.
    pub(crate) fn sources(&self) -> Sources {
        let store = |plan| self.world.store(&self.place, plan);
        Sources::new(store(SecretsPlan::Keychain), store(SecretsPlan::File), store(SecretsPlan::Env))
            .with_providers(&self.config)
    }

    /// Every secret that its gateway needs; asked for once, whoever asks first. A place of secrets that hangs is given
    /// up after a while, with [`SecretError::Timeout`] for each of them.
    pub(crate) async fn secrets(&self) -> Arc<Resolved> {
        let ask = || async {
            let wanted = references(&self.config);
            let sources = self.sources();
            let resolved = match tokio::time::timeout(SECRETS_LIMIT, resolve(wanted.clone(), &sources)).await
            {
                Ok(resolved) => resolved,
                Err(_) => Resolved {
                    missing: wanted
                        .into_iter()
                        .map(|reference| {
                            let late = SecretError::Timeout {
                                keychain: "The place of secrets",
                                limit: SECRETS_LIMIT,
                            };
                            (reference, late)
                        })
                        .collect(),
                    ..Resolved::default()
                },
            };
            Arc::new(resolved)
        };
        Arc::clone(self.secrets.get_or_init(ask).await)
    }
}
