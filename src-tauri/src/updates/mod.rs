//! Updates: how this app gets them, and in which order its gateways take a new program up. What follows from what is
//! [`policy`]; here it is done.

mod database;
mod kept;
pub mod policy;
mod source;

use crate::cards::{CardState, Problem, ProfileCard};
use crate::failure::{Answer, Failure};
use crate::fleet::Fleet;
use crate::windows;
use bulkhead_profile::{MAIN, RESCUE, files};
use kept::Kept;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use policy::{Choice, Health, Record, Stage, Trial, Verdict};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tauri::{AppHandle, Manager};
use tokio::sync::{Notify, watch};

pub use source::{How, Offer};

/// A package manager writes for a while: the program is looked at when it has been quiet for this long.
const SETTLED: Duration = Duration::from_secs(2);
/// Largest record.
const RECORD_LIMIT: u64 = 64 * 1024;

/// What the settings page shows.
#[derive(Debug, Clone, Serialize, specta::Type)]
#[serde(rename_all = "camelCase")]
pub struct UpdateState {
    /// How this installation is updated.
    pub how: How,
    /// `settled`, `trying` (main runs the new program, rescue the previous one) or `back` (all run the previous one).
    pub stage: &'static str,
    /// Version of the program beside the app.
    pub version: Option<String>,
    /// Version of the previous one, while anything runs it.
    pub previous: Option<String>,
    /// Since when it is so, in milliseconds since 1970.
    pub since: Option<u64>,
    /// Why the new one was left.
    pub why: Option<String>,
    /// Whether the app's own program was replaced since it started.
    pub restart: bool,
    /// A newer version that the last look found.
    pub offer: Option<Offer>,
}

/// What is kept in `update.json`.
#[derive(Debug, Default, Serialize, Deserialize)]
struct File {
    #[serde(flatten)]
    record: Record,
    /// Size and time of the program when it was looked at, so that a start of the app need not read all of it.
    stamp: Option<(u64, u64)>,
}

/// Handle to the updates of this app; clones share them.
#[derive(Clone)]
pub struct Updates {
    inner: Arc<Inner>,
}

struct Inner {
    app: AppHandle,
    /// Whether gateways take programs up in order: in installations, not while the program is being worked on.
    ordered: bool,
    /// The program beside the app.
    beside: PathBuf,
    /// The app's own, and its stamp at the start.
    own: Option<(PathBuf, Option<(u64, u64)>)>,
    file: PathBuf,
    kept: Kept,
    record: watch::Sender<Record>,
    found: Mutex<source::Found>,
}

impl Updates {
    /// Reads where the last change was left.
    pub fn new(app: &AppHandle) -> Self {
        let own = std::env::current_exe().ok();
        let folder = own.as_deref().and_then(Path::parent).unwrap_or(Path::new(".")).to_path_buf();
        let data = app.path().app_local_data_dir().unwrap_or_else(|_| folder.clone());
        let file = data.join("update.json");
        let read = files::read_limited(&file, RECORD_LIMIT).unwrap_or_default();
        let read: File = serde_json::from_slice(&read).unwrap_or_default();
        Self {
            inner: Arc::new(Inner {
                app: app.clone(),
                ordered: source::is_installed(),
                beside: folder.join(format!("bulkhead{}", std::env::consts::EXE_SUFFIX)),
                own: own.map(|own| {
                    let stamp = stamp(&own);
                    (own, stamp)
                }),
                kept: Kept::new(&data),
                file,
                record: watch::channel(read.record).0,
                found: Mutex::default(),
            }),
        }
    }

    /// Which program the gateway of a profile is started with, where that is not the one beside the app.
    pub fn program_for(&self, profile: &str) -> Option<PathBuf> {
        let record = self.inner.record.borrow();
        match record.choice(profile == RESCUE) {
            Choice::Beside => None,
            Choice::Kept(program) => self.inner.kept.path(program),
        }
    }

    /// Looks whether the program beside the app is another one than before. Before any gateway is started.
    pub async fn begin(&self) {
        if self.inner.ordered {
            self.look().await;
        }
    }

    /// Follows the program and, while a new one is tried, main; as long as the app lives.
    pub async fn follow(self, fleet: Fleet) {
        if !self.inner.ordered {
            return;
        }
        let changed = Arc::new(Notify::new());
        let _watcher = watch_file(&self.inner.beside, &changed);
        let mut cards = fleet.cards_receiver();
        let mut records = self.inner.record.subscribe();
        let (clock, mut trial, mut tried) = (Instant::now(), Trial::default(), None);
        loop {
            let trying = match &records.borrow_and_update().stage {
                Stage::Trying { begun_ms, .. } => Some(*begun_ms),
                Stage::Settled | Stage::WentBack { .. } => None,
            };
            if trying != tried {
                (trial, tried) = (Trial::default(), trying);
            }
            let mut wait = None;
            if trying.is_some() {
                let health = health(&cards.borrow_and_update());
                match trial.look(&health, clock.elapsed()) {
                    Verdict::Wait(limit) => wait = Some(limit),
                    Verdict::Idle => {}
                    Verdict::Passed => self.pass(&fleet).await,
                    Verdict::Failed(why) => {
                        if let Err(failure) = self.go_back(&fleet, &why).await {
                            tracing::error!(code = failure.code, "{}", failure.message);
                        }
                    }
                }
            }
            tokio::select! {
                () = changed.notified() => {
                    tokio::time::sleep(SETTLED).await;
                    if self.look().await {
                        self.restart_on_new(&fleet).await;
                    }
                }
                outcome = cards.changed(), if trying.is_some() => if outcome.is_err() { return },
                outcome = records.changed() => if outcome.is_err() { return },
                () = tokio::time::sleep(wait.unwrap_or_default()), if wait.is_some() => {}
            }
        }
    }

    /// The state as it is now.
    pub fn state(&self) -> UpdateState {
        let record = self.inner.record.borrow().clone();
        let (stage, since, why) = match &record.stage {
            Stage::Settled => ("settled", None, None),
            Stage::Trying { begun_ms, .. } => ("trying", Some(*begun_ms), None),
            Stage::WentBack { at_ms, why, .. } => ("back", Some(*at_ms), Some(why.clone())),
        };
        UpdateState {
            how: source::how(&self.inner.app),
            stage,
            previous: record.needed().map(|program| program.version.clone()),
            version: record.beside.map(|program| program.version),
            since,
            why,
            restart: self.own_was_replaced(),
            offer: self.found().offer(),
        }
    }

    /// Asks whether there is a newer version; nothing is downloaded.
    pub async fn check(&self) -> Answer<UpdateState> {
        let found = source::look(&self.inner.app).await?;
        *self.found() = found;
        Ok(self.state())
    }

    /// Downloads the version that was found, lets the gateways finish, puts it in place and starts the app anew. Answers
    /// only when that did not work; then all runs as before.
    pub async fn install(&self, fleet: &Fleet) -> Answer<()> {
        let Some(update) = self.found().take() else {
            return Err(Failure::new(
                "no-update",
                "There is no newer version to install.",
                "Look for one first.",
            ));
        };
        let bytes = source::download(&update).await?;
        // The way back has to be there before the program is gone.
        self.keep_now().await;
        fleet.shutdown().await;
        let outcome = tauri::async_runtime::spawn_blocking(move || update.install(bytes)).await;
        match outcome {
            Ok(Ok(())) => tracing::info!("the update is in place; the app starts anew"),
            Ok(Err(error)) => {
                tracing::error!(%error, "the update could not be put in place; the app starts as it was");
            }
            Err(error) => {
                tracing::error!(%error, "the update could not be put in place; the app starts as it was");
            }
        }
        // Either way: the gateways were let go, and a fresh app looks at what is there.
        self.inner.app.restart()
    }

    /// Back to the previous program: main stops, its database of before is put back, and it starts on what it ran before.
    pub async fn go_back(&self, fleet: &Fleet, why: &str) -> Answer<()> {
        let Stage::Trying { begun_ms, .. } = self.inner.record.borrow().stage.clone() else {
            return Err(Failure::new(
                "no-way-back",
                "Every gateway runs the program beside the app; there is no previous one to go back to.",
                "Install an older version instead.",
            ));
        };
        tracing::warn!(why, "going back to the previous program");
        let mains = run_by_app(&fleet.cards());
        for name in &mains {
            fleet.stop(name).await?;
            let place = fleet.place(name)?;
            let put_back =
                tauri::async_runtime::spawn_blocking(move || database::put_back(&place, begun_ms)).await;
            match put_back {
                Ok(Ok(Some(aside))) => {
                    tracing::warn!(profile = name, newer = %aside.display(), "the database of before the update is back");
                }
                Ok(Ok(None)) => {}
                Ok(Err(error)) => {
                    return Err(Failure::new(
                        "database-not-put-back",
                        format!("The database of {name} could not be put back: {error}."),
                        "Its copy lies beside it; start the gateway again to go on with the new version.",
                    ));
                }
                Err(error) => {
                    return Err(Failure::new("database-not-put-back", error.to_string(), "Try it again."));
                }
            }
        }
        let record = self.inner.record.borrow().went_back(why, now_ms());
        self.set(record);
        for name in &mains {
            fleet.start(name).await?;
        }
        Ok(())
    }

    /// Looks at the program; `true` if a new one is to be tried from now on.
    async fn look(&self) -> bool {
        let now = stamp(&self.inner.beside);
        let known = files::read_limited(&self.inner.file, RECORD_LIMIT)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<File>(&bytes).ok())
            .and_then(|file| file.stamp);
        if now.is_none() || now == known {
            return false;
        }
        let beside = self.inner.beside.clone();
        let found = match tauri::async_runtime::spawn_blocking(move || kept::examine(&beside)).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the program beside the app cannot be looked at");
                return false;
            }
            Err(error) => {
                tracing::warn!(%error, "the program beside the app cannot be looked at");
                return false;
            }
        };
        let before = self.inner.record.borrow().clone();
        let after = before.looked(found, |program| self.inner.kept.path(program).is_some(), now_ms());
        let begins = after != before && matches!(after.stage, Stage::Trying { .. });
        if begins {
            tracing::info!(
                version = after.beside.as_ref().map(|program| program.version.as_str()),
                previous = after.needed().map(|program| program.version.as_str()),
                "a new program: main takes it up first, rescue stays on the previous one"
            );
        }
        self.set(after);
        self.keep_now().await;
        begins
    }

    /// Keeps a copy of the program beside the app: it is the previous one of the next update.
    async fn keep_now(&self) {
        let (kept, beside, record) =
            (self.inner.kept.clone(), self.inner.beside.clone(), self.inner.record.borrow().clone());
        let kept = tauri::async_runtime::spawn_blocking(move || match &record.beside {
            Some(program) => kept.keep(&beside, program, record.needed()),
            None => Ok(()),
        });
        if let Ok(Err(error)) = kept.await {
            tracing::warn!(%error, "no copy of this program is kept: after the next update there is no way back to it");
        }
    }

    /// Main was well for long enough: rescue takes the new program up too.
    async fn pass(&self, fleet: &Fleet) {
        tracing::info!("main was well on the new program for long enough: rescue takes it up too");
        let record = self.inner.record.borrow().passed();
        self.set(record);
        self.restart(fleet, |name| name == RESCUE).await;
        self.keep_now().await;
    }

    async fn restart_on_new(&self, fleet: &Fleet) {
        self.restart(fleet, |name| name != RESCUE).await;
    }

    /// Restarts what the app runs; each finishes what it does first.
    async fn restart(&self, fleet: &Fleet, wanted: fn(&str) -> bool) {
        for card in fleet.cards() {
            let runs = matches!(card.state, CardState::Running | CardState::Degraded | CardState::Starting);
            if card.owner == "desktop"
                && runs
                && wanted(&card.name)
                && let Err(failure) = fleet.restart(&card.name).await
            {
                tracing::error!(profile = card.name, code = failure.code, "{}", failure.message);
            }
        }
    }

    fn set(&self, record: Record) {
        let file = File { stamp: stamp(&self.inner.beside), record: record.clone() };
        let written = serde_json::to_vec_pretty(&file)
            .map_err(std::io::Error::other)
            .and_then(|bytes| files::atomic_write_in_new_dir(&self.inner.file, &bytes, 0o600));
        if let Err(error) = written {
            tracing::warn!(%error, file = %self.inner.file.display(), "the state of the update is not kept");
        }
        self.inner.record.send_replace(record);
    }

    fn own_was_replaced(&self) -> bool {
        self.inner.own.as_ref().is_some_and(|(path, before)| {
            // Linux says "(deleted)" behind the name of a program that was replaced.
            let now = stamp(path);
            now.is_some() && now != *before
        })
    }

    fn found(&self) -> MutexGuard<'_, source::Found> {
        self.inner.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks for a newer version and shows the page that says what was found. For the tray.
pub fn check(app: &AppHandle) {
    windows::show(app, "/settings");
    let updates = app.state::<Updates>().inner().clone();
    tauri::async_runtime::spawn(async move {
        if let Err(failure) = updates.check().await {
            tracing::warn!(code = failure.code, "{}", failure.message);
        }
    });
}

/// The gateways that take a new program up first and that the app runs.
fn run_by_app(cards: &[ProfileCard]) -> Vec<String> {
    cards
        .iter()
        .filter(|card| card.owner == "desktop" && card.name != RESCUE)
        .map(|card| card.name.clone())
        .collect()
}

/// How main is; where there is none, the first that is not rescue; where there is none of those, nothing is to be feared.
fn health(cards: &[ProfileCard]) -> Health {
    let first = || cards.iter().find(|card| card.name != RESCUE);
    let Some(card) = cards.iter().find(|card| card.name == MAIN).or_else(first) else {
        return if cards.is_empty() { Health::Away } else { Health::Well };
    };
    health_of(card.state, card.problem.as_ref())
}

fn health_of(state: CardState, problem: Option<&Problem>) -> Health {
    let code = problem.map_or("", |problem| problem.code.as_str());
    if matches!(code, "running-on-last-good" | "running-in-safe-mode" | "crash-loop")
        || state == CardState::Failed
    {
        return Health::Broken(
            problem.map_or_else(|| "it failed".to_owned(), |problem| problem.message.clone()),
        );
    }
    match state {
        CardState::Degraded if code.starts_with("keychain") || code.starts_with("secret") => Health::Away,
        CardState::Running | CardState::Degraded => Health::Well,
        CardState::Starting | CardState::Stopping => Health::Coming,
        CardState::Stopped | CardState::Unknown | CardState::Failed => Health::Away,
    }
}

/// Tells when a file is replaced or written.
fn watch_file(file: &Path, changed: &Arc<Notify>) -> Option<RecommendedWatcher> {
    let folder = file.parent()?.to_path_buf();
    let (file, told) = (file.to_path_buf(), Arc::clone(changed));
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let matters = event.is_ok_and(|event| {
            !matches!(event.kind, EventKind::Access(_) | EventKind::Remove(_)) && event.paths.contains(&file)
        });
        if matters {
            told.notify_one();
        }
    });
    let mut watcher = watcher.ok()?;
    watcher.watch(&folder, RecursiveMode::NonRecursive).ok()?;
    Some(watcher)
}

/// Size and time of a file.
fn stamp(file: &Path) -> Option<(u64, u64)> {
    let meta = file.metadata().ok()?;
    let changed = meta.modified().ok()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Some((meta.len(), u64::try_from(changed.as_millis()).unwrap_or(u64::MAX)))
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_program_is_to_blame_for_counts_against_it() {
        let with = |state, code: Option<&str>| {
            let problem =
                code.map(|code| Problem { code: code.to_owned(), message: "why".to_owned(), action: None });
            health_of(state, problem.as_ref())
        };
        assert_eq!(with(CardState::Running, None), Health::Well);
        assert_eq!(with(CardState::Degraded, Some("channel-telegram")), Health::Well);
        assert_eq!(with(CardState::Degraded, Some("keychain-locked")), Health::Away);
        assert_eq!(with(CardState::Starting, None), Health::Coming);
        assert_eq!(with(CardState::Stopped, None), Health::Away);
        assert_eq!(with(CardState::Running, Some("running-in-safe-mode")), Health::Broken("why".to_owned()));
        assert_eq!(with(CardState::Failed, None), Health::Broken("it failed".to_owned()));
        assert_eq!(health(&[]), Health::Away);
    }
}
