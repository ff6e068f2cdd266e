//! What this crate sees of the machine, in one place, so that tests can give it another one.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bulkhead_browser::{BrowserError, System, find_executable, is_program};
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
type AskPath<T> = Arc<dyn Fn(&Path) -> T + Send + Sync>;

/// The machine.
#[derive(Clone)]
pub struct World {
    /// Home and variables.
    pub env: Environment,
    live: Arc<dyn Live>,
    keychain: OpenKeychain,
    listening: Arc<dyn Fn() -> BTreeSet<u16> + Send + Sync>,
    holder: FindHolder,
    is_program: AskPath<bool>,
    space: AskPath<Option<Space>>,
    now: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

/// What is left on the disk that a path lies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes that this user may still write.
    pub free: u64,
    /// Bytes in all.
    pub total: u64,
    /// Files that may still be made; none where the file system does not count them.
    pub files_free: Option<u64>,
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
            is_program: Arc::new(is_program),
            space: Arc::new(space_at),
            now: Arc::new(SystemTime::now),
        }
    }

    /// With other programs on the disk.
    #[must_use]
    pub fn with_programs(mut self, is_program: impl Fn(&Path) -> bool + Send + Sync + 'static) -> Self {
        self.is_program = Arc::new(is_program);
        self
    }

    /// With another disk.
    #[must_use]
    pub fn with_space(mut self, space: impl Fn(&Path) -> Option<Space> + Send + Sync + 'static) -> Self {
        self.space = Arc::new(space);
        self
    }

    /// With another clock.
    #[must_use]
    pub fn with_clock(mut self, now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.now = Arc::new(now);
        self
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

    /// Who is asked about models and bots.
    pub fn live(&self) -> &dyn Live {
        &*self.live
    }

    /// The browser that a seat would start.
    pub(crate) fn browser(&self, configured: Option<&Path>) -> Result<PathBuf, BrowserError> {
        find_executable(configured, System::current(), &self.env, |path| (self.is_program)(path))
    }

    pub(crate) fn space(&self, path: &Path) -> Option<Space> {
        (self.space)(path)
    }

    pub(crate) fn now(&self) -> SystemTime {
        (self.now)()
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

/// The nearest existing directory above is asked: what is not there yet will lie on its disk.
#[cfg(unix)]
fn space_at(path: &Path) -> Option<Space> {
    let there = path.ancestors().find(|path| path.exists())?;
    let stat = rustix::fs::statvfs(there).ok()?;
    Some(Space {
        free: stat.f_bavail.saturating_mul(stat.f_frsize),
        total: stat.f_blocks.saturating_mul(stat.f_frsize),
        files_free: (stat.f_files > 0).then_some(stat.f_favail),
    })
}

#[cfg(not(unix))]
fn space_at(_: &Path) -> Option<Space> {
    None
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
