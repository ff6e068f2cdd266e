//! The tabs of one running browser that we have a session with.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cdpkit::{Sender as _, Session};
use serde_json::Value;
use tokio::sync::watch;
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;

use crate::error::BrowserError;

/// What a page was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) url: String,
    pub(crate) kind: &'static str,
}

/// One tab, and our session with it.
pub(crate) struct Tab {
    pub(crate) id: String,
    pub(crate) session: Session,
    state: Mutex<TabState>,
}

#[derive(Default)]
struct TabState {
    /// Nodes that the references of the last snapshot stand for.
    nodes: Vec<i64>,
    refusal: Option<Refusal>,
}

impl Tab {
    pub(crate) fn new(id: String, session: Session) -> Self {
        Self { id, session, state: Mutex::default() }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, TabState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_nodes(&self, nodes: Vec<i64>) {
        self.state().nodes = nodes;
    }

    /// The node that `e7` stands for.
    pub(crate) fn node(&self, reference: &str) -> Result<i64, BrowserError> {
        let text = reference.trim().trim_start_matches('@');
        let number: Option<usize> = text.strip_prefix('e').and_then(|number| number.parse().ok());
        let node = number.and_then(|number| self.state().nodes.get(number.checked_sub(1)?).copied());
        node.ok_or_else(|| BrowserError::StaleReference { reference: reference.chars().take(40).collect() })
    }

    pub(crate) fn refuse(&self, refusal: Refusal) {
        self.state().refusal = Some(refusal);
    }

    pub(crate) fn take_refusal(&self) -> Option<Refusal> {
        self.state().refusal.take()
    }

    /// One command, with a limit of time.
    pub(crate) async fn ask(&self, method: &str, params: Value) -> Result<Value, BrowserError> {
        within(method, COMMAND, self.session.send_raw(method, params)).await
    }
}

/// How long one command may take.
pub(crate) const COMMAND: Duration = Duration::from_secs(20);
const ATTACH: Duration = Duration::from_secs(10);

/// With a limit of time, and unheard: the library logs whole addresses and commands, and those may carry secrets.
pub(crate) async fn within<T>(
    action: &str,
    limit: Duration,
    asked: impl Future<Output = Result<T, cdpkit::CdpError>>,
) -> Result<T, BrowserError> {
    match tokio::time::timeout(limit, asked.with_subscriber(NoSubscriber::default())).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(BrowserError::cdp(action, error)),
        Err(_) => Err(BrowserError::cdp(action, format_args!("no answer within {} s", limit.as_secs()))),
    }
}

/// The tabs by target id.
#[derive(Default)]
pub(crate) struct Tabs {
    known: Mutex<HashMap<String, Arc<Tab>>>,
    changes: watch::Sender<()>,
}

impl Tabs {
    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Tab>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, id: &str) -> Option<Arc<Tab>> {
        self.known().get(id).cloned()
    }

    pub(crate) fn insert(&self, tab: Tab) {
        self.known().insert(tab.id.clone(), Arc::new(tab));
        self.changes.send_replace(());
    }

    pub(crate) fn remove_session(&self, session: &str) {
        self.known().retain(|_, tab| tab.session.id() != session);
        self.changes.send_replace(());
    }

    /// Waits until there is a session with this tab.
    pub(crate) async fn wait_for(&self, id: &str) -> Result<Arc<Tab>, BrowserError> {
        let mut changes = self.changes.subscribe();
        let found = tokio::time::timeout(ATTACH, async {
            loop {
                if let Some(tab) = self.get(id) {
                    return Some(tab);
                }
                changes.changed().await.ok()?;
            }
        });
        match found.await {
            Ok(Some(tab)) => Ok(tab),
            _ => Err(BrowserError::cdp("open a session with the tab", "it did not answer in time")),
        }
    }
}
