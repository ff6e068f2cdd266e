//! The end: gateways that the app runs are stopped in order, those of others go on.

use crate::fleet::Fleet;
use std::time::Duration;
use tauri::{AppHandle, Manager};

/// How long the gateways may take to drain before the app ends anyway; closing their standard input then ends them.
const DRAIN: Duration = Duration::from_secs(8);

/// Stops what the app runs, then ends the app.
pub fn quit(app: &AppHandle) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let fleet = app.state::<Fleet>().inner().clone();
        if tokio::time::timeout(DRAIN, fleet.shutdown()).await.is_err() {
            tracing::warn!("a gateway did not stop in time");
        }
        app.exit(0);
    });
}
