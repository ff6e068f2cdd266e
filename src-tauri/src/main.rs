//! The desktop app: a tray icon, one window on demand, a gateway per profile as managed sidecar.
//!
//! It does no gateway work: it supervises `bulkhead` processes, talks to them by the public protocol, and lets
//! `bulkhead onboard` look at the machine and write on it.
#![cfg_attr(all(windows, not(debug_assertions)), windows_subsystem = "windows")]

mod announcements;
mod attach;
mod autostart;
mod bindings;
mod canvas;
mod cards;
mod commands;
mod failure;
mod fleet;
mod language;
mod last_run;
mod launch;
mod links;
mod log;
mod node;
mod notices;
mod quit;
mod setup_cli;
mod surroundings;
mod tray;
mod updates;
mod windows;
mod words;

use tauri::{Manager, RunEvent, WindowEvent};

/// Given by the login item: start without a window.
pub const HIDDEN: &str = "--hidden";

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    log::install(arguments.iter().any(|argument| argument == "--verbose"));
    let hidden = arguments.iter().any(|argument| argument == HIDDEN);
    let link = arguments.iter().find(|argument| links::is_link(argument)).cloned();

    #[cfg(target_os = "linux")]
    if let Err(error) = gtk::init() {
        anyhow::bail!(
            "the app found no screen to show itself on ({error}; DISPLAY is {}, WAYLAND_DISPLAY is {}), expected a desktop session. Start it there; on a machine without a desktop run `bulkhead onboard`, then `bulkhead gateway supervise`",
            shown_variable("DISPLAY"),
            shown_variable("WAYLAND_DISPLAY"),
        );
    }

    let app = tauri::Builder::default()
        // First, so that a second start ends before it does anything.
        .plugin(tauri_plugin_single_instance::init(|app, arguments, _| {
            match arguments.iter().find(|argument| links::is_link(argument)) {
                Some(link) => links::open(app, link),
                None if arguments.iter().any(|argument| argument == HIDDEN) => {}
                None => windows::show(app, "/"),
            }
        }))
        .plugin(tauri_plugin_shell::init())
        .plugin(tauri_plugin_opener::init())
        .plugin(tauri_plugin_deep_link::init())
        .plugin(tauri_plugin_updater::Builder::new().build())
        .plugin(tauri_plugin_window_state::Builder::default().build())
        .plugin(tauri_plugin_autostart::init(
            tauri_plugin_autostart::MacosLauncher::LaunchAgent,
            Some(vec![HIDDEN]),
        ))
        .invoke_handler(bindings::builder().invoke_handler())
        .setup(move |app| {
            #[cfg(target_os = "macos")]
            app.set_activation_policy(tauri::ActivationPolicy::Accessory);
            language::begin(app.handle());
            let fleet = fleet::Fleet::new(app.handle().clone());
            app.manage(fleet.clone());
            let updates = updates::Updates::new(app.handle());
            app.manage(updates.clone());
            app.manage(autostart::Autostart::new());
            app.manage(canvas::Canvas::default());
            app.manage(announcements::Announcements::new());
            notices::follow(app.handle(), fleet.desktop());
            quit::on_lost_display(app.handle());
            quit::on_signals(app.handle());
            match tray::install(app.handle()) {
                Ok(()) => tray::host::follow(app.handle()),
                Err(error) => {
                    tracing::warn!(%error, "this desktop shows no tray icon");
                    tray::host::give_up(app.handle());
                }
            }
            surroundings::follow(app.handle());
            links::listen(app.handle());
            match &link {
                Some(link) => links::open(app.handle(), link),
                None if hidden => {}
                None => windows::show(app.handle(), "/"),
            }
            // After the window was asked for: what it will show needs no notification.
            last_run::begin(app.handle());
            tauri::async_runtime::spawn(async move {
                updates.begin().await;
                tauri::async_runtime::spawn(updates.follow(fleet.clone()));
                fleet.refresh().await;
                fleet.follow_register().await;
            });
            Ok(())
        })
        .build(tauri::generate_context!())?;
    app.run(|app, event| match event {
        // The last window closed: the tray stays.
        RunEvent::ExitRequested { code: None, api, .. } => api.prevent_exit(),
        RunEvent::WindowEvent { label, event, .. } if canvas::is_one(&label) => {
            if matches!(event, WindowEvent::Destroyed) {
                app.state::<canvas::Canvas>().gone(&label);
            }
        }
        RunEvent::WindowEvent { event: WindowEvent::CloseRequested { api, .. }, .. } => {
            windows::closing(app, &api);
        }
        RunEvent::WindowEvent { event: WindowEvent::Destroyed, .. } => windows::closed(app),
        _ => {}
    });
    Ok(())
}

#[cfg(target_os = "linux")]
fn shown_variable(name: &str) -> String {
    std::env::var(name).map_or_else(|_| "not set".to_owned(), |value| format!("{value:?}"))
}
