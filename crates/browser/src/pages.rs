//! What is done with the pages of a running browser.

use std::sync::Arc;
use std::time::Duration;

use cdpkit::{RawEventStream, Sender as _};
use futures::{FutureExt as _, StreamExt as _};
use serde_json::{Value, json};
use url::Url;

use crate::error::BrowserError;
use crate::running::Running;
use crate::snapshot::{Drawing, Snapshot};
use crate::status::PageState;
use crate::tabs::{COMMAND, Refusal, Tab, within};

const LOAD: Duration = Duration::from_secs(30);
const LOAD_AFTER_ACT: Duration = Duration::from_secs(8);
const MOST_FRAMES: usize = 20;

impl Running {
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
