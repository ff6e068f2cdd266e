//! The running watch: started, changed and stopped as the configuration wants it, and asked by everybody else.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bulkhead_channels::ChannelState;
use bulkhead_config::Rescue;
use bulkhead_rescue::{
    Clock, DrillKind, DrillReport, Incident, Refusal, RefusalKind, RemedyReply, RemedyRequest, RescueEvent,
    SavedTimeline, Seams, Settings, SystemClock, Teller, WatchHandle, WatchView, Watcher,
};
use bulkhead_secrets::SecretId;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::journal::StoreJournal;
use super::notice::AppTeller;
use super::operators::telegram_ids;
use super::probes::Lookout;
use super::target::{Target, target};
use super::telegram::TelegramTeller;
use crate::clock;
use crate::gateway::Gateway;

/// How long a watch that is stopped may take to write down what it knows.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Drills whose keys are remembered.
const DRILLS_REMEMBERED: usize = 32;

/// The watch of this gateway, if it has one.
#[derive(Debug, Default)]
pub(crate) struct RescueDesk {
    running: Mutex<Option<Running>>,
    /// Why there is none although the configuration asks for one.
    trouble: Mutex<Option<String>>,
    /// One change at a time.
    applying: tokio::sync::Mutex<()>,
    /// Drills that were begun by a request with a key of its own.
    drills: Mutex<VecDeque<String>>,
}

#[derive(Debug)]
struct Running {
    target: Target,
    label: String,
    handle: WatchHandle,
    gateway: Weak<Gateway>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// What is watched, and how to ask.
#[derive(Debug, Clone)]
pub(crate) struct Watched {
    /// What runs it.
    pub(crate) kind: &'static str,
    /// For people.
    pub(crate) name: String,
    pub(super) handle: WatchHandle,
    pub(super) gateway: Weak<Gateway>,
}

impl Watched {
    /// What is known now.
    pub(crate) fn view(&self) -> Arc<WatchView> {
        self.handle.view()
    }

    /// The strip of the last days.
    pub(crate) async fn timeline(&self) -> SavedTimeline {
        self.handle.timeline().await
    }
}

impl RescueDesk {
    /// The running watch.
    pub(crate) fn watched(&self) -> Option<Watched> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.as_ref().map(|running| Watched {
            kind: running.target.kind(),
            name: running.label.clone(),
            handle: running.handle.clone(),
            gateway: running.gateway.clone(),
        })
    }

    /// Remembers that a drill was begun under this key; false if it was before.
    pub(crate) fn remember_drill(&self, key: &str) -> bool {
        let mut drills = self.drills.lock().unwrap_or_else(PoisonError::into_inner);
        if drills.iter().any(|known| known == key) {
            return false;
        }
        if drills.len() >= DRILLS_REMEMBERED {
            drills.pop_front();
        }
        drills.push_back(key.to_owned());
        true
    }

    /// Why there is none although the configuration asks for one.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks for a remedy.
    pub(crate) async fn request(&self, request: RemedyRequest) -> Result<RemedyReply, Refusal> {
        match self.watched() {
            Some(watched) => watched.handle.request(request).await,
            None => Err(self.nothing_watched()),
        }
    }

    /// Runs a drill to its end.
    pub(crate) async fn drill(
        &self,
        kind: DrillKind,
        by: bulkhead_rescue::Actor,
    ) -> Result<DrillReport, Refusal> {
        match self.watched() {
            Some(watched) => watched.handle.drill(kind, by).await,
            None => Err(self.nothing_watched()),
        }
    }

    /// The newest incidents first.
    pub(crate) async fn incidents(&self, limit: usize) -> Vec<Incident> {
        match self.watched() {
            Some(watched) => watched.handle.incidents(limit).await,
            None => Vec::new(),
        }
    }

    fn nothing_watched(&self) -> Refusal {
        let why = self.trouble().unwrap_or_else(|| {
            "This gateway watches no other one; rescue.watch in its configuration names the profile that it shall watch"
                .to_owned()
        });
        Refusal::new(RefusalKind::Unsupported, format!("{why}."))
    }

    fn take(&self) -> Option<Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Ends the watch and waits a little until it wrote down what it knows.
    pub(crate) async fn stop(&self) {
        let Some(running) = self.take() else { return };
        running.stop.cancel();
        if tokio::time::timeout(LAST_WORDS, running.task).await.is_err() {
            tracing::warn!("the watch did not end in time");
        }
    }
}

impl Gateway {
    /// Watches what the configuration says, from now on. Also in safe mode and while the keychain is waited for: no model
    /// is needed.
    pub(crate) async fn apply_rescue(self: &Arc<Self>) {
        let _one_at_a_time = self.rescue.applying.lock().await;
        if self.stop.is_cancelled() {
            return;
        }
        let settings = self.settings.now();
        let rescue = settings.config.rescue.clone();
        let (place, env) = (self.place.clone(), Arc::clone(&settings.environment));
        let keyed = self.credentials.get(&SecretId::rescue_key()).is_some();
        let wanted = {
            let rescue = rescue.clone();
            tokio::task::spawn_blocking(move || target(&rescue, &place, &env, keyed)).await
        };
        let wanted =
            wanted.unwrap_or_else(|_| Err("looking for the watched gateway was interrupted".to_owned()));
        let (wanted, trouble) = match wanted {
            Ok(wanted) => (wanted, None),
            Err(why) => (None, Some(why)),
        };
        if let Some(why) = &trouble {
            tracing::error!("nothing is watched: {why}");
        }
        *self.rescue.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
        let same = {
            let running = self.rescue.running.lock().unwrap_or_else(PoisonError::into_inner);
            match (&*running, &wanted) {
                (Some(running), Some(wanted)) if running.target == *wanted => {
                    Some((running.label.clone(), running.handle.clone()))
                }
                _ => None,
            }
        };
        if let Some((label, handle)) = same {
            return handle.configure(watch_settings(&rescue, label)).await;
        }
        self.rescue.stop().await;
        let Some(target) = wanted else { return };
        let running = self.start_watch(target, &rescue).await;
        if running.is_none() {
            let why = "what rescue.main names could not be found".to_owned();
            *self.rescue.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
        }
        *self.rescue.running.lock().unwrap_or_else(PoisonError::into_inner) = running;
    }

    async fn start_watch(self: &Arc<Self>, target: Target, rescue: &Rescue) -> Option<Running> {
        let lookout = Lookout::new(self, &target).await?;
        let label = lookout.label.clone();
        tracing::info!(watched = %label, kind = target.kind(), "watching");
        let stop = self.stop.child_token();
        let gateway = Arc::downgrade(self);
        let tellers: Vec<Arc<dyn Teller>> =
            vec![Arc::new(TelegramTeller::new(gateway.clone())), Arc::new(AppTeller::new(gateway.clone()))];
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let seams = Seams {
            keeper: Arc::clone(&lookout.keeper),
            tellers,
            journal: Arc::new(StoreJournal::new(self.store.clone())),
            clock: Arc::clone(&clock),
        };
        let (watcher, handle) = Watcher::new(watch_settings(rescue, label.clone()), seams).await;
        lookout.follow(&handle, &stop);
        let task = tokio::spawn(watcher.run(lookout.look(&clock, &stop), stop.clone()));
        self.pass_events_on(&handle, stop.clone());
        Some(Running { target, label, handle, gateway, stop, task })
    }

    /// Tells connected clients what happens.
    fn pass_events_on(self: &Arc<Self>, handle: &WatchHandle, stop: CancellationToken) {
        let mut events = handle.events();
        let gateway = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                let event = tokio::select! {
                    () = stop.cancelled() => return,
                    event = events.recv() => event,
                };
                let Some(gateway) = gateway.upgrade() else { return };
                match event {
                    Ok(event) => gateway.events.rescue_incident(&payload(&event)),
                    Err(RecvError::Lagged(_)) => continue,
                    Err(RecvError::Closed) => return,
                };
            }
        });
    }

    /// While this gateway does not reach its own messenger, nothing is concluded from the other one's silence there.
    pub(crate) async fn tell_own_network(&self, state: ChannelState, code: Option<&'static str>) {
        let Some(watched) = self.rescue.watched() else { return };
        let cut_off =
            matches!(code, Some("telegram-unreachable" | "telegram-not-the-api" | "telegram-server-trouble"));
        match state {
            ChannelState::Connected => watched.handle.own_network(true).await,
            ChannelState::Degraded if cut_off => watched.handle.own_network(false).await,
            _ => {}
        }
    }
}

/// Operators are compared as Telegram writes their ids.
fn watch_settings(rescue: &Rescue, label: String) -> Settings {
    let mut settings = Settings::from_config(rescue, label);
    settings.operators = telegram_ids(&rescue.operators).iter().map(ToString::to_string).collect();
    settings
}

/// An event as clients get it.
fn payload(event: &RescueEvent) -> serde_json::Value {
    let mut payload = serde_json::to_value(event).unwrap_or_else(|_| json!({"event": "unknown"}));
    payload["ts"] = clock::now_ms().into();
    payload
}
