//! Notices that the configuration file changed. Watches its directory, because editors and we replace the file.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

/// Writes that follow each other are taken as one.
const SETTLE: Duration = Duration::from_millis(120);
/// A file that never rests is read after this long anyway.
const LONGEST: Duration = Duration::from_secs(2);

/// Tells changes of one file.
pub(crate) struct ConfigWatch {
    changes: mpsc::Receiver<()>,
    /// A change was noticed and not told yet: whoever waits may give up and come again.
    noticed: bool,
    _watcher: Option<RecommendedWatcher>,
}

impl ConfigWatch {
    /// Watches from now on. Where that is impossible, changes take effect at the next start, and the log says so.
    pub(crate) fn start(file: &Path) -> Self {
        let (sender, changes) = mpsc::channel(1);
        let name = file.file_name().map(OsString::from).unwrap_or_default();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            let ours = event.paths.iter().any(|path| path.file_name() == Some(&name));
            if ours && !matches!(event.kind, EventKind::Access(_)) {
                // One waiting notice is enough.
                let _ = sender.try_send(());
            }
        });
        let watching = watcher.and_then(|mut watcher| {
            let directory = file.parent().unwrap_or(Path::new("."));
            watcher.watch(directory, RecursiveMode::NonRecursive)?;
            Ok(watcher)
        });
        let watcher = watching
            .inspect_err(|error| {
                tracing::warn!(%error, "the configuration is not watched; a change takes effect after a restart");
            })
            .ok();
        Self { changes, noticed: false, _watcher: watcher }
    }

    /// Waits until the file changed and rests.
    pub(crate) async fn changed(&mut self) {
        if !self.noticed && self.changes.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
        self.noticed = true;
        let rest =
            async { while let Ok(Some(())) = tokio::time::timeout(SETTLE, self.changes.recv()).await {} };
        let _ = tokio::time::timeout(LONGEST, rest).await;
        self.noticed = false;
    }
}
