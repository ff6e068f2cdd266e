//! What a gateway finds out about itself and tells through `/readyz`: whether its model can be asked, its disk has room
//! and its database takes what it writes.
//!
//! Models are judged by what real answers ran into, and by asking for their list of models while somebody watches
//! this profile; never by a completion, which costs money.

mod disk;
mod model;
mod state;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bulkhead_process::Disk;
use bulkhead_server::Failure;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::gateway::Gateway;

pub(crate) use model::{ModelTroubles, Noted};

/// How often is looked while nobody watches: a disk does not fill up in a moment.
const CALM: Duration = Duration::from_secs(30);
/// How often is looked while this profile is watched, or something fails.
const WATCHED: Duration = Duration::from_secs(3);
/// How often providers are asked for their models, at most.
const LISTING: Duration = Duration::from_secs(5);

/// Why one of the checks fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) code: String,
    pub(crate) message: String,
}

/// What the checks found.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    /// By what fails: `disk`, `state`.
    troubles: Mutex<BTreeMap<&'static str, Trouble>>,
}

impl Checks {
    /// Takes over the result of a check; answers whether it is another one than before.
    fn set(&self, what: &'static str, trouble: Option<Trouble>) -> bool {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        if troubles.get(what) == trouble.as_ref() {
            return false;
        }
        match trouble {
            Some(trouble) => troubles.insert(what, trouble),
            None => troubles.remove(what),
        };
        true
    }

    /// Whether this fails.
    fn fails(&self, what: &str) -> bool {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).contains_key(what)
    }

    /// What fails.
    pub(crate) fn failures(&self) -> Vec<Failure> {
        let troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        troubles.iter().map(|(what, trouble)| failure(what, trouble)).collect()
    }
}

/// A trouble as `/readyz` tells it.
pub(crate) fn failure(what: &str, trouble: &Trouble) -> Failure {
    Failure { what: what.to_owned(), code: trouble.code.clone(), message: trouble.message.clone() }
}

/// Looks after itself until the gateway stops.
pub(crate) async fn run(gateway: Arc<Gateway>) {
    // A provider that does not answer must not hold up the look at the disk.
    tokio::join!(look_after_state(&gateway), ask_for_models(&gateway));
}

/// Asks the providers for their lists of models, while somebody watches.
async fn ask_for_models(gateway: &Arc<Gateway>) {
    let mut listing = model::Listing::default();
    let mut tick = interval(LISTING);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = gateway.stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        if gateway.is_watched() && !gateway.safe_mode {
            listing.ask(gateway).await;
        }
    }
}

/// Looks at disk and database, and tells what real answers met.
async fn look_after_state(gateway: &Arc<Gateway>) {
    let mut tick = interval(WATCHED);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut looked: Option<Instant> = None;
    let mut trouble = gateway.store.trouble();
    loop {
        tokio::select! {
            () = gateway.stop.cancelled() => return,
            _ = tick.tick() => {}
            // A write failed: that is looked at now.
            Ok(()) = trouble.changed() => looked = None,
            // A real answer met trouble, or met none any more.
            () = gateway.models.troubles().changed() => {
                gateway.tell_readiness();
                continue;
            }
        }
        let often = gateway.is_watched() || gateway.checks.fails("disk") || gateway.checks.fails("state");
        let every = if often { WATCHED } else { CALM };
        if looked.is_none_or(|last| last.elapsed() >= every) {
            looked = Some(Instant::now());
            look(gateway).await;
        }
    }
}

async fn look(gateway: &Arc<Gateway>) {
    let dir = gateway.place.state_dir().to_owned();
    let found = tokio::task::spawn_blocking({
        let dir = dir.clone();
        move || Disk::of(&dir)
    });
    let found = found.await.ok().flatten();
    let full = disk::judge(&dir, found, gateway.checks.fails("disk"));
    let state = state::judge(gateway, &dir, found).await;
    let changed = gateway.checks.set("disk", full);
    if gateway.checks.set("state", state) || changed {
        gateway.tell_readiness();
    }
}

impl Gateway {
    /// Whether another profile and this one watch each other.
    pub(crate) fn is_watched(&self) -> bool {
        self.settings.now().config.rescue.is_watching()
    }
}
