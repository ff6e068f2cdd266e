//! Updates, as the settings page shows and asks for them.

use crate::failure::Answer;
use crate::fleet::Fleet;
use crate::updates::{UpdateState, Updates};
use tauri::{AppHandle, State};

/// How this installation is updated, and which program the gateways run.
#[tauri::command]
#[specta::specta]
#[expect(clippy::needless_pass_by_value, reason = "Tauri hands its state over by value")]
pub fn update_state(updates: State<'_, Updates>) -> UpdateState {
    updates.state()
}

/// Asks whether there is a newer version; nothing is downloaded.
#[tauri::command]
#[specta::specta]
pub async fn update_check(updates: State<'_, Updates>) -> Answer<UpdateState> {
    updates.check().await
}

/// Downloads the version that was found, lets the gateways finish, and starts the app anew with it.
#[tauri::command]
#[specta::specta]
pub async fn update_install(updates: State<'_, Updates>, fleet: State<'_, Fleet>) -> Answer<()> {
    updates.install(&fleet).await
}

/// Puts main back on the previous program, with the database of before.
#[tauri::command]
#[specta::specta]
pub async fn update_back(updates: State<'_, Updates>, fleet: State<'_, Fleet>) -> Answer<UpdateState> {
    updates.go_back(&fleet, "somebody asked for it").await?;
    Ok(updates.state())
}

/// Lets the gateways finish and starts the app anew, after its own program was replaced.
#[tauri::command]
#[specta::specta]
pub async fn app_restart(app: AppHandle, fleet: State<'_, Fleet>) -> Answer<()> {
    fleet.shutdown().await;
    app.restart()
}
