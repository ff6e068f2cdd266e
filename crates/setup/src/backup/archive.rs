//! Reading a backup. Nothing in it is believed before all of it was read and compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use bulkhead_store::latest_version;
use flate2::read::GzDecoder;
use sha2::{Digest as _, Sha256};

use super::error::BackupError;
use super::manifest::{self, EntryKind, Manifest};
use super::seal;

const MOST_ENTRIES: usize = 5_000_000;
const LARGEST_MANIFEST: u64 = 1024 * 1024 * 1024;

/// A backup that was verified: every byte is as it was when it was made.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    content: u64,
    manifest: Manifest,
}

impl Archive {
    /// Opens and verifies a backup: the seal over the whole file, each file's digest, and that nothing is missing,
    /// doubled or outside of the profile. Blocks; reads the file twice.
    pub fn open(path: &Path) -> Result<Self, BackupError> {
        let mut file = File::open(path).map_err(BackupError::io("open", path))?;
        let content = seal::check(&mut file, path)?;
        let mut found: BTreeMap<String, EntryKind> = BTreeMap::new();
        let mut text = None;
        read(path, file, content, &mut |entry, reader| {
            if text.is_some() {
                return Err(BackupError::not_whole(path, "something after its manifest"));
            }
            if entry.path == manifest::MANIFEST {
                let mut bytes = Vec::new();
                reader
                    .take(LARGEST_MANIFEST)
                    .read_to_end(&mut bytes)
                    .map_err(BackupError::io("read", path))?;
                text = Some(bytes);
                return Ok(());
            }
            let kind = match entry.kind {
                RawKind::Folder => EntryKind::Folder { mode: entry.mode },
                RawKind::Link(target) => EntryKind::Link { target },
                RawKind::File => {
                    let (size, sha256) = digest(reader).map_err(BackupError::io("read", path))?;
                    EntryKind::File { size, mode: entry.mode, sha256 }
                }
            };
            found.insert(entry.path, kind);
            Ok(())
        })?;
        let text = text.ok_or_else(|| BackupError::not_whole(path, "no manifest"))?;
        let manifest = parse(path, &text)?;
        let said: BTreeMap<&str, &EntryKind> =
            manifest.entries.iter().map(|entry| (entry.path.as_str(), &entry.kind)).collect();
        if said.len() != found.len()
            || found.iter().any(|(path, kind)| said.get(path.as_str()) != Some(&kind))
        {
            return Err(BackupError::not_whole(path, "files that are not those of its manifest"));
        }
        Ok(Self { path: path.to_owned(), content, manifest })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in it.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Hands over every entry but the manifest, in order.
    pub(super) fn for_each(
        &self,
        visit: &mut dyn FnMut(RawEntry, &mut dyn Read) -> Result<(), BackupError>,
    ) -> Result<(), BackupError> {
        let file = File::open(&self.path).map_err(BackupError::io("open", &self.path))?;
        read(&self.path, file, self.content, &mut |entry, reader| {
            if entry.path == manifest::MANIFEST { Ok(()) } else { visit(entry, reader) }
        })
    }
}

fn parse(path: &Path, text: &[u8]) -> Result<Manifest, BackupError> {
    let newer = |what, found, supported, version: &str| BackupError::Newer {
        path: path.to_owned(),
        what,
        found,
        supported,
        version: version.to_owned(),
    };
    let value: serde_json::Value = serde_json::from_slice(text)
        .map_err(|error| BackupError::not_whole(path, format!("a manifest that cannot be read ({error})")))?;
    let format = value["format"].as_u64().and_then(|format| usize::try_from(format).ok()).unwrap_or(0);
    if format > manifest::FORMAT {
        let version = value["version"].as_str().unwrap_or("unknown");
        return Err(newer("format", format, manifest::FORMAT, version));
    }
    let manifest: Manifest = serde_json::from_value(value)
        .map_err(|error| BackupError::not_whole(path, format!("a manifest that cannot be read ({error})")))?;
    if manifest.product != "bulkhead" {
        return Err(BackupError::not_whole(path, "a backup of another program"));
    }
    match manifest.schema {
        Some(schema) if schema > latest_version() => {
            Err(newer("database version", schema, latest_version(), &manifest.version))
        }
        _ => Ok(manifest),
    }
}

/// One entry as the archive has it.
pub(super) struct RawEntry {
    pub(super) path: String,
    pub(super) mode: u32,
    pub(super) kind: RawKind,
}

pub(super) enum RawKind {
    File,
    Folder,
    Link(String),
}

fn read(
    path: &Path,
    mut file: File,
    content: u64,
    visit: &mut dyn FnMut(RawEntry, &mut dyn Read) -> Result<(), BackupError>,
) -> Result<(), BackupError> {
    let broken =
        |error: io::Error| BackupError::not_whole(path, format!("an archive that cannot be read ({error})"));
    let hostile = |found: String| BackupError::Hostile { path: path.to_owned(), found };
    file.seek(SeekFrom::Start(0)).map_err(BackupError::io("read", path))?;
    let mut archive =
        tar::Archive::new(GzDecoder::new(BufReader::with_capacity(256 * 1024, file.take(content))));
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut links: BTreeSet<String> = BTreeSet::new();
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let name = String::from_utf8(entry.path_bytes().into_owned())
            .map_err(|_| hostile("a name that is no valid Unicode".to_owned()))?;
        let name = name.strip_suffix('/').unwrap_or(&name).to_owned();
        if let Err(why) = check_name(&name) {
            return Err(hostile(format!("\"{}\" ({why})", name.escape_debug())));
        }
        // Something that would be written through a link could end up anywhere.
        let above = name.match_indices('/').map(|(at, _)| &name[..at]);
        if above.into_iter().any(|above| links.contains(above)) {
            return Err(hostile(format!("\"{name}\", which lies behind a link")));
        }
        if !seen.insert(name.clone()) {
            return Err(hostile(format!("\"{name}\" twice")));
        }
        if seen.len() > MOST_ENTRIES {
            return Err(hostile(format!("more than {MOST_ENTRIES} entries")));
        }
        let mode = entry.header().mode().map_err(broken)? & 0o777;
        let kind = match entry.header().entry_type() {
            tar::EntryType::Regular | tar::EntryType::Continuous => RawKind::File,
            tar::EntryType::Directory => RawKind::Folder,
            tar::EntryType::Symlink => {
                let target = entry.link_name_bytes().map(std::borrow::Cow::into_owned).unwrap_or_default();
                let target = String::from_utf8(target)
                    .map_err(|_| hostile(format!("\"{name}\", a link that is no valid Unicode")))?;
                links.insert(name.clone());
                RawKind::Link(target)
            }
            other => return Err(hostile(format!("\"{name}\" of the kind {other:?}"))),
        };
        visit(RawEntry { path: name, mode, kind }, &mut entry)?;
    }
    Ok(())
}

/// Names that can only mean something inside of the three parts. Pure.
fn check_name(name: &str) -> Result<(), &'static str> {
    if name == manifest::MANIFEST || name == manifest::CONFIG {
        return Ok(());
    }
    let Some((part, rest)) = name.split_once('/') else { return Err("it is in none of the parts") };
    if part != manifest::STATE && part != manifest::WORKSPACE {
        return Err("it is in none of the parts");
    }
    for component in rest.split('/') {
        match component {
            "" | "." => return Err("an empty part of a path"),
            ".." => return Err("it leads out of the profile"),
            _ if component.contains('\0') => return Err("a zero in its name"),
            // Separators and drives of Windows, wherever this runs: a backup moves between systems.
            _ if cfg!(windows) && component.contains(['\\', ':']) => {
                return Err("it leads out of the profile");
            }
            _ => {}
        }
    }
    Ok(())
}

fn digest(reader: &mut dyn Read) -> io::Result<(u64, String)> {
    let mut digest = Sha256::new();
    let mut size = 0;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = reader.read(&mut buffer)?;
        if read == 0 {
            return Ok((size, hex::encode(digest.finalize())));
        }
        digest.update(&buffer[..read]);
        size += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_inside() {
        for good in
            ["manifest.json", "config/bulkhead.json", "state/a", "workspace/a/b c/ö.md", "workspace/..a"]
        {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "x",
            "/etc/passwd",
            "state",
            "../x",
            "state/../x",
            "workspace/a/../../x",
            "config/x",
            "state//x",
            "state/.",
            "workspace/a\0b",
            "other/x",
        ] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
