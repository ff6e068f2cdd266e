//! Connected devices that asked for more scopes, until they were told what a person said.
//!
//! The request itself stands in the store like every other one; here is only who waits for its end. After a restart
//! nobody does: the device connects anew and asks again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bulkhead_protocol::Scope;
use tokio::sync::watch;
use tokio::time::Instant;

/// No more than this are remembered.
const MOST: usize = 128;
/// What came of a request is told for this long after its time is over.
const REMEMBERED: Duration = Duration::from_mins(1);

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// A person said yes.
    Approved,
    /// A person said no, or another request of the device took its place.
    Rejected,
    /// Nobody answered.
    Expired,
}

impl Ended {
    /// What a decision of `device.pair.resolved` means for who waits.
    fn of(decision: &str) -> Self {
        match decision {
            "approved" => Self::Approved,
            "expired" => Self::Expired,
            _ => Self::Rejected,
        }
    }
}

struct Upgrade {
    device_id: String,
    scopes: Vec<Scope>,
    until: Instant,
    told: watch::Sender<Option<Ended>>,
}

/// The requests of connected devices.
#[derive(Default)]
pub(crate) struct Upgrades(Mutex<HashMap<String, Upgrade>>);

impl Upgrades {
    /// A device asks; the same request again counts from now. `false`: too many do.
    pub(crate) fn ask(&self, id: &str, device_id: &str, scopes: &[Scope], lifetime: Duration) -> bool {
        let mut open = self.open();
        let now = Instant::now();
        open.retain(|_, upgrade| upgrade.until + REMEMBERED > now);
        if let Some(same) = open.get_mut(id).filter(|upgrade| upgrade.told.borrow().is_none()) {
            (same.until, same.scopes) = (now + lifetime, scopes.to_vec());
            return same.device_id == device_id;
        }
        if open.len() >= MOST {
            return false;
        }
        let upgrade = Upgrade {
            device_id: device_id.to_owned(),
            scopes: scopes.to_vec(),
            until: now + lifetime,
            told: watch::Sender::new(None),
        };
        open.insert(id.to_owned(), upgrade);
        true
    }

    /// A request ended.
    pub(crate) fn ended(&self, id: &str, decision: &str) {
        if let Some(upgrade) = self.open().get(id) {
            upgrade.told.send_if_modified(|told| {
                let first = told.is_none();
                told.get_or_insert(Ended::of(decision));
                first
            });
        }
    }

    /// Waits for the end of a request of this device: how it ended, and what was asked. `None`: it has none of that id.
    pub(crate) async fn wait(&self, id: &str, device_id: &str) -> Option<(Ended, Vec<Scope>)> {
        loop {
            let (mut told, until, scopes) = {
                let open = self.open();
                let upgrade = open.get(id).filter(|upgrade| upgrade.device_id == device_id)?;
                (upgrade.told.subscribe(), upgrade.until, upgrade.scopes.clone())
            };
            let waited = tokio::time::timeout_at(until, told.wait_for(Option::is_some)).await;
            match waited {
                Ok(Ok(ended)) => return Some(((*ended)?, scopes)),
                // It was forgotten while somebody waited.
                Ok(Err(_)) => return None,
                Err(_) if Instant::now() >= self.until(id)? => return Some((Ended::Expired, scopes)),
                // It was asked again meanwhile.
                Err(_) => {}
            }
        }
    }

    fn until(&self, id: &str) -> Option<Instant> {
        self.open().get(id).map(|upgrade| upgrade.until)
    }

    fn open(&self) -> std::sync::MutexGuard<'_, HashMap<String, Upgrade>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIME: Duration = Duration::from_mins(5);

    #[tokio::test]
    async fn the_end_is_told_to_the_device_only_early_and_late() {
        let upgrades = Upgrades::default();
        assert!(upgrades.ask("r", "d", &[Scope::OperatorWrite], LIFETIME));
        assert_eq!(upgrades.wait("r", "another").await, None);
        assert_eq!(upgrades.wait("x", "d").await, None);
        upgrades.ended("r", "approved");
        upgrades.ended("r", "rejected");
        let told = Some((Ended::Approved, vec![Scope::OperatorWrite]));
        assert_eq!(upgrades.wait("r", "d").await, told, "the first end counts, and is remembered");

        assert!(upgrades.ask("s", "d", &[], LIFETIME));
        let (ended, ()) = tokio::join!(upgrades.wait("s", "d"), async { upgrades.ended("s", "superseded") });
        assert_eq!(ended.unwrap().0, Ended::Rejected);
    }

    #[tokio::test]
    async fn nobody_waits_for_ever_and_not_too_many_do() {
        let upgrades = Upgrades::default();
        assert!(upgrades.ask("r", "d", &[], Duration::ZERO));
        assert_eq!(upgrades.wait("r", "d").await.unwrap().0, Ended::Expired);
        assert!(upgrades.ask("r", "d", &[], LIFETIME), "asked again, it counts from now");
        let (ended, ()) = tokio::join!(upgrades.wait("r", "d"), async { upgrades.ended("r", "approved") });
        assert_eq!(ended.unwrap().0, Ended::Approved);
        for n in 1..MOST {
            assert!(upgrades.ask(&n.to_string(), "d", &[], LIFETIME));
        }
        assert!(!upgrades.ask("more", "d", &[], LIFETIME));
        assert!(upgrades.ask("1", "d", &[], LIFETIME), "but the same again is no more");
    }
}
