//! The baseline of the benchmark: a Tauri window with one line of text, a tray icon, and nothing else.
#![cfg_attr(all(windows, not(debug_assertions)), windows_subsystem = "windows")]

use tauri::tray::TrayIconBuilder;
use tauri::{RunEvent, WebviewUrl, WebviewWindowBuilder};

const PAGE: &str = "<!doctype html><title>bare</title><main>bare</main>";

fn main() -> anyhow::Result<()> {
    let hidden = std::env::args().any(|argument| argument == "--hidden");
    let app = tauri::Builder::default()
        .register_uri_scheme_protocol("bare", |_, _| {
            tauri::http::Response::builder()
                .header("Content-Type", "text/html")
                .body(PAGE.as_bytes())
                .unwrap_or_default()
        })
        .setup(move |app| {
            TrayIconBuilder::new().icon(tauri::include_image!("../icons/tray/idle.png")).build(app)?;
            if !hidden {
                let page = WebviewUrl::CustomProtocol("bare://localhost/".parse()?);
                WebviewWindowBuilder::new(app, "main", page).inner_size(1100.0, 760.0).build()?;
            }
            Ok(())
        })
        .build(tauri::generate_context!("tauri.conf.json"))?;
    app.run(|_, event| {
        if let RunEvent::ExitRequested { code: None, api, .. } = event {
            api.prevent_exit();
        }
    });
    Ok(())
}
