//! Documents of agents in windows of their own: one for each conversation of a gateway.
//!
//! A window of a document has no rights in the app (no capability names its label), keeps nothing (a data store of its own
//! that goes with it), reaches no network but its gateway, and goes nowhere but to documents of its conversation. What a
//! person does in it comes out as an address with a scheme of its own; which document and which conversation that was, is
//! known here.

mod ask;
#[cfg(target_os = "linux")]
mod snapshot;
mod way;

use bulkhead_client::ReconnectingClient;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tauri::webview::{NewWindowResponse, PageLoadEvent};
use tauri::{AppHandle, Manager, Url, WebviewUrl, WebviewWindow, WebviewWindowBuilder};
use tokio::sync::mpsc;

pub use way::Home;
use way::Way;

/// Windows of documents are called so; a capability file must never name one.
const LABEL: &str = "canvas-";
/// Acts of one window that may be on their way at the same time.
const ACTING: usize = 3;
/// Windows of documents at one time.
const MOST: usize = 16;

/// The windows of documents.
#[derive(Default)]
pub struct Canvas {
    open: Mutex<HashMap<String, Arc<Open>>>,
    /// One is built at a time.
    building: tokio::sync::Mutex<()>,
}

/// What is to be shown.
pub struct Show {
    /// The gateway's profile.
    pub profile: String,
    /// The conversation.
    pub session: String,
    /// The document's title.
    pub title: String,
    /// Its address, with a capability.
    pub url: Url,
    /// The way to its gateway, for what a person does.
    pub operator: ReconnectingClient,
    /// Hears of the conversation when the window is closed.
    pub closed: mpsc::UnboundedSender<String>,
}

struct Open {
    app: AppHandle,
    session: String,
    operator: ReconnectingClient,
    closed: mpsc::UnboundedSender<String>,
    home: Mutex<Home>,
    document: Mutex<String>,
    acting: AtomicUsize,
    /// A person is being asked about a link.
    asking: AtomicBool,
}

/// Whether a window is one of a document.
pub fn is_one(label: &str) -> bool {
    label.starts_with(LABEL)
}

/// The same for the same conversation, so that its size and place are found again.
fn label(profile: &str, session: &str) -> String {
    let bytes = profile.bytes().chain([0]).chain(session.bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{LABEL}{hash:016x}")
}

impl Canvas {
    /// Shows a document, in the window of its conversation.
    pub async fn show(&self, app: &AppHandle, show: Show) -> Result<(), String> {
        let home = Home::of(&show.url).ok_or("the address leads to no document")?;
        let _one = self.building.lock().await;
        let label = label(&show.profile, &show.session);
        let title = format!("{} · {} · Bulkhead", show.title, show.profile);
        let known = self.lock().get(&label).cloned();
        if let Some((open, window)) = known.zip(app.get_webview_window(&label)) {
            *lock(&open.home) = home;
            window.navigate(show.url).map_err(|error| error.to_string())?;
            let _ = window.set_title(&title);
            let _ = window.unminimize();
            return window.show().map_err(|error| error.to_string());
        }
        if self.lock().len() >= MOST {
            return Err(format!("{MOST} windows of documents are open already; close some"));
        }
        let document = home.document(&show.url).unwrap_or_default().to_owned();
        let open = Arc::new(Open {
            app: app.clone(),
            session: show.session,
            operator: show.operator,
            closed: show.closed,
            home: Mutex::new(home),
            document: Mutex::new(document),
            acting: AtomicUsize::new(0),
            asking: AtomicBool::new(false),
        });
        self.lock().insert(label.clone(), Arc::clone(&open));
        let (app, key) = (app.clone(), label.clone());
        // Off the main thread, which builds it.
        let built = tokio::task::spawn_blocking(move || build(&app, &key, &title, show.url, &open)).await;
        match built {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => {
                self.lock().remove(&label);
                Err(error.to_string())
            }
            Err(error) => {
                self.lock().remove(&label);
                Err(error.to_string())
            }
        }
    }

    /// Closes the window of a conversation, if there is one.
    #[expect(clippy::unused_self, reason = "one face for all that is done with document windows")]
    pub fn hide(&self, app: &AppHandle, profile: &str, session: &str) {
        if let Some(window) = app.get_webview_window(&label(profile, session)) {
            let _ = window.close();
        }
    }

    /// Hands messages to the A2UI renderer in the window of a conversation.
    pub fn push(
        &self,
        app: &AppHandle,
        profile: &str,
        session: &str,
        messages: &Value,
    ) -> Result<(), String> {
        let window = self.window(app, profile, session)?;
        // JSON in a script: nothing in it is code.
        let script = format!("globalThis.bulkheadPush?.({messages})");
        window.eval(script).map_err(|error| error.to_string())
    }

    /// A picture of the window of a conversation.
    #[cfg(target_os = "linux")]
    pub async fn snapshot(&self, app: &AppHandle, profile: &str, session: &str) -> Result<Value, String> {
        snapshot::take(&self.window(app, profile, session)?).await
    }

    #[expect(clippy::unused_self, reason = "one face for all that is done with document windows")]
    fn window(&self, app: &AppHandle, profile: &str, session: &str) -> Result<WebviewWindow, String> {
        app.get_webview_window(&label(profile, session))
            .ok_or_else(|| "no window shows this conversation".to_owned())
    }

    /// A window is gone; its gateway is told.
    pub fn gone(&self, label: &str) {
        if let Some(open) = self.lock().remove(label) {
            let _ = open.closed.send(open.session.clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Open>>> {
        lock(&self.open)
    }
}

fn lock<T>(slot: &Mutex<T>) -> MutexGuard<'_, T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

fn build(
    app: &AppHandle,
    label: &str,
    title: &str,
    url: Url,
    open: &Arc<Open>,
) -> tauri::Result<WebviewWindow> {
    let (decides, follows) = (Arc::clone(open), Arc::clone(open));
    let proxy = (url.scheme() == "http").then(|| url.origin().ascii_serialization().parse::<Url>().ok());
    let mut builder = WebviewWindowBuilder::new(app, label, WebviewUrl::External(url))
        .title(title)
        .inner_size(760.0, 560.0)
        .min_inner_size(320.0, 240.0)
        .incognito(true)
        .devtools(cfg!(debug_assertions))
        .on_navigation(move |url| decides.may_go(url))
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_page_load(move |_, load| {
            if load.event() == PageLoadEvent::Started {
                follows.went(load.url());
            }
        });
    // The gateway stands in as proxy for everything: what gets past the document's policy (a connection that is opened
    // ahead of time, a name that is looked up) ends there, and it passes nothing on.
    if let Some(proxy) = proxy.flatten() {
        builder = builder.proxy_url(proxy);
    }
    builder.build()
}

impl Open {
    /// Whether the window goes there; what is no navigation is done instead.
    fn may_go(self: &Arc<Self>, url: &Url) -> bool {
        let way = lock(&self.home).way(url);
        match way {
            Way::Document(_) | Way::Blank => true,
            Way::Act { name, data } => {
                self.act(name, data);
                false
            }
            Way::Elsewhere(url) => {
                self.ask(url);
                false
            }
            Way::Refused => {
                tracing::debug!(scheme = url.scheme(), "a document's window does not go there");
                false
            }
        }
    }

    /// The window shows another document of its conversation.
    fn went(&self, url: &Url) {
        if let Some(document) = lock(&self.home).document(url) {
            document.clone_into(&mut lock(&self.document));
        }
    }

    fn act(self: &Arc<Self>, name: String, data: Value) {
        // A document that says more at once than a person can do is not listened to.
        if self.acting.fetch_add(1, Ordering::SeqCst) >= ACTING {
            self.acting.fetch_sub(1, Ordering::SeqCst);
            return;
        }
        let open = Arc::clone(self);
        tauri::async_runtime::spawn(async move {
            let params = json!({
                "docId": *lock(&open.document), "sessionKey": open.session, "name": name, "data": data,
                "idempotencyKey": uuid::Uuid::new_v4().to_string(),
            });
            if let Err(error) = open.operator.request("canvas.act", params).await {
                tracing::warn!(
                    code = error.code(),
                    "what a person did on a document was not passed on: {error}"
                );
            }
            open.acting.fetch_sub(1, Ordering::SeqCst);
        });
    }

    fn ask(self: &Arc<Self>, url: Url) {
        if self.asking.swap(true, Ordering::SeqCst) {
            return;
        }
        let open = Arc::clone(self);
        ask::about(&self.app, url, move || open.asking.store(false, Ordering::SeqCst));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_has_one_window_and_a_window_no_rights() {
        assert_eq!(label("main", "agent:main:main"), label("main", "agent:main:main"));
        assert_ne!(label("main", "agent:main:main"), label("rescue", "agent:main:main"));
        assert!(is_one(&label("main", "x")) && !is_one("main"));
        let rights = include_str!("../../capabilities/main.json");
        assert!(
            !rights.contains("canvas-") && !rights.contains('*') && !rights.contains("remote"),
            "{rights}"
        );
    }
}
