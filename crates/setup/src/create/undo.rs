//! Taking back what was begun: only what this program made, only where nobody changed it.

use std::fs;
use std::path::PathBuf;

use bulkhead_config::SecretSource;
use bulkhead_profile::{Register, files};
use bulkhead_secrets::SecretId;

use super::journal::{Entry, hashes};
use crate::event::{ProgressState, Reporter, Step};
use crate::import;
use crate::world::World;

/// Undoes profiles, the last one first. Returns what could not be undone yet (a keychain that is locked now), for the
/// next run.
pub(super) async fn undo_all(entries: &[Entry], world: &World, report: &Reporter<'_>) -> Vec<Entry> {
    let mut left = Vec::new();
    for entry in entries.iter().rev() {
        let secrets = undo(entry, world).await;
        let (code, message) = if secrets.is_empty() {
            ("undone", format!("What was begun for {} was taken back.", entry.name))
        } else {
            left.push(Entry { secrets: secrets.clone(), ..entry.clone() });
            (
                "undone-partly",
                format!(
                    "What was begun for {} was taken back, but for {} in its store; the next setup tries again.",
                    entry.name,
                    secrets.join(", ")
                ),
            )
        };
        let profile = Some(entry.name.as_str());
        report.tell(Step::Config, profile, ProgressState::Warning, code, message, serde_json::Value::Null);
    }
    left.reverse();
    left
}

/// Undoes one profile; returns the secrets that could not be deleted.
async fn undo(entry: &Entry, world: &World) -> Vec<String> {
    let Some(place) = entry.place(world) else { return Vec::new() };
    let source = match entry.store.as_deref() {
        Some("keychain") => Some(SecretSource::Keychain),
        Some("file") => Some(SecretSource::File),
        _ => None,
    };
    let mut left = Vec::new();
    if let Some(store) = source.and_then(|source| world.store_of_source(&place, source)) {
        for id in entry.secrets.iter().filter_map(|id| SecretId::parse(id).ok()) {
            if let Err(error) = store.delete(&id).await {
                tracing::warn!(%id, code = error.code(), "a secret that was begun could not be deleted");
                left.push(id.to_string());
            }
        }
    }
    match &entry.backup {
        Some(backup) => {
            if let Ok(bytes) = fs::read(backup) {
                let _ = files::atomic_write(&entry.config_path, &bytes, 0o600);
            }
        }
        None if !entry.had_config => {
            let _ = fs::remove_file(&entry.config_path);
        }
        None => {}
    }
    if let Some(brought) = &entry.brought {
        import::undo(brought, &place);
    }
    if !entry.had_workspace {
        for (name, hash) in hashes(&entry.workspace) {
            if entry.templates.get(&name) == Some(&hash) {
                let _ = fs::remove_file(entry.workspace.join(name));
            }
        }
        // Only an empty folder goes.
        let _ = fs::remove_dir(&entry.workspace);
    }
    if !entry.had_state_dir {
        let last_good = place.last_good_config_path();
        let ours: [PathBuf; 4] = [
            place.marker_path(),
            last_good.with_extension("accepted"),
            last_good.with_extension("lock"),
            last_good,
        ];
        for path in ours {
            let _ = fs::remove_file(path);
        }
        let _ = fs::remove_dir(&entry.state_dir);
    }
    let register = Register::open(&world.env);
    let given_back = match &entry.registered {
        None => register.release(&place).map(|_| ()),
        Some(before) => register.update(&place, |now| now.clone_from(before)).map(|_| ()),
    };
    if let Err(error) = given_back {
        tracing::warn!(profile = entry.name, %error, "a claim that was begun could not be given back");
    }
    left
}
