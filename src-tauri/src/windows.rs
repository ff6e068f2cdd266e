//! The one window, made on demand and destroyed on close: a hidden app has no web process.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tauri::webview::{NewWindowResponse, PageLoadEvent};
use tauri::{AppHandle, CloseRequestApi, Manager, WebviewUrl, WebviewWindow, WebviewWindowBuilder};

/// Label of the window; the capability file grants rights to this label only.
pub const MAIN: &str = "main";

/// One window is built or shown at a time: two clicks must not build two.
static SHOWING: Mutex<()> = Mutex::new(());

/// Whether the page of the window that is or was open came up.
static LOADED: AtomicBool = AtomicBool::new(false);

/// Whether a window was asked for and is not there yet.
static WANTED: AtomicBool = AtomicBool::new(false);

/// Where the window stands, by its events: the runtime still knows a window for a while after it is gone.
static STAGE: Mutex<Stage> = Mutex::new(Stage::None);

enum Stage {
    None,
    /// Being built, and visible perhaps. The runtime would never forget a window that closes before it is built, so a
    /// close waits for that.
    Building {
        close: bool,
    },
    Open,
    /// On its way out; it can't be shown any more, so a page that is wanted meanwhile opens in the next one.
    Closing {
        wanted: Option<String>,
    },
}

/// How long the runtime may take to forget a window that is gone.
const FORGET: Duration = Duration::from_secs(5);

/// Shows the window at a page (`/`, `/chat/main`, `/logs/rescue`), building it first if there is none. Returns at once:
/// a window is built off the main thread, because building one there would wait for itself.
pub fn show(app: &AppHandle, page: &str) {
    let app = app.clone();
    let page = page.to_owned();
    WANTED.store(true, Ordering::SeqCst);
    let spawned = std::thread::Builder::new().name("window".to_owned()).spawn(move || {
        let _one = SHOWING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = show_now(&app, &page) {
            tracing::error!(%error, "the window could not be shown");
        }
        WANTED.store(false, Ordering::SeqCst);
    });
    if let Err(error) = spawned {
        tracing::error!(%error, "the window could not be shown");
    }
}

/// Whether somebody can look.
pub fn is_open(app: &AppHandle) -> bool {
    app.get_webview_window(MAIN).is_some() && matches!(*stage(), Stage::Open)
}

/// Whether somebody can look, or will in a moment.
pub fn is_wanted(app: &AppHandle) -> bool {
    WANTED.load(Ordering::SeqCst) || is_open(app)
}

fn stage() -> MutexGuard<'static, Stage> {
    STAGE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Called when the window was asked to close: from here on it can't be shown any more. Without a tray icon it is only put
/// away into the task bar: the app would be out of reach without it.
pub fn closing(app: &AppHandle, api: &CloseRequestApi) {
    tracing::debug!("the window is asked to close");
    if !crate::tray::host::shows_icons()
        && let Some(window) = app.get_webview_window(MAIN)
        && window.minimize().is_ok()
    {
        return api.prevent_close();
    }
    let mut stage = stage();
    if let Stage::Building { close } = &mut *stage {
        *close = true;
        return api.prevent_close();
    }
    *stage = Stage::Closing { wanted: None };
}

/// Called when a window is gone. WebKit for GTK keeps its network process for the life of the app; without a window it
/// only costs memory, and the next window gets a new one. Only a process that has brought a page up is ended: WebKit
/// aborts the whole app when one dies while it is being launched.
pub fn closed(app: &AppHandle) {
    let loaded = LOADED.swap(false, Ordering::SeqCst);
    tracing::debug!(loaded, "the window is gone");
    let before = std::mem::replace(&mut *stage(), Stage::None);
    if let Stage::Closing { wanted: Some(page) } = before {
        return show(app, &page);
    }
    #[cfg(target_os = "linux")]
    if loaded {
        let app = app.clone();
        std::thread::spawn(move || {
            let _one = SHOWING.lock().unwrap_or_else(PoisonError::into_inner);
            // Windows of documents have network processes too.
            let documents = app.webview_windows().keys().any(|label| crate::canvas::is_one(label));
            if matches!(*stage(), Stage::None) && !documents {
                network_process::end();
            }
        });
    }
    #[cfg(not(target_os = "linux"))]
    let _ = loaded;
}

fn show_now(app: &AppHandle, page: &str) -> tauri::Result<()> {
    tracing::debug!(page, "the window is asked for");
    match &mut *stage() {
        Stage::Closing { wanted } => {
            *wanted = Some(page.to_owned());
            return Ok(());
        }
        Stage::Open | Stage::Building { .. } | Stage::None => {}
    }
    if is_open(app)
        && let Some(window) = app.get_webview_window(MAIN)
    {
        if page != "/" {
            window.eval(format!("location.hash = {}", serde_json::Value::from(format!("#{page}"))))?;
        }
        window.unminimize()?;
        window.show()?;
        return window.set_focus();
    }
    *stage() = Stage::Building { close: false };
    let deadline = Instant::now() + FORGET;
    let outcome = loop {
        match build(app, page) {
            Err(tauri::Error::WebviewLabelAlreadyExists(_) | tauri::Error::WindowLabelAlreadyExists(_))
                if Instant::now() < deadline =>
            {
                std::thread::sleep(Duration::from_millis(10));
            }
            outcome => break outcome,
        }
    };
    let next = if outcome.is_ok() { Stage::Open } else { Stage::None };
    let before = std::mem::replace(&mut *stage(), next);
    let window = outcome?;
    tracing::debug!("the window is built");
    if matches!(before, Stage::Building { close: true }) {
        return window.close();
    }
    window.set_focus()
}

fn build(app: &AppHandle, page: &str) -> tauri::Result<WebviewWindow> {
    let url = if page == "/" { "index.html".to_owned() } else { format!("index.html#{page}") };
    WebviewWindowBuilder::new(app, MAIN, WebviewUrl::App(url.into()))
        .title("Bulkhead")
        .inner_size(1100.0, 760.0)
        .min_inner_size(720.0, 520.0)
        .center()
        .on_navigation(is_own_page)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_page_load(|_, load| {
            if load.event() == PageLoadEvent::Finished {
                LOADED.store(true, Ordering::SeqCst);
            }
        })
        .build()
}

/// Only our own pages open in the window; everything else goes to the system's browser by a command, after a check.
fn is_own_page(url: &tauri::Url) -> bool {
    match url.scheme() {
        "tauri" => url.host_str() == Some("localhost"),
        "http" | "https" => url.host_str() == Some("tauri.localhost") && url.port().is_none(),
        _ => false,
    }
}

#[cfg(target_os = "linux")]
mod network_process {
    use bulkhead_process::ProcessIdentity;
    use std::path::Path;
    use std::time::Duration;

    const NAME: &str = "WebKitNetworkProcess";
    const GRACE: Duration = Duration::from_secs(2);

    /// Ends the network processes that are children of this one.
    pub fn end() {
        for pid in children() {
            let Ok(identity) = ProcessIdentity::of(pid) else { continue };
            let is_it = identity.exe_path.file_name().is_some_and(|name| name == NAME);
            if is_it && let Err(error) = identity.terminate(GRACE) {
                tracing::warn!(%error, pid, "WebKit's network process goes on without a window");
            }
        }
    }

    /// Direct children, as every thread of ours lists those that it started.
    fn children() -> Vec<u32> {
        let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
        tasks
            .filter_map(Result::ok)
            .filter_map(|task| std::fs::read_to_string(Path::new(&task.path()).join("children")).ok())
            .flat_map(|text| text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::is_own_page;

    #[test]
    fn the_window_stays_on_its_own_pages() {
        let own = |text: &str| is_own_page(&text.parse().expect("url"));
        assert!(own("tauri://localhost/index.html#/chat/main"));
        assert!(own("http://tauri.localhost/"));
        for strange in [
            "https://example.org/",
            "http://127.0.0.1:18789/",
            "http://tauri.localhost.example.org/",
            "http://tauri.localhost:8080/",
            "tauri://elsewhere/index.html",
            "data:text/html,x",
            "file:///etc/passwd",
            "about:blank",
        ] {
            assert!(!own(strange), "{strange}");
        }
    }
}
