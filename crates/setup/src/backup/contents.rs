//! What of a profile goes into a backup.

use std::fs;
use std::path::{Path, PathBuf};

use bulkhead_config::{
    ConfigDocument, ConfigError, ConfigPath, ConfigStore, SecretRef, SecretSource, Segment, redact,
};
use bulkhead_profile::{Place, siblings};
use bulkhead_secrets::SecretId;
use serde_json::Value;

use super::manifest::LeftOut;

/// Why something directly in a state directory stays out; `None` if it goes in. Pure.
pub(super) fn left_out(name: &str) -> Option<&'static str> {
    const MACHINE: &str = "only the running machine needs it";
    const COPY: &str = "it is a copy of what is in the backup";
    match name {
        "browser" => return Some("logins of its browsers are in it"),
        "logs" | "crashes" => return Some("it is a log"),
        "run.json" | "desired.json" | "profile.json" => return Some(MACHINE),
        ".env" => return Some("secrets may be in it"),
        "config-history" => return Some("earlier configurations may hold secrets"),
        "replaced" => return Some(COPY),
        "cache" | "tmp" => return Some("it can be made anew"),
        _ => {}
    }
    if name.starts_with("bulkhead.sqlite")
        || name.starts_with("bulkhead.json")
        || name.starts_with("bulkhead.last-good.")
    {
        return Some(COPY);
    }
    let ends = [".lock", ".sock", ".tmp", ".pid"];
    let temporary =
        name.starts_with(".bulkhead-") || name.starts_with(".restore-") || name == "restore-journal.json";
    if temporary || ends.iter().any(|end| name.ends_with(end)) {
        return Some(MACHINE);
    }
    name.contains(".replaced-").then_some(COPY)
}

/// One thing on the disk that goes in.
#[derive(Debug)]
pub(super) struct Item {
    /// Where it is.
    pub(super) source: PathBuf,
    /// Where it goes.
    pub(super) path: String,
    pub(super) meta: fs::Metadata,
}

/// Walks through a folder, in order of names; links are kept, not followed. `skip` says which things directly in it,
/// or anywhere below, stay out; what cannot go in is noted.
pub(super) fn walk(
    root: &Path,
    inside: &str,
    skip: &dyn Fn(&Path, bool) -> Option<String>,
    noted: &mut Vec<LeftOut>,
    found: &mut dyn FnMut(Item) -> Result<(), super::BackupError>,
) -> Result<(), super::BackupError> {
    let mut dirs = vec![(root.to_owned(), inside.to_owned())];
    while let Some((dir, inside)) = dirs.pop() {
        let mut paths: Vec<PathBuf> = match fs::read_dir(&dir) {
            Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
            Err(error) => {
                noted.push(LeftOut { path: inside.clone(), reason: format!("it cannot be read ({error})") });
                continue;
            }
        };
        paths.sort();
        for path in paths {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                noted.push(LeftOut {
                    path: format!("{inside}/{}", path.file_name().unwrap_or_default().to_string_lossy()),
                    reason: "its name is no valid Unicode".to_owned(),
                });
                continue;
            };
            let inner = format!("{inside}/{name}");
            if let Some(reason) = skip(&path, dir == root) {
                if !reason.is_empty() {
                    noted.push(LeftOut { path: inner, reason });
                }
                continue;
            }
            let meta = match path.symlink_metadata() {
                Ok(meta) => meta,
                // Gone since the folder was read.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => {
                    noted.push(LeftOut { path: inner, reason: format!("it cannot be read ({error})") });
                    continue;
                }
            };
            if meta.is_dir() {
                dirs.push((path.clone(), inner.clone()));
            } else if !meta.is_file() && !meta.is_symlink() {
                noted.push(LeftOut { path: inner, reason: "it is no file".to_owned() });
                continue;
            }
            found(Item { source: path, path: inner, meta })?;
        }
    }
    Ok(())
}

/// What inside the state directory is somebody else's.
pub(super) fn foreign(place: &Place, neighbours: &[Place]) -> Vec<PathBuf> {
    siblings::foreign_paths(place, neighbours)
}

/// The configuration without any secret: a plain one becomes a reference to where it is to be stored, or goes.
pub(super) fn config(place: &Place, noted: &mut Vec<LeftOut>) -> Result<Option<ConfigDocument>, ConfigError> {
    let store = ConfigStore::new(place);
    let loaded = match store.load() {
        Ok(loaded) => loaded,
        Err(error) => {
            noted.push(LeftOut {
                path: place.config_path().display().to_string(),
                reason: format!("it cannot be read ({}), and no earlier version of it worked", error.code()),
            });
            return Ok(None);
        }
    };
    if let Some(reason) = loaded.broken_reason() {
        noted.push(LeftOut {
            path: place.config_path().display().to_string(),
            reason: format!("it is broken; the last good version is in the backup instead: {reason}"),
        });
    }
    if loaded.document.is_empty() && !place.config_path().exists() {
        return Ok(None);
    }
    let source = match loaded.config.secrets.default_source {
        Some(SecretSource::File) => SecretSource::File,
        _ => SecretSource::Keychain,
    };
    let mut document = loaded.document;
    let value = document.value();
    let mut secrets = Vec::new();
    plain_secrets(&ConfigPath::root(), &value, &redact(&value), &mut secrets);
    for (path, found) in secrets {
        if let Some(id) = SecretId::of_field(&path) {
            document.set_at(&path, SecretRef::new(source, id.as_str()).to_value())?;
            noted.push(LeftOut {
                path: path.to_string(),
                reason: format!("it held a secret as plain text; in the backup it refers to {id}"),
            });
        } else if let Some(clean) = without_userinfo(&found) {
            document.set_at(&path, clean.into())?;
            noted.push(LeftOut {
                path: path.to_string(),
                reason: "name and password in the address stay out".to_owned(),
            });
        } else {
            // Items of a list cannot go one by one: their numbers would shift.
            let keys = path.segments().iter().position(|segment| matches!(segment, Segment::Index(_)));
            let gone = keys.map_or_else(|| path.clone(), |at| path.prefix(at));
            document.unset_at(&gone)?;
            noted.push(LeftOut {
                path: gone.to_string(),
                reason: "it holds a secret as plain text".to_owned(),
            });
        }
    }
    Ok(Some(document))
}

/// Every text that redaction would change.
fn plain_secrets(path: &ConfigPath, value: &Value, shown: &Value, found: &mut Vec<(ConfigPath, String)>) {
    match (value, shown) {
        (Value::Object(map), Value::Object(other)) => {
            for (key, item) in map {
                plain_secrets(&path.key(key), item, other.get(key).unwrap_or(&Value::Null), found);
            }
        }
        (Value::Array(items), Value::Array(others)) => {
            for (index, item) in items.iter().enumerate() {
                plain_secrets(&path.index(index), item, others.get(index).unwrap_or(&Value::Null), found);
            }
        }
        _ if value != shown => found.push((path.clone(), value.as_str().unwrap_or_default().to_owned())),
        _ => {}
    }
}

fn without_userinfo(text: &str) -> Option<String> {
    let mut url = url::Url::parse(text).ok()?;
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some(url.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_out() {
        for name in [
            "browser",
            "logs",
            "run.json",
            "gateway.lock",
            "control.sock",
            "bulkhead.sqlite",
            "bulkhead.sqlite-wal",
            "bulkhead.json",
            "bulkhead.json.rejected-1",
            "bulkhead.last-good.json",
            "config-history",
            "replaced",
            "workspace.replaced-20260101T000000Z",
            ".restore-1",
            "restore-journal.json",
            ".bulkhead-x.tmp",
            ".env",
        ] {
            assert!(left_out(name).is_some(), "{name}");
        }
        for name in ["canvas", "notes.txt", "workspace", "agents", "main.json"] {
            assert_eq!(left_out(name), None, "{name}");
        }
    }
}
