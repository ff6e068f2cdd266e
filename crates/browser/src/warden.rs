//! Watches over every tab: sets each up before it may load anything, lets requests through or refuses them, answers
//! dialogs that would block the page, forgets references when a page changes.

use std::net::IpAddr;
use std::sync::Arc;

use cdpkit::{CDP, RawEvent, RawEventStream, Sender as _, Session};
use futures::StreamExt as _;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use url::Url;

use crate::policy::Gate;
use crate::tabs::{Refusal, Tab, Tabs};

/// The events that it lives on.
pub(crate) const EVENTS: [&str; 6] = [
    "Target.attachedToTarget",
    "Target.detachedFromTarget",
    "Fetch.requestPaused",
    "Network.responseReceived",
    "Page.javascriptDialogOpening",
    "Page.frameNavigated",
];

/// Requests judged at a time. A page that makes more waits.
const AT_A_TIME: usize = 256;

pub(crate) struct Warden {
    cdp: CDP,
    gate: Gate,
    tabs: Arc<Tabs>,
    work: Arc<Semaphore>,
}

impl Warden {
    pub(crate) fn new(cdp: CDP, gate: Gate, tabs: Arc<Tabs>) -> Arc<Self> {
        Arc::new(Self { cdp, gate, tabs, work: Arc::new(Semaphore::new(AT_A_TIME)) })
    }

    /// Ends with the connection.
    pub(crate) async fn watch(self: Arc<Self>, mut events: RawEventStream) {
        while let Some(event) = events.next().await {
            let Ok(place) = Arc::clone(&self.work).acquire_owned().await else { return };
            match event.method.as_ref() {
                "Target.detachedFromTarget" => {
                    if let Some(session) = text(&event.params, "/sessionId") {
                        self.tabs.remove_session(session);
                    }
                }
                "Page.frameNavigated" => self.forget_references(&event.params),
                _ => {
                    let warden = Arc::clone(&self);
                    tokio::spawn(async move {
                        warden.handle(&event).await;
                        drop(place);
                    });
                }
            }
        }
    }

    async fn handle(&self, event: &RawEvent) {
        if event.method.as_ref() == "Target.attachedToTarget" {
            self.welcome(&event.params).await;
            return;
        }
        let Some(session) = event.session_id.as_deref().map(|id| self.cdp.session(id)) else { return };
        match event.method.as_ref() {
            "Fetch.requestPaused" => self.judge(&session, &event.params).await,
            "Network.responseReceived" => self.check_origin(&session, &event.params).await,
            "Page.javascriptDialogOpening" => {
                // Leaving a page is always allowed; every other question is answered with no.
                let accept = text(&event.params, "/type") == Some("beforeunload");
                let _ = session.send_raw("Page.handleJavaScriptDialog", json!({"accept": accept})).await;
            }
            _ => {}
        }
    }

    /// A new target waits for us: nothing is loaded before it is under watch.
    async fn welcome(&self, params: &Value) {
        let (Some(session), Some(id)) = (text(params, "/sessionId"), text(params, "/targetInfo/targetId"))
        else {
            return;
        };
        let session = self.cdp.session(session);
        let kind = text(params, "/targetInfo/type").unwrap_or_default();
        let is_page = matches!(kind, "page" | "iframe");
        if self.gate.reach().is_public() {
            let watched = session.send_raw("Fetch.enable", json!({"patterns": [{"urlPattern": "*"}]})).await;
            if let (Err(error), true) = (&watched, is_page) {
                tracing::debug!(%error, "a tab that cannot be watched was closed");
                let _ = self.cdp.send_raw("Target.closeTarget", json!({"targetId": id})).await;
                return;
            }
        }
        if !is_page {
            let _ = session.send_raw("Runtime.runIfWaitingForDebugger", json!({})).await;
            return;
        }
        let children = json!({"autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true});
        let network = json!({"maxTotalBufferSize": 0, "maxResourceBufferSize": 0});
        let (page, ..) = futures::join!(
            session.send_raw("Page.enable", json!({})),
            session.send_raw("Page.setLifecycleEventsEnabled", json!({"enabled": true})),
            session.send_raw("Network.enable", network),
            session.send_raw("Target.setAutoAttach", children),
            session.send_raw("Runtime.runIfWaitingForDebugger", json!({})),
        );
        if kind == "page" && page.is_ok() {
            self.tabs.insert(Tab::new(id.to_owned(), session));
        }
    }

    /// A request is about to leave.
    async fn judge(&self, session: &Session, params: &Value) {
        let Some(request) = text(params, "/requestId") else { return };
        let verdict = self.gate.judge(text(params, "/request/url").unwrap_or_default()).await;
        let answer = match verdict {
            None => session.send_raw("Fetch.continueRequest", json!({"requestId": request})).await,
            Some((url, kind)) => {
                tracing::info!(url, kind, "a page's request was refused");
                if text(params, "/resourceType") == Some("Document") {
                    self.note(params, Refusal { url, kind });
                }
                session
                    .send_raw(
                        "Fetch.failRequest",
                        json!({"requestId": request, "errorReason": "BlockedByClient"}),
                    )
                    .await
            }
        };
        if let Err(error) = answer {
            tracing::trace!(%error, "a request was gone before it was judged");
        }
    }

    /// A name may have changed its address since it was judged: a page that came from an inner one is closed.
    async fn check_origin(&self, session: &Session, params: &Value) {
        if text(params, "/type") != Some("Document") {
            return;
        }
        let address = text(params, "/response/remoteIPAddress").unwrap_or_default();
        let Ok(address) = address.trim_matches(['[', ']']).parse::<IpAddr>() else { return };
        let Some(url) = text(params, "/response/url").and_then(|url| Url::parse(url).ok()) else { return };
        // On another port it is a proxy's address, which says nothing about the page.
        let direct = params.pointer("/response/remotePort").and_then(Value::as_u64)
            == url.port_or_known_default().map(u64::from);
        if let (true, Some(kind)) = (direct, self.gate.reach().forbids(address)) {
            self.note(params, Refusal { url: crate::endpoint::shown(&url), kind });
            let _ = session.send_raw("Page.navigate", json!({"url": "about:blank"})).await;
        }
    }

    /// Remembers a refusal of a tab's main frame (its id is the tab's).
    fn note(&self, params: &Value, refusal: Refusal) {
        if let Some(tab) = text(params, "/frameId").and_then(|frame| self.tabs.get(frame)) {
            tab.refuse(refusal);
        }
    }

    fn forget_references(&self, params: &Value) {
        if let Some(tab) = text(params, "/frame/id").and_then(|frame| self.tabs.get(frame)) {
            tab.set_nodes(Vec::new());
        }
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}
