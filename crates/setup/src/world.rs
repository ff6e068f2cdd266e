//! What this crate sees of the machine, in one place, so that tests can give it another one.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_config::SecretSource;
use bulkhead_process::{Holder, RunRecord, port};
use bulkhead_profile::{Environment, Place, Surroundings, known_profiles};
use bulkhead_secrets::{EnvStore, FileStore, KeychainStore, SecretStore};

use crate::live::{Internet, Live};
use crate::plan::SecretsPlan;

/// Somebody sits in front of it and may have to answer a dialog.
const PATIENCE: Duration = Duration::from_mins(1);

type FindHolder = Arc<dyn Fn(u16, &[RunRecord]) -> Option<Holder> + Send + Sync>;
type OpenKeychain = Arc<dyn Fn(&str) -> Arc<dyn SecretStore> + Send + Sync>;

/// The machine.
#[derive(Clone)]
pub struct World {
    /// Home and variables.
    pub env: Environment,
    live: Arc<dyn Live>,
    keychain: OpenKeychain,
    listening: Arc<dyn Fn() -> BTreeSet<u16> + Send + Sync>,
    holder: FindHolder,
}

impl World {
    /// The machine that this runs on.
    pub fn of_this_machine(env: Environment) -> Self {
        Self {
            env,
            live: Arc::new(Internet),
            keychain: Arc::new(|service| Arc::new(KeychainStore::new(service).with_limit(PATIENCE))),
            listening: Arc::new(port::listening),
            holder: Arc::new(port::holder_among),
        }
    }

    /// With other answers from outside.
    #[must_use]
    pub fn with_live(mut self, live: Arc<dyn Live>) -> Self {
        self.live = live;
        self
    }

    /// With another keychain; `open` is given the namespace.
    #[must_use]
    pub fn with_keychain(
        mut self,
        open: impl Fn(&str) -> Arc<dyn SecretStore> + Send + Sync + 'static,
    ) -> Self {
        self.keychain = Arc::new(open);
        self
    }

    /// With other listening ports.
    #[must_use]
    pub fn with_ports(
        mut self,
        listening: impl Fn() -> BTreeSet<u16> + Send + Sync + 'static,
        holder: impl Fn(u16, &[RunRecord]) -> Option<Holder> + Send + Sync + 'static,
    ) -> Self {
        self.listening = Arc::new(listening);
        self.holder = Arc::new(holder);
        self
    }

    pub(crate) fn live(&self) -> &dyn Live {
        &*self.live
    }

    pub(crate) fn listening(&self) -> BTreeSet<u16> {
        (self.listening)()
    }

    /// Who holds a port; gateways of ours are recognised by their run records.
    pub(crate) fn holder(&self, port: u16) -> Option<Holder> {
        let records: Vec<RunRecord> = known_profiles(&self.env)
            .iter()
            .filter_map(|known| RunRecord::read_running(&known.place.run_record_path()))
            .collect();
        (self.holder)(port, &records)
    }

    pub(crate) fn surroundings(&self) -> Surroundings {
        Surroundings::look(&self.env, self.listening(), port::avoid_ranges())
    }

    pub(crate) fn keychain(&self, service: &str) -> Arc<dyn SecretStore> {
        (self.keychain)(service)
    }

    /// The store of a profile.
    pub(crate) fn store(&self, place: &Place, plan: SecretsPlan) -> Arc<dyn SecretStore> {
        match plan {
            SecretsPlan::Keychain => self.keychain(&place.keychain_service()),
            SecretsPlan::File => Arc::new(FileStore::new(place.secrets_file())),
            SecretsPlan::Env => Arc::new(EnvStore::new(self.env.vars.clone())),
        }
    }

    /// The store that a reference of a profile leads to; none for commands.
    pub(crate) fn store_of_source(
        &self,
        place: &Place,
        source: SecretSource,
    ) -> Option<Arc<dyn SecretStore>> {
        let plan = match source {
            SecretSource::Keychain => SecretsPlan::Keychain,
            SecretSource::File => SecretsPlan::File,
            SecretSource::Env => SecretsPlan::Env,
            SecretSource::Exec => return None,
        };
        Some(self.store(place, plan))
    }
}

impl SecretsPlan {
    /// The source that references carry.
    pub fn source(self) -> SecretSource {
        match self {
            Self::Keychain => SecretSource::Keychain,
            Self::File => SecretSource::File,
            Self::Env => SecretSource::Env,
        }
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("env", &self.env).finish_non_exhaustive()
    }
}
