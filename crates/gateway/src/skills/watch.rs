//! Notices that skills came, went or changed, by what the system tells, and says so.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bulkhead_agent::skills::Root;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use super::places;
use crate::gateway::Gateway;

/// Changes that follow each other are told as one.
const SETTLE: Duration = Duration::from_millis(250);
/// Folders that never rest are looked at after this long anyway.
const LONGEST: Duration = Duration::from_secs(3);

/// Watches until the gateway stops.
pub(crate) async fn watch(gateway: Arc<Gateway>) {
    loop {
        let (sender, mut changes) = mpsc::channel(1);
        let roots = all_places(&gateway);
        let watching = tokio::task::spawn_blocking(move || start(&roots, sender)).await.ok().flatten();
        // Whoever looks from here on sees what the watch no longer tells.
        gateway.skills.forget();
        let told = tokio::select! {
            () = gateway.stop.cancelled() => return,
            () = gateway.skills.places_changed.notified() => false,
            change = changes.recv(), if watching.is_some() => change.is_some(),
        };
        if told {
            let rest =
                async { while let Ok(Some(())) = tokio::time::timeout(SETTLE, changes.recv()).await {} };
            let _ = tokio::time::timeout(LONGEST, rest).await;
            gateway.skills.forget();
            gateway.events.skills_changed("watch");
        }
    }
}

fn all_places(gateway: &Gateway) -> Vec<Root> {
    let settings = gateway.settings.now();
    let mut all: Vec<Root> = Vec::new();
    for agent in settings.agents() {
        for root in places(&gateway.place, &settings.environment, &settings.config, &agent.workspace) {
            if all.iter().all(|known| known.path != root.path) {
                all.push(root);
            }
        }
    }
    all
}

/// A folder that is not there yet is waited for in the nearest one above it.
fn start(roots: &[Root], sender: mpsc::Sender<()>) -> Option<RecommendedWatcher> {
    let paths: Vec<PathBuf> =
        roots.iter().map(|root| bulkhead_profile::files::canonical(&root.path)).collect();
    let concerned = paths.clone();
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return };
        if matches!(event.kind, EventKind::Access(_)) {
            return;
        }
        let ours =
            |path: &PathBuf| concerned.iter().any(|root| path.starts_with(root) || root.starts_with(path));
        if event.paths.iter().any(ours) {
            // One waiting notice is enough.
            let _ = sender.try_send(());
        }
    });
    let mut watcher = watcher
        .inspect_err(|error| tracing::warn!(%error, "skills are not watched; changes count after a restart"))
        .ok()?;
    for path in &paths {
        let watched = if path.is_dir() {
            watcher.watch(path, RecursiveMode::Recursive)
        } else {
            match nearest(path) {
                Some(above) => watcher.watch(above, RecursiveMode::NonRecursive),
                None => continue,
            }
        };
        if let Err(error) = watched {
            tracing::debug!(path = %path.display(), %error, "this place of skills is not watched");
        }
    }
    Some(watcher)
}

fn nearest(path: &Path) -> Option<&Path> {
    path.ancestors().skip(1).find(|above| above.is_dir())
}
