//! One browser that runs: started by us, or attached to.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bulkhead_process::guard::Guarded;
use cdpkit::{CDP, RawEventStream, Sender as _};
use futures::{FutureExt as _, StreamExt as _};
use serde::Serialize;
use serde_json::{Value, json};
use url::Url;

use crate::endpoint::Endpoint;
use crate::error::BrowserError;
use crate::policy::Gate;
use crate::snapshot::{Drawing, Snapshot};
use crate::tabs::{COMMAND, Refusal, Tab, Tabs, within};
use crate::warden::{EVENTS, Warden};

/// How a named browser is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BrowserStatus {
    /// The browser profile.
    pub profile: String,
    /// Whether it runs.
    pub running: bool,
    /// Whether it is one that we attach to and never start.
    pub attached: bool,
    /// Its CDP port; for one that never ran the one it would get is not decided yet.
    pub cdp_port: Option<u16>,
    /// Where we attach, without path and query.
    pub cdp_url: Option<String>,
    /// Its process, if we started it.
    pub pid: Option<u32>,
    /// Its program.
    pub executable: Option<PathBuf>,
    /// What it calls itself.
    pub version: Option<String>,
    /// Its data directory, if we start it.
    pub data_dir: Option<PathBuf>,
    /// Without a window.
    pub headless: bool,
    /// Without its sandbox.
    pub no_sandbox: bool,
}

/// A tab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TabInfo {
    /// Its id.
    pub id: String,
    /// Its address.
    pub url: String,
    /// Its title.
    pub title: String,
    /// Whether it is the one that is meant when none is named.
    pub current: bool,
}

/// Where a tab is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PageState {
    /// The tab.
    pub tab: String,
    /// Its address.
    pub url: String,
    /// Its title.
    pub title: String,
    /// Whether it finished loading in time.
    pub loaded: bool,
}

const CONNECT: Duration = Duration::from_secs(10);
const LOAD: Duration = Duration::from_secs(30);
const LOAD_AFTER_ACT: Duration = Duration::from_secs(8);
const GOODBYE: Duration = Duration::from_secs(4);
const MOST_FRAMES: usize = 20;

/// What was started, until it is ended.
type Started = Arc<Mutex<Option<Guarded>>>;

pub(crate) struct Running {
    cdp: CDP,
    tabs: Arc<Tabs>,
    gate: Gate,
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

    async fn ask(&self, method: &str, params: Value) -> Result<Value, BrowserError> {
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

    fn choose(&self, id: &str) {
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

    async fn session_with(&self, id: &str) -> Result<Arc<Tab>, BrowserError> {
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

    // --- pages ---

    pub(crate) async fn open(&self, url: &str) -> Result<PageState, BrowserError> {
        let url = self.gate.admit(url).await?;
        let created = self.ask("Target.createTarget", json!({"url": "about:blank"})).await?;
        let id = created.get("targetId").and_then(Value::as_str).unwrap_or_default();
        let tab = self.session_with(id).await?;
        let went = self.go(&tab, &url).await;
        if went.is_ok() {
            self.choose(id);
        } else {
            let _ = self.ask("Target.closeTarget", json!({"targetId": id})).await;
        }
        went
    }

    pub(crate) async fn navigate(&self, wanted: Option<&str>, url: &str) -> Result<PageState, BrowserError> {
        let url = self.gate.admit(url).await?;
        let tab = self.tab(wanted).await?;
        self.choose(&tab.id);
        self.go(&tab, &url).await
    }

    async fn go(&self, tab: &Tab, url: &Url) -> Result<PageState, BrowserError> {
        tab.take_refusal();
        let mut events = within("report", COMMAND, tab.session.observe(["Page.lifecycleEvent"])).await?;
        let asked = tab.session.send_raw("Page.navigate", json!({"url": url.as_str()}));
        let answer = within("open the page", LOAD, asked).await?;
        let word = |key: &str| answer.get(key).and_then(Value::as_str).filter(|word| !word.is_empty());
        if let Some(why) = word("errorText") {
            let shown = crate::endpoint::shown(url);
            return Err(tab
                .take_refusal()
                .map_or(BrowserError::Page { url: shown, why: why.to_owned() }, Into::into));
        }
        let loaded = match word("loaderId") {
            // The same document, another place in it.
            None => true,
            Some(loader) => loads(&mut events, LOAD, |event| word_of(event, "loaderId") == loader).await,
        };
        self.state(tab, loaded).await
    }

    async fn state(&self, tab: &Tab, loaded: bool) -> Result<PageState, BrowserError> {
        if let Some(refusal) = tab.take_refusal() {
            return Err(refusal.into());
        }
        let answer = self.ask("Target.getTargetInfo", json!({"targetId": tab.id})).await?;
        let word = |key: &str| {
            answer
                .pointer(&format!("/targetInfo/{key}"))
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        Ok(PageState { tab: tab.id.clone(), url: word("url"), title: word("title"), loaded })
    }

    /// A tab whose page may be read: whatever it came to show, the rules are the same as for opening it.
    pub(crate) async fn readable(&self, wanted: Option<&str>) -> Result<(Arc<Tab>, PageState), BrowserError> {
        let tab = self.tab(wanted).await?;
        let state = self.state(&tab, true).await?;
        if !state.url.is_empty() {
            self.gate.admit(&state.url).await?;
        }
        Ok((tab, state))
    }

    pub(crate) async fn snapshot(
        &self,
        wanted: Option<&str>,
        limit: usize,
    ) -> Result<Snapshot, BrowserError> {
        let (tab, state) = self.readable(wanted).await?;
        let mut drawing = Drawing::default();
        let frames = tab.ask("Page.getFrameTree", json!({})).await?;
        for (depth, frame, url) in frames_of(frames.get("frameTree")) {
            let asked = if depth == 0 { json!({}) } else { json!({"frameId": frame}) };
            let answer = match tab.ask("Accessibility.getFullAXTree", asked).await {
                Ok(answer) => answer,
                // A frame of another site runs apart and cannot be read from here.
                Err(_) if depth > 0 => continue,
                Err(error) => return Err(error),
            };
            if depth > 0 {
                drawing.note(&format!("frame: {}", url.chars().take(200).collect::<String>()));
            }
            let nodes = answer.get("nodes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            drawing.add(nodes, usize::from(depth > 0), limit);
        }
        let references = drawing.nodes.len();
        tab.set_nodes(drawing.nodes);
        Ok(Snapshot {
            tab: state.tab,
            url: state.url,
            title: state.title,
            text: drawing.text,
            references,
            truncated: drawing.truncated,
        })
    }

    /// Does something in a page, and waits for the page that it leads to, if it leads to one.
    pub(crate) async fn act(
        &self,
        wanted: Option<&str>,
        deed: impl AsyncFnOnce(&Tab) -> Result<(), BrowserError>,
    ) -> Result<PageState, BrowserError> {
        let (tab, _) = self.readable(wanted).await?;
        let kinds = ["Page.frameRequestedNavigation", "Page.frameStartedNavigating", "Page.lifecycleEvent"];
        let mut events = within("report", COMMAND, tab.session.observe(kinds)).await?;
        deed(&tab).await?;
        // Whatever the page began because of it has been reported when this comes back.
        let settled = tab.ask("Runtime.evaluate", json!({"expression": "0"}));
        let _ = tokio::time::timeout(LOAD_AFTER_ACT, settled).await;
        let mut leads_on = false;
        while let Some(Some(event)) = events.next().now_or_never() {
            let here = word_of(&event.params, "frameId") == tab.id;
            let loaded = event.method.as_ref() == "Page.lifecycleEvent";
            let same = word_of(&event.params, "navigationType").to_ascii_lowercase().contains("samedocument");
            if here && !loaded && !same {
                leads_on = true;
            } else if here && loaded && word_of(&event.params, "name") == "load" {
                leads_on = false;
            }
        }
        let frame = tab.id.clone();
        let loaded =
            !leads_on || loads(&mut events, LOAD_AFTER_ACT, |event| word_of(event, "frameId") == frame).await;
        self.state(&tab, loaded).await
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

impl From<Refusal> for BrowserError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused { url: refusal.url, kind: refusal.kind.to_owned() }
    }
}

fn word_of<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Waits for the `load` of a document.
async fn loads(events: &mut RawEventStream, limit: Duration, is_it: impl Fn(&Value) -> bool) -> bool {
    let load = async {
        while let Some(event) = events.next().await {
            if event.method.as_ref() == "Page.lifecycleEvent"
                && word_of(&event.params, "name") == "load"
                && is_it(&event.params)
            {
                return true;
            }
        }
        false
    };
    tokio::time::timeout(limit, load).await.unwrap_or(false)
}

/// The frames of a page with their depth, the main one first.
fn frames_of(tree: Option<&Value>) -> Vec<(usize, String, String)> {
    let mut found = Vec::new();
    let mut open: Vec<(usize, &Value)> = tree.into_iter().map(|tree| (0, tree)).collect();
    while let Some((depth, tree)) = open.pop() {
        if found.len() >= MOST_FRAMES {
            break;
        }
        let frame = tree.get("frame").unwrap_or(&Value::Null);
        found.push((depth, word_of(frame, "id").to_owned(), word_of(frame, "url").to_owned()));
        let children =
            tree.get("childFrames").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        open.extend(children.iter().rev().map(|child| (depth + 1, child)));
    }
    found
}
