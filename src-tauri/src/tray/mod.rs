//! The tray: one glyph with four states, a submenu per profile.

pub mod host;
mod menu;
mod state;

use crate::announcements::Announcements;
use crate::autostart::{self, Autostart};
use crate::fleet::Fleet;
use crate::language::texts;
use crate::{language, quit, updates, windows, words};
pub use menu::is_up;
use menu::{Action, Item, Model};
use state::Debounce;
pub use state::TrayState;
use std::time::{Duration, Instant};
use tauri::image::Image;
use tauri::menu::{CheckMenuItemBuilder, Menu, MenuBuilder, MenuItemBuilder, SubmenuBuilder};
use tauri::tray::{MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent};
use tauri::{AppHandle, Manager, Wry};

const TRAY: &str = "main";
/// How long a pause lasts.
const PAUSE: Duration = Duration::from_hours(1);

/// Puts the icon up and keeps it true.
pub fn install(app: &AppHandle) -> tauri::Result<()> {
    let menu = build_menu(app, &Model::of(&[], autostart::is_on(app).unwrap_or(false)))?;
    let tray = TrayIconBuilder::with_id(TRAY)
        .icon(icon(TrayState::Idle))
        .icon_as_template(cfg!(target_os = "macos"))
        .tooltip(texts::tray_all_starting())
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
            let outcome = autostart::is_on(app).and_then(|on| autostart::set(app, !on));
            if let Err(failure) = outcome {
                tracing::error!(code = failure.code, "{}", failure.message);
                windows::show(app, "/settings");
            }
        }
        Action::Updates => updates::check(app),
        Action::Quit => quit::quit(app),
        Action::Approvals(name) => windows::show(app, &format!("/approvals/{name}")),
        Action::Pause | Action::Resume => {
            let app = app.clone();
            tauri::async_runtime::spawn(async move {
                let fleet = app.state::<Fleet>();
                let refused = match action {
                    Action::Pause => fleet.pause(PAUSE).await,
                    _ => fleet.resume().await,
                };
                if refused {
                    windows::show(&app, "/");
                }
            });
        }
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
    let mut switched = app.state::<Autostart>().changes();
    let mut said = app.state::<Announcements>().changes();
    let mut spoken = language::changes();
    let mut debounce = Debounce::new(TrayState::Idle);
    let mut shown_icon = None;
    let mut shown_menu = None;
    loop {
        let list = cards.borrow_and_update().clone();
        let states: Vec<_> = list.iter().map(|card| card.state).collect();
        let troubled = said.borrow_and_update().iter().any(|one| one.holds);
        let state = TrayState::of(&states).troubled(troubled);
        let due = debounce.observe(state, Instant::now());
        let icon_now = (debounce.shown(), *spoken.borrow_and_update());
        if shown_icon.replace(icon_now) != Some(icon_now) {
            let _ = tray.set_icon_with_as_template(Some(icon(debounce.shown())), cfg!(target_os = "macos"));
            let _ = tray.set_tooltip(Some(words::tray(debounce.shown())));
        }
        let model = Model::of(&list, autostart::is_on(&app).unwrap_or(false));
        // A switch was clicked: the desktop may have moved its mark although nothing changed.
        let clicked = switched.has_changed().unwrap_or(false);
        switched.mark_unchanged();
        if clicked || shown_menu.as_ref() != Some(&(model.clone(), icon_now.1)) {
            put_up(&app, &tray, model.clone());
            shown_menu = Some((model, icon_now.1));
        }
        let later = async {
            match due {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = cards.changed() => if changed.is_err() { return },
            changed = said.changed() => if changed.is_err() { return },
            changed = spoken.changed() => if changed.is_err() { return },
            changed = switched.changed() => {
                if changed.is_err() {
                    return;
                }
                switched.mark_changed();
            }
            () = later => {}
        }
    }
}

/// Builds the menu on the main thread, where all of it is one step, and waits for nothing.
fn put_up(app: &AppHandle, tray: &TrayIcon<Wry>, model: Model) {
    let (handle, tray) = (app.clone(), tray.clone());
    let posted = app.run_on_main_thread(move || {
        let outcome = build_menu(&handle, &model).and_then(|menu| tray.set_menu(Some(menu)));
        if let Err(error) = outcome {
            tracing::error!(%error, "the tray menu could not be built");
        }
    });
    if let Err(error) = posted {
        tracing::error!(%error, "the tray menu could not be built");
    }
}

fn build_menu(app: &AppHandle, model: &Model) -> tauri::Result<Menu<Wry>> {
    let mut builder = MenuBuilder::new(app);
    let entry =
        |item: &Item| MenuItemBuilder::with_id(item.action.id(), &item.text).enabled(item.enabled).build(app);
    for (line, items) in &model.profiles {
        let mut submenu = SubmenuBuilder::new(app, line);
        for item in items {
            submenu = submenu.item(&entry(item)?);
        }
        builder = builder.item(&submenu.build()?);
    }
    for item in &model.all {
        builder = builder.item(&entry(item)?);
    }
    if !model.profiles.is_empty() {
        builder = builder.separator();
    }
    builder
        .item(&MenuItemBuilder::with_id(Action::Open.id(), texts::tray_open()).build(app)?)
        .item(
            &CheckMenuItemBuilder::with_id(Action::ToggleAutostart.id(), texts::tray_autostart())
                .checked(model.autostart)
                .build(app)?,
        )
        .item(&MenuItemBuilder::with_id(Action::Updates.id(), texts::tray_updates()).build(app)?)
        .separator()
        .item(&MenuItemBuilder::with_id(Action::Quit.id(), texts::tray_quit()).build(app)?)
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
