//! One browser that runs: started by us, or attached to.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bulkhead_process::guard::Guarded;
use cdpkit::{CDP, Sender as _};
use serde_json::{Value, json};

use crate::endpoint::Endpoint;
use crate::error::BrowserError;
use crate::policy::Gate;
use crate::status::{BrowserStatus, TabInfo};
use crate::tabs::{COMMAND, Tab, Tabs, within};
use crate::warden::{EVENTS, Warden};

const CONNECT: Duration = Duration::from_secs(10);
const GOODBYE: Duration = Duration::from_secs(4);

/// What was started, until it is ended.
type Started = Arc<Mutex<Option<Guarded>>>;

pub(crate) struct Running {
    cdp: CDP,
    tabs: Arc<Tabs>,
    pub(crate) gate: Gate,
    started: Option<Started>,
    current: Mutex<Option<String>>,
    pub(crate) status: BrowserStatus,
}

impl Running {
    /// Connects to a browser: one that was just started, or one to attach to.
    pub(crate) async fn connect(
        endpoint: &Endpoint,
        guarded: Option<Guarded>,
        gate: Gate,
        status: BrowserStatus,
    ) -> Result<Self, BrowserError> {
        // From here on the browser ends with this value, also when connecting fails.
        let started = guarded.map(|guarded| Arc::new(Mutex::new(Some(guarded))));
        let ender = Ender(started.clone());
        let connected = match endpoint {
            Endpoint::Discover { authority } => within("answer", CONNECT, CDP::connect(authority)).await,
            Endpoint::Socket { url } => within("answer", CONNECT, CDP::connect_ws(url)).await,
        };
        let attach = |error: BrowserError| match error {
            BrowserError::Cdp { why, .. } => BrowserError::Attach { url: endpoint.shown(), why },
            other => other,
        };
        let cdp = connected.map_err(attach)?;
        let tabs = Arc::new(Tabs::default());
        let events = within("report", COMMAND, cdp.observe(EVENTS)).await?;
        let warden = Warden::new(cdp.clone(), gate.clone(), Arc::clone(&tabs));
        tokio::spawn(async move {
            warden.watch(events).await;
            // The connection is gone. A browser of ours without one is of no use and is ended.
            drop(ender);
        });
        let mut running = Self { cdp, tabs, gate, started, current: Mutex::default(), status };
        let version = running.ask("Browser.getVersion", json!({})).await?;
        running.status.version = version.get("product").and_then(Value::as_str).map(str::to_owned);
        if running.started.is_some() {
            running.ask("Browser.setDownloadBehavior", json!({"behavior": "deny"})).await?;
            let all = json!({"autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true});
            running.ask("Target.setAutoAttach", all).await?;
        }
        Ok(running)
    }

    pub(crate) async fn ask(&self, method: &str, params: Value) -> Result<Value, BrowserError> {
        within(method, COMMAND, self.cdp.send_raw(method, params)).await
    }

    pub(crate) fn is_alive(&self) -> bool {
        !self.cdp.is_closed()
    }

    /// Ends a browser that we started; lets go of one that we attached to.
    pub(crate) async fn stop(self: Arc<Self>) {
        let Some(started) = self.started.clone() else {
            self.cdp.close();
            return;
        };
        let asked = tokio::time::timeout(GOODBYE, self.ask("Browser.close", json!({})))
            .await
            .is_ok_and(|asked| asked.is_ok());
        let ended = tokio::task::spawn_blocking(move || {
            let Some(mut guarded) = started.lock().unwrap_or_else(PoisonError::into_inner).take() else {
                return;
            };
            if asked {
                guarded.wait(GOODBYE);
            }
            guarded.stop();
        });
        let _ = ended.await;
        self.cdp.close();
    }

    // --- tabs ---

    async fn pages(&self) -> Result<Vec<TabInfo>, BrowserError> {
        let answer = self.ask("Target.getTargets", json!({})).await?;
        let all = answer.get("targetInfos").and_then(Value::as_array).cloned().unwrap_or_default();
        let word = |target: &Value, key: &str| {
            target.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let pages = all.iter().filter(|target| word(target, "type") == "page").map(|target| TabInfo {
            id: word(target, "targetId"),
            url: word(target, "url"),
            title: word(target, "title"),
            current: false,
        });
        Ok(pages.filter(|tab| !tab.url.starts_with("devtools:")).collect())
    }

    pub(crate) async fn tab_list(&self) -> Result<Vec<TabInfo>, BrowserError> {
        let mut pages = self.pages().await?;
        let current = self.current_of(&pages);
        for page in &mut pages {
            page.current = Some(&page.id) == current.as_ref();
        }
        Ok(pages)
    }

    fn current_of(&self, pages: &[TabInfo]) -> Option<String> {
        let chosen = self.current.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let known = chosen.filter(|id| pages.iter().any(|page| page.id == *id));
        known.or_else(|| pages.first().map(|page| page.id.clone()))
    }

    pub(crate) fn choose(&self, id: &str) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(id.to_owned());
    }

    /// The tab of this id, or of an id that begins so; the current one if none is named.
    pub(crate) async fn tab(&self, wanted: Option<&str>) -> Result<Arc<Tab>, BrowserError> {
        let pages = self.pages().await?;
        let missing = || BrowserError::NoTab { tab: wanted.unwrap_or("current").chars().take(64).collect() };
        let id = match wanted {
            None => self.current_of(&pages).ok_or_else(missing)?,
            Some(wanted) => {
                let mut fitting =
                    pages.iter().filter(|page| page.id.starts_with(wanted) && !wanted.is_empty());
                match (fitting.next(), fitting.next()) {
                    (Some(page), None) => page.id.clone(),
                    _ => return Err(missing()),
                }
            }
        };
        self.session_with(&id).await
    }

    pub(crate) async fn session_with(&self, id: &str) -> Result<Arc<Tab>, BrowserError> {
        if let Some(tab) = self.tabs.get(id) {
            return Ok(tab);
        }
        if self.started.is_none() {
            self.ask("Target.attachToTarget", json!({"targetId": id, "flatten": true})).await?;
        }
        self.tabs.wait_for(id).await
    }

    pub(crate) async fn focus(&self, wanted: &str) -> Result<(), BrowserError> {
        let tab = self.tab(Some(wanted)).await?;
        self.ask("Target.activateTarget", json!({"targetId": tab.id})).await?;
        self.choose(&tab.id);
        Ok(())
    }

    pub(crate) async fn close(&self, wanted: &str) -> Result<(), BrowserError> {
        let tab = self.tab(Some(wanted)).await?;
        self.ask("Target.closeTarget", json!({"targetId": tab.id})).await.map(drop)
    }
}

/// Ends a started browser when the connection to it is gone. Never blocks.
struct Ender(Option<Started>);

impl Drop for Ender {
    fn drop(&mut self) {
        end(self.0.as_ref());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        end(self.started.as_ref());
        self.cdp.close();
    }
}

fn end(started: Option<&Started>) {
    let guarded = started.and_then(|started| started.lock().unwrap_or_else(PoisonError::into_inner).take());
    if let Some(guarded) = guarded {
        std::thread::spawn(move || drop(guarded));
    }
}
