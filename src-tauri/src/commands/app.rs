//! The app itself: version, start at login, links to the outside.
#![allow(clippy::needless_pass_by_value, reason = "commands get their arguments by value from the page")]

use crate::failure::{Answer, Failure};
use crate::{announcements, autostart, language, quit};
use serde::Serialize;
use tauri::AppHandle;
use tauri_plugin_opener::OpenerExt;

/// What the settings page shows of the app.
#[derive(Debug, Serialize, specta::Type)]
#[serde(rename_all = "camelCase")]
pub struct AppInfo {
    /// Version of the app and the gateway it brings.
    pub version: String,
    /// `linux`, `macos` or `windows`.
    pub platform: String,
    /// Commit that it was built from, where the build knew.
    pub commit: Option<String>,
}

/// Version and platform.
#[tauri::command]
#[specta::specta]
pub fn app_info(app: AppHandle) -> AppInfo {
    AppInfo {
        version: app.package_info().version.to_string(),
        commit: option_env!("BULKHEAD_COMMIT").map(str::to_owned),
        platform: std::env::consts::OS.to_owned(),
    }
}

/// Whether the app starts at login.
#[tauri::command]
#[specta::specta]
pub async fn autostart_get(app: AppHandle) -> Answer<bool> {
    autostart::is_on(&app)
}

/// Turns start at login on or off.
#[tauri::command]
#[specta::specta]
pub async fn autostart_set(app: AppHandle, enabled: bool) -> Answer<()> {
    autostart::set(&app, enabled)
}

/// The language that the page is in; the tray, notifications and announcements follow it.
#[tauri::command]
#[specta::specta]
pub async fn language_set(app: AppHandle, tag: String) -> Answer<()> {
    language::choose(&app, &tag)
}

/// Opens a link in the system's browser. Only web and mail addresses: a page that an agent wrote must not start programs.
#[tauri::command]
#[specta::specta]
pub fn open_external(app: AppHandle, url: String) -> Answer<()> {
    if !is_openable(&url) {
        return Err(Failure::new(
            "link-refused",
            format!("This link was not opened: {}", url.chars().take(200).collect::<String>()),
            "Only http, https and mailto links are opened. Copy it if you trust it.",
        ));
    }
    app.opener().open_url(url, None::<&str>).map_err(|error| {
        Failure::new(
            "no-browser",
            format!("The link could not be opened: {error}."),
            "Copy it into your browser.",
        )
    })
}

/// Puts away something that the app said.
#[tauri::command]
#[specta::specta]
pub fn announcement_dismiss(app: AppHandle, code: String) {
    announcements::dismiss(&app, &code);
}

/// Stops the gateways that the app runs, and ends it.
#[tauri::command]
#[specta::specta]
pub fn app_quit(app: AppHandle) {
    quit::quit(&app);
}

fn is_openable(text: &str) -> bool {
    text.len() <= 4096
        && text.parse::<tauri::Url>().is_ok_and(|url| match url.scheme() {
            "http" | "https" => {
                url.host_str().is_some() && url.username().is_empty() && url.password().is_none()
            }
            "mailto" => true,
            _ => false,
        })
}

#[cfg(test)]
mod tests {
    use super::is_openable;

    #[test]
    fn only_web_and_mail_links_leave_the_app() {
        assert!(is_openable("https://t.me/BotFather"));
        assert!(is_openable("mailto:someone@example.org"));
        for bad in [
            "file:///etc/passwd",
            "javascript:alert(1)",
            "tauri://localhost",
            "smb://x/y",
            "nonsense",
            "https://a:b@c/",
        ] {
            assert!(!is_openable(bad), "{bad}");
        }
    }
}
