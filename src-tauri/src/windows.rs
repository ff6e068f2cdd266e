//! The one window, made on demand and destroyed on close: a hidden app has no web process.

use tauri::{AppHandle, Manager, WebviewUrl, WebviewWindowBuilder};

/// Label of the window; the capability file grants rights to this label only.
pub const MAIN: &str = "main";

/// Shows the window at a page (`/`, `/chat/main`, `/logs/rescue`), building it first if there is none. Returns at once:
/// a window is built off the main thread, because building one there would wait for itself.
pub fn show(app: &AppHandle, page: &str) {
    let app = app.clone();
    let page = page.to_owned();
    std::thread::spawn(move || {
        if let Err(error) = show_now(&app, &page) {
            tracing::error!(%error, "the window could not be shown");
        }
    });
}

/// Whether somebody can look.
pub fn is_open(app: &AppHandle) -> bool {
    app.get_webview_window(MAIN).is_some()
}

fn show_now(app: &AppHandle, page: &str) -> tauri::Result<()> {
    if let Some(window) = app.get_webview_window(MAIN) {
        if page != "/" {
            window.eval(format!("location.hash = {}", serde_json::Value::from(format!("#{page}"))))?;
        }
        window.unminimize()?;
        window.show()?;
        return window.set_focus();
    }
    let url = if page == "/" { "index.html".to_owned() } else { format!("index.html#{page}") };
    let window = WebviewWindowBuilder::new(app, MAIN, WebviewUrl::App(url.into()))
        .title("Bulkhead")
        .inner_size(1100.0, 760.0)
        .min_inner_size(720.0, 520.0)
        .center()
        .on_navigation(is_own_page)
        .on_new_window(|_, _| tauri::webview::NewWindowResponse::Deny)
        .build()?;
    window.set_focus()
}

/// Only our own pages open in the window; everything else goes to the system's browser by a command, after a check.
fn is_own_page(url: &tauri::Url) -> bool {
    url.scheme() == "tauri" || (url.scheme() == "http" && url.host_str() == Some("tauri.localhost"))
}

#[cfg(test)]
mod tests {
    use super::is_own_page;

    #[test]
    fn the_window_stays_on_its_own_pages() {
        let own = |text: &str| is_own_page(&text.parse().expect("url"));
        assert!(own("tauri://localhost/index.html#/chat/main"));
        assert!(own("http://tauri.localhost/"));
        assert!(!own("https://example.org/"));
        assert!(!own("http://127.0.0.1:18789/"));
        assert!(!own("http://tauri.localhost.example.org/"));
        assert!(!own("data:text/html,x"));
    }
}
