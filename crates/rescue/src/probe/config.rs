//! The configuration file: is it there, can it be used? Listened to where the system tells of changes, and looked at
//! every other second all the same.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bulkhead_config::{ConfigDocument, ConfigStore, hash_bytes};
use bulkhead_profile::files;
use notify::{RecursiveMode, Watcher as _};
use tokio::sync::Notify;

use super::{ConfigTarget, Eye, TargetKind};
use crate::observation::{ConfigSeen, ConfigTrouble, Observation};
use crate::openclaw;

const EVERY: Duration = Duration::from_secs(2);
const LIMIT: u64 = 4 * 1024 * 1024;

pub(super) async fn run(eye: Eye) {
    let Some(target) = eye.target.config.clone() else { return };
    let written = Arc::new(Notify::new());
    let _listening = listen(&target.path, &written);
    let mut stamp = None;
    let baseline = openclaw::Baseline::default();
    loop {
        let began = eye.now();
        let now = stamp_of(&target.path);
        if stamp.as_ref() != Some(&now) {
            let (looked, kind, baseline) = (target.clone(), eye.target.kind, baseline.clone());
            let seen = tokio::task::spawn_blocking(move || look(&looked, kind, &baseline)).await;
            if let Ok(seen) = seen {
                stamp = Some(now);
                eye.saw(began, Observation::Config(seen)).await;
            }
        }
        tokio::select! {
            () = written.notified() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Hears of changes of the file; its directory is listened to, because files are replaced.
fn listen(path: &Path, written: &Arc<Notify>) -> Option<notify::RecommendedWatcher> {
    let written = Arc::clone(written);
    let name = path.file_name()?.to_owned();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let concerns = |event: &notify::Event| {
            !event.kind.is_access() && event.paths.iter().any(|path| path.file_name() == Some(&name))
        };
        if event.is_ok_and(|event| concerns(&event)) {
            written.notify_one();
        }
    })
    .ok()?;
    watcher.watch(path.parent()?, RecursiveMode::NonRecursive).ok()?;
    Some(watcher)
}

/// What changes when a file is written.
fn stamp_of(path: &Path) -> Option<(u64, Option<SystemTime>, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
    #[cfg(not(unix))]
    let inode = 0;
    Some((metadata.len(), metadata.modified().ok(), inode))
}

/// Looks at the file.
pub(crate) fn look(target: &ConfigTarget, kind: TargetKind, baseline: &openclaw::Baseline) -> ConfigSeen {
    let path = target.path.display().to_string();
    let bytes = match files::read_limited(&target.path, LIMIT) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            // A profile of ours may do without a file; one that had one may not.
            let had_one = target.last_good.as_deref().is_none_or(Path::exists);
            return ConfigSeen { path, hash: None, trouble: had_one.then_some(ConfigTrouble::Missing) };
        }
        Err(error) => {
            let trouble = Some(ConfigTrouble::Invalid { problem: format!("It cannot be read: {error}.") });
            return ConfigSeen { path, hash: None, trouble };
        }
    };
    let hash = Some(hash_bytes(&bytes));
    let trouble = if bytes.iter().all(u8::is_ascii_whitespace) {
        Some(ConfigTrouble::Empty)
    } else if kind == TargetKind::OpenClaw {
        openclaw::trouble_of(&bytes, baseline)
    } else {
        bundled(target, &bytes)
    };
    ConfigSeen { path, hash, trouble }
}

/// By the same rules as the gateway itself.
fn bundled(target: &ConfigTarget, bytes: &[u8]) -> Option<ConfigTrouble> {
    let last_good = target.last_good.as_deref()?;
    let problem = match ConfigStore::at(&target.path, last_good).load() {
        Ok(loaded) => loaded.broken_reason()?.to_owned(),
        Err(error) => error.to_string(),
    };
    let problem = crate::alert::text::shorten(&problem, 400);
    let emptied = std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| ConfigDocument::parse("config", text).ok())
        .is_some_and(|document| document.value().as_object().is_none_or(serde_json::Map::is_empty));
    Some(if emptied { ConfigTrouble::Empty } else { ConfigTrouble::Invalid { problem } })
}
