//! Watching the register of profiles, so that an app without a window finds what the command line made or removed.

use super::Fleet;
use bulkhead_profile::Register;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// One change writes the register more than once: a look waits until it has settled.
const SETTLED: Duration = Duration::from_millis(200);
/// How often a profile that is still being made is looked at again, and a folder that can't be watched yet.
const AGAIN: Duration = Duration::from_secs(2);

impl Fleet {
    /// Looks at the register whenever it changes, as long as the app lives.
    pub async fn follow_register(self) {
        let file = Register::open(&self.inner.env).path().to_path_buf();
        let changed = Arc::new(Notify::new());
        let mut watcher = None;
        loop {
            if watcher.is_none() {
                watcher = watch(file.clone(), &changed);
            }
            let unfinished = watcher.is_none() || self.any_unfinished();
            tokio::select! {
                () = changed.notified() => {}
                () = tokio::time::sleep(AGAIN), if unfinished => {}
            }
            tokio::time::sleep(SETTLED).await;
            self.look().await;
        }
    }

    /// A profile that is in the register and has no configuration yet.
    fn any_unfinished(&self) -> bool {
        self.units().values().any(|unit| unit.is_unfinished())
    }
}

/// A watcher of the file's folder (the file itself is replaced by each change); `None` while there is no such folder.
fn watch(file: PathBuf, changed: &Arc<Notify>) -> Option<RecommendedWatcher> {
    let folder = file.parent().filter(|folder| folder.is_dir())?.to_path_buf();
    let told = Arc::clone(changed);
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let matters = event
            .is_ok_and(|event| !matches!(event.kind, EventKind::Access(_)) && event.paths.contains(&file));
        if matters {
            told.notify_one();
        }
    });
    let mut watcher = watcher.ok()?;
    watcher.watch(&folder, RecursiveMode::NonRecursive).ok()?;
    // What changed before the watch began is looked at once.
    changed.notify_one();
    Some(watcher)
}
