//! All gateways of this machine as the app sees them: one [`unit::Unit`] per registered profile.

mod card;
mod link;
pub mod logs;
mod owned;
mod register;
mod unit;

use crate::cards::ProfileCard;
use crate::commands::gateway::GatewayNotice;
use crate::failure::{Answer, Failure};
use crate::notices::Notices;
use crate::tray;
use bulkhead_config::{ConfigStore, SecretSource};
use bulkhead_profile::{Environment, Place, Register, RegisterEntry};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tauri::AppHandle;
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;
use unit::Unit;

/// Notices that may wait for a slow window before it misses some and reloads.
const NOTICES: usize = 1024;

/// Handle to all units; clones share them.
#[derive(Clone)]
pub struct Fleet {
    inner: Arc<Inner>,
}

struct Inner {
    app: AppHandle,
    env: Environment,
    units: Mutex<BTreeMap<String, Arc<Unit>>>,
    cards: watch::Sender<Vec<ProfileCard>>,
    notices: broadcast::Sender<GatewayNotice>,
    /// The desktop's notifications.
    desktop: Notices,
    /// How the last look at the register ended; `None` before the first.
    looked: watch::Sender<Option<Answer<()>>>,
    /// The window's stream of notices; a new page takes it over.
    stream: Mutex<CancellationToken>,
    /// One refresh at a time.
    refreshing: tokio::sync::Mutex<()>,
}

impl Fleet {
    /// An empty fleet; [`Fleet::refresh`] fills it.
    pub fn new(app: AppHandle) -> Self {
        Self {
            inner: Arc::new(Inner {
                desktop: Notices::new(app.clone()),
                app,
                env: Environment::from_process(),
                units: Mutex::new(BTreeMap::new()),
                cards: watch::channel(Vec::new()).0,
                notices: broadcast::channel(NOTICES).0,
                looked: watch::channel(None).0,
                stream: Mutex::default(),
                refreshing: tokio::sync::Mutex::new(()),
            }),
        }
    }

    /// Reads the register of profiles again: new ones get a unit (and, where the app owns them, are started), removed ones
    /// are let go.
    pub async fn refresh(&self) {
        let _one = self.inner.refreshing.lock().await;
        let outcome = self.read_register().await;
        if let Err(failure) = &outcome {
            tracing::error!(code = failure.code, "{}", failure.message);
        }
        self.announce();
        self.inner.looked.send_replace(Some(outcome));
    }

    /// Nothing is adopted while this is held: a profile that is being made has no secrets yet.
    pub async fn hold(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.inner.refreshing.lock().await
    }

    /// Secrets were stored: supervised gateways are handed what changed.
    pub fn reload_secrets(&self) {
        let units: Vec<Arc<Unit>> = self.units().values().cloned().collect();
        for unit in units {
            tauri::async_runtime::spawn(async move { unit.reload_secrets().await });
        }
    }

    /// Refreshes, unless that is being done now or a profile is being made: neither holds a page up.
    pub async fn look(&self) {
        if self.inner.refreshing.try_lock().is_ok() {
            self.refresh().await;
        }
    }

    async fn read_register(&self) -> Answer<()> {
        let env = self.inner.env.clone();
        let read = tokio::task::spawn_blocking(move || Register::open(&env).read()).await;
        let entries = match read {
            Ok(Ok(entries)) => entries,
            Ok(Err(error)) => return Err(unreadable(error.code(), &error)),
            Err(error) => return Err(unreadable("register", &error)),
        };
        let gone: Vec<Arc<Unit>> = {
            let mut units = self.units();
            let is_there = |name: &String| entries.iter().any(|entry| entry.name.as_str() == name);
            let names: Vec<String> = units.keys().filter(|name| !is_there(name)).cloned().collect();
            names.iter().filter_map(|name| units.remove(name)).collect()
        };
        for unit in gone {
            unit.shutdown().await;
        }
        for entry in entries {
            let known = self.units().get(entry.name.as_str()).cloned();
            match known {
                Some(unit) if unit.is_of(&entry) => {
                    unit.supervise();
                    unit.knock();
                }
                Some(unit) => {
                    unit.shutdown().await;
                    self.adopt(&entry);
                }
                None => self.adopt(&entry),
            }
        }
        Ok(())
    }

    /// The cards, once the register was read; the failure if it can't be.
    pub async fn known_cards(&self) -> Answer<Vec<ProfileCard>> {
        let mut looked = self.inner.looked.subscribe();
        let outcome = looked.wait_for(Option::is_some).await.map(|outcome| outcome.clone());
        match outcome {
            Ok(Some(Err(failure))) => Err(failure),
            _ => Ok(self.cards()),
        }
    }

    /// Takes the stream of notices over: whoever had it before sees the token it got cancelled.
    pub fn take_stream(&self) -> CancellationToken {
        let token = CancellationToken::new();
        let mut stream = self.inner.stream.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *stream, token.clone()).cancel();
        token
    }

    fn adopt(&self, entry: &RegisterEntry) {
        match Unit::spawn(self.clone(), entry) {
            Ok(unit) => {
                self.units().insert(entry.name.as_str().to_owned(), unit);
            }
            Err(failure) => {
                tracing::error!(profile = %entry.name, code = failure.code, "{}", failure.message);
            }
        }
    }

    /// The app that they belong to.
    pub fn app(&self) -> &AppHandle {
        &self.inner.app
    }

    /// The environment that profiles are found by.
    pub fn env(&self) -> &Environment {
        &self.inner.env
    }

    /// The cards as they are now.
    pub fn cards(&self) -> Vec<ProfileCard> {
        self.inner.cards.borrow().clone()
    }

    /// The cards and every change of them.
    pub fn cards_receiver(&self) -> watch::Receiver<Vec<ProfileCard>> {
        self.inner.cards.subscribe()
    }

    /// Collects the cards anew and tells everyone, if they changed.
    pub fn announce(&self) {
        // Collected under the channel's lock: what is told last is what is true.
        self.inner.cards.send_if_modified(|known| {
            let cards: Vec<ProfileCard> = self.units().values().map(|unit| unit.card()).collect();
            let changed = *known != cards;
            if changed {
                known.clone_from(&cards);
                self.tell(GatewayNotice::Profiles { profiles: cards });
            }
            changed
        });
    }

    /// What gateways say and how connections to them change.
    pub fn notices(&self) -> broadcast::Receiver<GatewayNotice> {
        self.inner.notices.subscribe()
    }

    /// How the connection of each profile stands now, for a window that has just opened.
    pub fn connections(&self) -> Vec<GatewayNotice> {
        self.units().values().map(|unit| unit.connection()).collect()
    }

    /// Reads the memory of every gateway anew; only worth it while somebody looks.
    pub fn measure(&self) {
        let units: Vec<Arc<Unit>> = self.units().values().cloned().collect();
        for unit in units {
            unit.measure();
        }
        self.announce();
    }

    /// One request of the gateway protocol.
    pub async fn request(&self, profile: &str, method: &str, params: Value) -> Answer<Value> {
        self.unit(profile)?.request(method, params).await
    }

    /// Starts a gateway.
    pub async fn start(&self, profile: &str) -> Answer<()> {
        self.unit(profile)?.start().await
    }

    /// Stops a gateway.
    pub async fn stop(&self, profile: &str) -> Answer<()> {
        self.unit(profile)?.stop().await
    }

    /// Restarts a gateway.
    pub async fn restart(&self, profile: &str) -> Answer<()> {
        self.unit(profile)?.restart().await
    }

    /// Pauses every gateway of this machine that runs; their supervisors start them again. `true` if one was not paused.
    pub async fn pause(&self, pause: Duration) -> bool {
        let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        let until_ms = link::now_ms().saturating_add(pause_ms);
        let up = |unit: &Arc<Unit>| {
            let card = unit.card();
            card.remote.is_none() && tray::is_up(card.state)
        };
        let units: Vec<Arc<Unit>> = self.units().values().filter(|unit| up(unit)).cloned().collect();
        let paused = units.iter().map(|unit| unit.pause(until_ms));
        futures::future::join_all(paused).await.iter().any(Result::is_err)
    }

    /// Starts what is paused. `true` if one was not started.
    pub async fn resume(&self) -> bool {
        let units: Vec<Arc<Unit>> =
            self.units().values().filter(|unit| unit.card().paused_until.is_some()).cloned().collect();
        let started = units.iter().map(|unit| unit.start());
        futures::future::join_all(started).await.iter().any(Result::is_err)
    }

    /// The network is another one, or the computer slept: every connection is tried at once.
    pub async fn stir(&self) {
        let units: Vec<Arc<Unit>> = self.units().values().cloned().collect();
        futures::future::join_all(units.iter().map(|unit| unit.stir())).await;
    }

    /// Whether a profile of this machine keeps secrets in the keychain.
    pub async fn needs_keychain(&self) -> bool {
        let places: Vec<Place> = self.units().values().map(|unit| unit.place().clone()).collect();
        let look = tokio::task::spawn_blocking(move || {
            places.iter().any(|place| {
                ConfigStore::new(place).load().is_ok_and(|loaded| {
                    bulkhead_secrets::references(&loaded.config)
                        .iter()
                        .any(|reference| reference.source == SecretSource::Keychain)
                })
            })
        });
        look.await.unwrap_or(false)
    }

    /// The desktop's notifications.
    pub fn desktop(&self) -> &Notices {
        &self.inner.desktop
    }

    /// Where a profile lives.
    pub fn place(&self, profile: &str) -> Answer<Place> {
        Ok(self.unit(profile)?.place().clone())
    }

    /// Stops everything that the app runs.
    pub async fn shutdown(&self) {
        let units: Vec<Arc<Unit>> = self.units().values().cloned().collect();
        futures::future::join_all(units.iter().map(|unit| unit.shutdown())).await;
    }

    fn unit(&self, profile: &str) -> Answer<Arc<Unit>> {
        self.units().get(profile).cloned().ok_or_else(|| Failure::unknown_profile(profile))
    }

    fn units(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<Unit>>> {
        self.inner.units.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, notice: GatewayNotice) {
        let _ = self.inner.notices.send(notice);
    }
}

fn unreadable(code: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(
        code,
        format!("The list of profiles could not be read: {error}."),
        "Gateways that run go on. Repair the file, then open the window again.",
    )
}
