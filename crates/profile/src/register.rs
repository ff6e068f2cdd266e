//! The register of profiles: names, places, claimed intervals, owners. It lives outside every profile and is changed
//! under one lock, so that two creations at the same time cannot claim one interval.

mod entry;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Map;

use crate::audit::{self, Severity};
use crate::discover::known_beside;
use crate::environment::Environment;
use crate::error::RegisterError;
use crate::facts::ProfileFacts;
use crate::files;
use crate::openclaw;
use crate::place::Place;
use crate::ports::Ports;
use crate::spacing::{self, Claim, ForeignClaim};

use entry::Content;
pub use entry::{ClaimRequest, Claimed, Owner, RegisterEntry, Surroundings};

const LIMIT: u64 = 4 * 1024 * 1024;
const LOCK_WAIT: Duration = Duration::from_secs(15);

/// The register of this machine's user.
#[derive(Debug, Clone)]
pub struct Register {
    path: PathBuf,
    env: Environment,
    lock_wait: Duration,
}

impl Register {
    /// The register under `<config home>/bulkhead/profiles.json`. Nothing is read or made yet.
    pub fn open(env: &Environment) -> Self {
        Self { path: env.shared_dir().join("profiles.json"), env: env.clone(), lock_wait: LOCK_WAIT }
    }

    /// The same with another patience for the lock.
    #[must_use]
    pub fn with_lock_wait(mut self, wait: Duration) -> Self {
        self.lock_wait = wait;
        self
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The entries as they are now, without a lock (the file is always whole).
    pub fn read(&self) -> Result<Vec<RegisterEntry>, RegisterError> {
        match files::read_limited(&self.path, LIMIT) {
            Ok(bytes) => Ok(Content::parse(&bytes).unwrap_or_default().entries),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(source) => Err(self.io("read", source)),
        }
    }

    /// Runs `change` alone on this machine and writes the entries if it changed them. If it fails, nothing is written.
    pub fn with_lock<T, E: From<RegisterError>>(
        &self,
        change: impl FnOnce(&mut Vec<RegisterEntry>) -> Result<T, E>,
    ) -> Result<T, E> {
        let _lock = self.lock()?;
        let mut content = self.load()?;
        let before = content.entries.clone();
        let outcome = change(&mut content.entries)?;
        if content.entries != before {
            files::atomic_write(&self.path, &content.to_bytes(), 0o600).map_err(|e| self.io("write", e))?;
        }
        Ok(outcome)
    }

    fn io(&self, action: &'static str, source: std::io::Error) -> RegisterError {
        RegisterError::Io { action, path: self.path.clone(), source }
    }

    fn lock(&self) -> Result<File, RegisterError> {
        let path = self.path.with_extension("lock");
        files::create_private_dir(&self.env.shared_dir()).map_err(|e| self.io("make the directory of", e))?;
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|e| self.io("open the lock of", e))?;
        let began = Instant::now();
        let mut pause = Duration::from_millis(2);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if began.elapsed() < self.lock_wait => {
                    std::thread::sleep(pause);
                }
                Err(TryLockError::WouldBlock) => {
                    let waited_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
                    return Err(RegisterError::Busy { path, waited_ms });
                }
                Err(TryLockError::Error(error)) => return Err(self.io("lock", error)),
            }
            pause = (pause * 2).min(Duration::from_millis(25));
        }
    }

    /// A register that cannot be read is put aside, never thrown away; profiles in the places of the rule are found
    /// by their directories all the same.
    fn load(&self) -> Result<Content, RegisterError> {
        let bytes = match files::read_limited(&self.path, LIMIT) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Content::default()),
            Err(source) => return Err(self.io("read", source)),
        };
        if let Some(content) = Content::parse(&bytes) {
            return Ok(content);
        }
        let aside = self.path.with_extension(format!("broken-{}.json", now_ms()));
        std::fs::rename(&self.path, &aside).map_err(|e| self.io("put aside", e))?;
        tracing::warn!(path = %self.path.display(), kept = %aside.display(), "the register of profiles could not be read and was put aside; a new one is made from the profiles found");
        Ok(Content::default())
    }

    /// Enters a profile or changes its claim. Refuses what would not be isolated, naming both profiles and the port.
    pub fn claim(&self, request: &ClaimRequest<'_>, around: &Surroundings) -> Result<Claimed, RegisterError> {
        self.with_lock(|entries| self.claim_in(entries, request, around))
    }

    fn claim_in(
        &self,
        entries: &mut Vec<RegisterEntry>,
        request: &ClaimRequest<'_>,
        around: &Surroundings,
    ) -> Result<Claimed, RegisterError> {
        let place = request.place;
        let own_dir = files::canonical(place.state_dir());
        let mine = entries.iter().position(|entry| files::canonical(&entry.state_dir) == own_dir);
        let neighbours: Vec<_> = known_beside(entries, &self.env)
            .into_iter()
            .filter(|known| files::canonical(known.place.state_dir()) != own_dir)
            .collect();
        let mut warnings = Vec::new();
        let base_port = match (request.base_port, mine) {
            (Some(base), _) => {
                Ports::new(base)?;
                let me = ProfileFacts::of_place(place, Some(base));
                let mut installs = openclaw::detect(&self.env);
                installs.retain(|install| !around.taken_over.contains(&install.state_dir));
                let others = neighbours
                    .iter()
                    .flat_map(|known| {
                        let bases = [known.base_port, known.claimed.filter(|c| Some(*c) != known.base_port)];
                        bases
                            .into_iter()
                            .flatten()
                            .map(|base| ProfileFacts::of_place(&known.place, Some(base)))
                    })
                    .chain(installs.iter().map(|o| ProfileFacts::of_openclaw(o, &self.env)));
                let findings: Vec<_> =
                    others.filter_map(|other| audit::spacing_between(&me, &other)).collect();
                let (errors, rest): (Vec<_>, Vec<_>) =
                    findings.into_iter().partition(|finding| finding.severity == Severity::Error);
                if !errors.is_empty() {
                    return Err(RegisterError::Refused(errors));
                }
                warnings = rest;
                base
            }
            (None, Some(mine)) => entries[mine].base_port,
            (None, None) => {
                let claims: Vec<_> = neighbours
                    .iter()
                    .flat_map(|known| {
                        let profile = known.place.label();
                        let bases = [known.base_port, known.claimed];
                        bases.into_iter().flatten().map(move |base| Claim { profile: profile.clone(), base })
                    })
                    .collect();
                let explicit =
                    neighbours.iter().filter_map(|known| known.glimpse.as_ref()).flat_map(|glimpse| {
                        glimpse.control_port.into_iter().chain(glimpse.cdp_ports.values().copied())
                    });
                let mut foreign = around.foreign.clone();
                foreign.extend(
                    explicit.map(|port| ForeignClaim { label: "another profile".into(), ports: port..=port }),
                );
                let preferred = spacing::preferred_base(place.name());
                spacing::next_free(preferred, &claims, &foreign, &around.listening, &around.avoid)?
            }
        };
        let created = mine.is_none();
        let index = mine.unwrap_or_else(|| {
            entries.push(RegisterEntry {
                name: place.name().clone(),
                state_dir: place.state_dir().to_owned(),
                config_path: place.config_path().to_owned(),
                base_port,
                owner: Owner::default(),
                created_at: now_ms(),
                bot_ids: Vec::new(),
                other: Map::new(),
            });
            entries.len() - 1
        });
        let entry = &mut entries[index];
        entry.base_port = base_port;
        entry.owner = request.owner.unwrap_or(entry.owner);
        entry.name = place.name().clone();
        place.config_path().clone_into(&mut entry.config_path);
        Ok(Claimed { entry: entry.clone(), warnings, created })
    }

    /// The entry of a place.
    pub fn find(&self, place: &Place) -> Result<Option<RegisterEntry>, RegisterError> {
        let own = files::canonical(place.state_dir());
        Ok(self.read()?.into_iter().find(|entry| files::canonical(&entry.state_dir) == own))
    }

    /// Changes one entry; `false` if there is none.
    pub fn update(
        &self,
        place: &Place,
        change: impl FnOnce(&mut RegisterEntry),
    ) -> Result<bool, RegisterError> {
        let own = files::canonical(place.state_dir());
        self.with_lock(|entries| {
            let entry = entries.iter_mut().find(|entry| files::canonical(&entry.state_dir) == own);
            Ok(entry.map(change).is_some())
        })
    }

    /// Records the public ids of a profile's bots.
    pub fn record_bots(&self, place: &Place, ids: &[u64]) -> Result<bool, RegisterError> {
        self.update(place, |entry| entry.bot_ids = ids.to_vec())
    }

    /// Gives a profile's claim back; `false` if there was none.
    pub fn release(&self, place: &Place) -> Result<bool, RegisterError> {
        let own = files::canonical(place.state_dir());
        self.with_lock(|entries| {
            let before = entries.len();
            entries.retain(|entry| files::canonical(&entry.state_dir) != own);
            Ok(entries.len() < before)
        })
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
