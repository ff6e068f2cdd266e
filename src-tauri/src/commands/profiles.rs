//! Profiles and their gateways: cards, start, stop, restart, logs.

use crate::attach::{self, Elsewhere};
use crate::cards::ProfileCard;
use crate::failure::Answer;
use crate::fleet::{Fleet, logs};
use serde_json::Value;
use tauri::State;

/// All profiles of this machine with what is known of their gateways now. Profiles made or removed meanwhile, by the
/// command line for example, are found.
#[tauri::command]
#[specta::specta]
pub async fn profiles_list(fleet: State<'_, Fleet>) -> Answer<Vec<ProfileCard>> {
    fleet.look().await;
    fleet.known_cards().await
}

/// Starts a gateway, by its owner's supervisor.
#[tauri::command]
#[specta::specta]
pub async fn profile_start(fleet: State<'_, Fleet>, profile: String) -> Answer<()> {
    fleet.start(&profile).await
}

/// Stops a gateway, by its owner's supervisor.
#[tauri::command]
#[specta::specta]
pub async fn profile_stop(fleet: State<'_, Fleet>, profile: String) -> Answer<()> {
    fleet.stop(&profile).await
}

/// Restarts a gateway, by its owner's supervisor.
#[tauri::command]
#[specta::specta]
pub async fn profile_restart(fleet: State<'_, Fleet>, profile: String) -> Answer<()> {
    fleet.restart(&profile).await
}

/// Attaches a gateway elsewhere, under a profile of its own. Answers with its version.
#[tauri::command]
#[specta::specta]
pub async fn gateway_attach(fleet: State<'_, Fleet>, elsewhere: Elsewhere) -> Answer<String> {
    let version = attach::attach(elsewhere, fleet.env()).await?;
    fleet.refresh().await;
    Ok(version)
}

/// Lines of a gateway's log from its file, so that they can be read when the gateway is down. `cursor` is a byte offset;
/// without one the newest lines come.
#[tauri::command]
#[specta::specta]
pub async fn logs_tail(
    fleet: State<'_, Fleet>,
    profile: String,
    cursor: Option<u64>,
    limit: u32,
) -> Answer<Value> {
    logs::tail(&fleet, &profile, cursor, limit).await
}
