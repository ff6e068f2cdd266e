//! The tray: one glyph with four states, a submenu per profile.

mod menu;
mod state;

use crate::cards::ProfileCard;
use crate::fleet::Fleet;
use crate::{quit, windows};
use menu::Action;
use state::{Debounce, TrayState};
use std::time::Instant;
use tauri::image::Image;
use tauri::menu::{CheckMenuItemBuilder, Menu, MenuBuilder, MenuItemBuilder, SubmenuBuilder};
use tauri::tray::{MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent};
use tauri::{AppHandle, Manager, Wry};
use tauri_plugin_autostart::ManagerExt;

const TRAY: &str = "main";

/// Puts the icon up and keeps it true.
pub fn install(app: &AppHandle) -> tauri::Result<()> {
    let menu = build_menu(app, &[])?;
    let tray = TrayIconBuilder::with_id(TRAY)
        .icon(icon(TrayState::Idle))
        .icon_as_template(cfg!(target_os = "macos"))
        .tooltip("Bulkhead: starting")
        .menu(&menu)
        .show_menu_on_left_click(cfg!(target_os = "macos"))
        .on_menu_event(|app, event| {
            if let Some(action) = Action::from_id(event.id().as_ref()) {
                perform(app, action);
            }
        })
        .on_tray_icon_event(|tray, event| {
            if let TrayIconEvent::Click {
                button: MouseButton::Left, button_state: MouseButtonState::Up, ..
            } = event
                && !cfg!(target_os = "macos")
            {
                windows::show(tray.app_handle(), "/");
            }
        })
        .build(app)?;
    tauri::async_runtime::spawn(follow(app.clone(), tray));
    Ok(())
}

fn perform(app: &AppHandle, action: Action) {
    match action {
        Action::Open => windows::show(app, "/"),
        Action::Chat(name) => windows::show(app, &format!("/chat/{name}")),
        Action::Logs(name) => windows::show(app, &format!("/logs/{name}")),
        Action::ToggleAutostart => {
            let autolaunch = app.autolaunch();
            let enabled = autolaunch.is_enabled().unwrap_or(false);
            let outcome = if enabled { autolaunch.disable() } else { autolaunch.enable() };
            if let Err(error) = outcome {
                tracing::error!(%error, "start at login could not be changed");
            }
            app.state::<Fleet>().announce();
        }
        Action::Quit => quit::quit(app),
        Action::Start(name) | Action::Stop(name) | Action::Restart(name) if name.is_empty() => {}
        Action::Start(_) | Action::Stop(_) | Action::Restart(_) => {
            let app = app.clone();
            tauri::async_runtime::spawn(async move {
                let fleet = app.state::<Fleet>();
                let outcome = match &action {
                    Action::Start(name) => fleet.start(name).await,
                    Action::Stop(name) => fleet.stop(name).await,
                    Action::Restart(name) => fleet.restart(name).await,
                    _ => Ok(()),
                };
                if let Err(failure) = outcome {
                    tracing::warn!(code = failure.code, "{}", failure.message);
                    windows::show(&app, "/");
                }
            });
        }
    }
}

/// Waits for changes of the cards; wakes for nothing else but the moment a held-back state becomes due.
async fn follow(app: AppHandle, tray: TrayIcon<Wry>) {
    let mut cards = app.state::<Fleet>().cards_receiver();
    let mut debounce = Debounce::new(TrayState::Idle);
    let mut shown: Option<TrayState> = None;
    loop {
        let list = cards.borrow_and_update().clone();
        let states: Vec<_> = list.iter().map(|card| card.state).collect();
        let due = debounce.observe(TrayState::of(&states), Instant::now());
        if shown != Some(debounce.shown()) {
            shown = Some(debounce.shown());
            let _ = tray.set_icon_with_as_template(Some(icon(debounce.shown())), cfg!(target_os = "macos"));
            let _ = tray.set_tooltip(Some(format!("Bulkhead: {}", debounce.shown().words())));
        }
        match build_menu(&app, &list) {
            Ok(menu) => {
                let _ = tray.set_menu(Some(menu));
            }
            Err(error) => tracing::error!(%error, "the tray menu could not be built"),
        }
        match due {
            Some(at) => {
                tokio::select! {
                    changed = cards.changed() => if changed.is_err() { return },
                    () = tokio::time::sleep_until(at.into()) => {}
                }
            }
            None => {
                if cards.changed().await.is_err() {
                    return;
                }
            }
        }
    }
}

fn build_menu(app: &AppHandle, cards: &[ProfileCard]) -> tauri::Result<Menu<Wry>> {
    let mut builder = MenuBuilder::new(app);
    for card in cards {
        let mut submenu = SubmenuBuilder::new(app, menu::line(card));
        for item in menu::items(card) {
            submenu = submenu.item(
                &MenuItemBuilder::with_id(item.action.id(), item.text).enabled(item.enabled).build(app)?,
            );
        }
        builder = builder.item(&submenu.build()?);
    }
    if !cards.is_empty() {
        builder = builder.separator();
    }
    let autostart = app.autolaunch().is_enabled().unwrap_or(false);
    builder
        .item(&MenuItemBuilder::with_id(Action::Open.id(), "Open Bulkhead").build(app)?)
        .item(
            &CheckMenuItemBuilder::with_id(Action::ToggleAutostart.id(), "Start at login")
                .checked(autostart)
                .build(app)?,
        )
        .separator()
        .item(
            &MenuItemBuilder::with_id(Action::Quit.id(), "Quit (stops the gateways that the app runs)")
                .build(app)?,
        )
        .build()
}

fn icon(state: TrayState) -> Image<'static> {
    if cfg!(target_os = "macos") {
        match state {
            TrayState::Well => tauri::include_image!("../icons/tray/well-template.png"),
            TrayState::Attention => tauri::include_image!("../icons/tray/attention-template.png"),
            TrayState::Down => tauri::include_image!("../icons/tray/down-template.png"),
            TrayState::Idle => tauri::include_image!("../icons/tray/idle-template.png"),
        }
    } else {
        match state {
            TrayState::Well => tauri::include_image!("../icons/tray/well.png"),
            TrayState::Attention => tauri::include_image!("../icons/tray/attention.png"),
            TrayState::Down => tauri::include_image!("../icons/tray/down.png"),
            TrayState::Idle => tauri::include_image!("../icons/tray/idle.png"),
        }
    }
}
