//! Making a backup, also beside a gateway that runs.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bulkhead_process::RunRecord;
use bulkhead_profile::{Environment, Place, Register, files, known_profiles};
use bulkhead_secrets::references;
use bulkhead_store::{StoreError, copy_beside, examine};
use flate2::{Compression, write::GzEncoder};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::contents::{self, Item};
use super::error::BackupError;
use super::manifest::{self, Entry, EntryKind, LeftOut, Manifest};
use super::seal::Sealing;
use crate::world::World;

/// Files up to this size are read at once; larger ones go through a copy, so that a file that grows meanwhile is whole.
const AT_ONCE: u64 = 4 * 1024 * 1024;
const EXAMINATION: Duration = Duration::from_mins(2);

/// How a backup is made.
#[derive(Debug, Clone, Default)]
pub struct BackupOptions {
    /// The file; else one with profile and time in its name in [`default_output`]'s folder.
    pub output: Option<PathBuf>,
}

/// What was made.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupReport {
    /// The file.
    pub path: PathBuf,
    /// Whose.
    pub profile: String,
    /// How many files are in it.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// The backup's own bytes.
    pub size: u64,
    /// Whether its gateway ran meanwhile.
    pub running: bool,
    /// Names of secrets that are referred to, and not in it.
    pub secrets: Vec<String>,
    /// What stayed out and why.
    pub left_out: Vec<LeftOut>,
}

/// Where backups go when nobody says otherwise: `~/.bulkhead-archive/PROFILE-TIME.tar.gz`.
pub fn default_output(env: &Environment, place: &Place, now: SystemTime) -> PathBuf {
    let name = match place.suffix() {
        Some(suffix) => format!("{}-{suffix}", place.name()),
        None => place.name().to_string(),
    };
    env.home.join(".bulkhead-archive").join(format!("{name}-{}.tar.gz", stamp(now)))
}

/// `20261120T101500Z`.
pub(super) fn stamp(now: SystemTime) -> String {
    time(now).strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn time(now: SystemTime) -> jiff::Timestamp {
    jiff::Timestamp::try_from(now).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

/// Makes a backup. The gateway may run: its database is copied as it is at one instant. The file appears only when it is
/// whole, readable by its owner only. Blocks on the disk.
pub fn create(world: &World, place: &Place, options: &BackupOptions) -> Result<BackupReport, BackupError> {
    place.check_marker()?;
    if !place.config_path().exists() && !place.marker_path().exists() {
        return Err(BackupError::NoProfile {
            profile: place.name().to_string(),
            state_dir: place.state_dir().to_owned(),
        });
    }
    let now = world.now();
    let output = match &options.output {
        Some(path) => std::path::absolute(path).map_err(BackupError::io("find", path))?,
        None => default_output(&world.env, place, now),
    };
    if output.symlink_metadata().is_ok() {
        return Err(BackupError::OutputExists { path: output });
    }
    let dir = output.parent().unwrap_or(Path::new("/")).to_owned();
    files::create_private_dir(&dir).map_err(BackupError::io("make", &dir))?;
    let work = tempfile::Builder::new()
        .prefix(".bulkhead-backup-")
        .tempdir_in(&dir)
        .map_err(BackupError::io("write in", &dir))?;
    let mut writer = Writer::new(work.path(), place, time(now).to_string())?;
    let running = RunRecord::read_running(&place.run_record_path());
    writer.fill(world, place, &output)?;
    let (file, mut manifest) = writer.finish()?;
    let size = fs::metadata(&file).map_err(BackupError::io("look at", &file))?.len();
    // A name that appeared meanwhile is not replaced.
    fs::hard_link(&file, &output)
        .or_else(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Err(error),
            // File systems without hard links.
            _ if output.symlink_metadata().is_err() => fs::rename(&file, &output),
            _ => Err(error),
        })
        .map_err(BackupError::io("put in place", &output))?;
    sync_dir(&dir);
    let entries = manifest.files();
    Ok(BackupReport {
        path: output,
        profile: place.name().to_string(),
        files: entries,
        bytes: manifest.bytes(),
        size,
        running: running.is_some(),
        secrets: std::mem::take(&mut manifest.secrets),
        left_out: manifest.left_out,
    })
}

type Tar = tar::Builder<GzEncoder<Sealing<BufWriter<File>>>>;

struct Writer {
    work: PathBuf,
    file: PathBuf,
    tar: Tar,
    manifest: Manifest,
}

impl Writer {
    fn new(work: &Path, place: &Place, created_at: String) -> Result<Self, BackupError> {
        let path = work.join("backup.tar.gz");
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(BackupError::io("write", &path))?;
        let encoder =
            GzEncoder::new(Sealing::new(BufWriter::with_capacity(256 * 1024, file)), Compression::default());
        Ok(Self {
            work: work.to_owned(),
            file: path,
            tar: tar::Builder::new(encoder),
            manifest: Manifest {
                product: "bulkhead".to_owned(),
                format: manifest::FORMAT,
                version: env!("CARGO_PKG_VERSION").to_owned(),
                created_at,
                profile: place.name().to_string(),
                state_dir: place.state_dir().to_owned(),
                workspace: place.workspace().to_owned(),
                base_port: None,
                schema: None,
                bots: Vec::new(),
                secrets: Vec::new(),
                left_out: Vec::new(),
                entries: Vec::new(),
            },
        })
    }

    fn fill(&mut self, world: &World, place: &Place, output: &Path) -> Result<(), BackupError> {
        let entry = Register::open(&world.env).find(place)?;
        self.manifest.bots = entry.as_ref().map(|entry| entry.bot_ids.clone()).unwrap_or_default();
        let config = contents::config(place, &mut self.manifest.left_out)?;
        let view = config.as_ref().and_then(|document| bulkhead_config::Config::from_document(document).ok());
        let view = view.unwrap_or_default();
        self.manifest.base_port = view.gateway.port.or(entry.map(|entry| entry.base_port));
        if config.is_some() {
            self.manifest.secrets = references(&view).into_iter().map(|reference| reference.id).collect();
            self.manifest.secrets.dedup();
        }
        let workspace = view.agents.defaults.workspace.as_deref();
        let workspace = workspace.map_or_else(|| place.workspace().to_owned(), |path| world.env.expand(path));
        self.manifest.workspace.clone_from(&workspace);
        if let Some(document) = config {
            self.bytes(manifest::CONFIG, 0o600, document.to_string().as_bytes())?;
        }
        self.database(place)?;
        let neighbours: Vec<Place> =
            known_profiles(&world.env).into_iter().map(|known| known.place).collect();
        self.state(place, &neighbours, &workspace, output)?;
        self.workspace(place, &neighbours, &workspace, output)
    }

    /// One instant of it, compact, and looked at before it goes in.
    fn database(&mut self, place: &Place) -> Result<(), BackupError> {
        let path = place.database_path();
        if fs::metadata(&path).map_or(0, |meta| meta.len()) == 0 {
            return Ok(());
        }
        let copy = self.work.join("bulkhead.sqlite");
        copy_beside(&path, &copy)?;
        let found = examine(&copy, EXAMINATION, false)?;
        if let Some(damage) = found.damage.first() {
            return Err(StoreError::Damaged { path, reason: damage.clone() }.into());
        }
        self.manifest.schema = Some(found.version);
        self.file(&copy, manifest::DATABASE, Some(0o600))?;
        fs::remove_file(&copy).map_err(BackupError::io("remove", &copy))
    }

    fn state(
        &mut self,
        place: &Place,
        neighbours: &[Place],
        workspace: &Path,
        output: &Path,
    ) -> Result<(), BackupError> {
        let foreign = contents::foreign(place, neighbours);
        let own_workspace = files::canonical(workspace);
        let config = files::canonical(place.config_path());
        let root = files::canonical(place.state_dir());
        let (work, output) = (files::canonical(&self.work), files::canonical(output));
        let skip = move |path: &Path, top: bool| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path == own_workspace || path == config || path == work || path == output {
                return Some(String::new());
            }
            if foreign.iter().any(|other| other == path) {
                return Some("it belongs to another profile".to_owned());
            }
            let reason = if top { contents::left_out(name) } else { None }?;
            // Only what a person may miss is told.
            let quiet = reason.starts_with("only the running") || reason.starts_with("it is a copy");
            Some(if quiet { String::new() } else { reason.to_owned() })
        };
        self.tree(&root, manifest::STATE, &skip)
    }

    fn workspace(
        &mut self,
        place: &Place,
        neighbours: &[Place],
        workspace: &Path,
        output: &Path,
    ) -> Result<(), BackupError> {
        let root = files::canonical(workspace);
        if !root.is_dir() {
            return Ok(());
        }
        // A workspace as wide as the home directory has profiles inside.
        let mut others: Vec<PathBuf> =
            neighbours.iter().map(|other| files::canonical(other.state_dir())).collect();
        others.push(files::canonical(place.state_dir()));
        let (work, output) = (files::canonical(&self.work), files::canonical(output));
        let skip = move |path: &Path, _: bool| {
            if path == work || path == output {
                return Some(String::new());
            }
            let profile = others.iter().any(|other| other == path);
            profile.then(|| "it is the state directory of a profile".to_owned())
        };
        self.tree(&root, manifest::WORKSPACE, &skip)
    }

    fn tree(
        &mut self,
        root: &Path,
        inside: &str,
        skip: &dyn Fn(&Path, bool) -> Option<String>,
    ) -> Result<(), BackupError> {
        let mut noted = Vec::new();
        let outcome = contents::walk(root, inside, skip, &mut noted, &mut |item| self.item(&item));
        self.manifest.left_out.append(&mut noted);
        outcome
    }

    fn item(&mut self, item: &Item) -> Result<(), BackupError> {
        if item.meta.is_dir() {
            let mode = mode_of(&item.meta, 0o700);
            let mut header = header(tar::EntryType::Directory, mode, 0, &item.meta);
            self.tar
                .append_data(&mut header, format!("{}/", item.path), io::empty())
                .map_err(BackupError::io("write", &self.file))?;
            self.manifest.entries.push(Entry { path: item.path.clone(), kind: EntryKind::Folder { mode } });
            return Ok(());
        }
        if item.meta.is_symlink() {
            // Gone since the folder was read.
            let Ok(target) = fs::read_link(&item.source) else { return Ok(()) };
            let Some(text) = target.to_str() else {
                self.manifest.left_out.push(LeftOut {
                    path: item.path.clone(),
                    reason: "it links to a name that is no valid Unicode".to_owned(),
                });
                return Ok(());
            };
            let mut header = header(tar::EntryType::Symlink, 0o777, 0, &item.meta);
            self.tar
                .append_link(&mut header, &item.path, &target)
                .map_err(BackupError::io("write", &self.file))?;
            let kind = EntryKind::Link { target: text.to_owned() };
            self.manifest.entries.push(Entry { path: item.path.clone(), kind });
            return Ok(());
        }
        self.file(&item.source, &item.path, None)
    }

    fn bytes(&mut self, path: &str, mode: u32, bytes: &[u8]) -> Result<(), BackupError> {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(mode);
        header.set_size(bytes.len() as u64);
        self.tar.append_data(&mut header, path, bytes).map_err(BackupError::io("write", &self.file))?;
        if path != manifest::MANIFEST {
            let sha256 = hex::encode(Sha256::digest(bytes));
            let kind = EntryKind::File { size: bytes.len() as u64, mode, sha256 };
            self.manifest.entries.push(Entry { path: path.to_owned(), kind });
        }
        Ok(())
    }

    fn file(&mut self, source: &Path, path: &str, mode: Option<u32>) -> Result<(), BackupError> {
        let (mut file, meta) = match open_plain(source) {
            Ok(opened) => opened,
            // Gone since the folder was read.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => {
                let reason = format!("it cannot be read ({error})");
                self.manifest.left_out.push(LeftOut { path: path.to_owned(), reason });
                return Ok(());
            }
        };
        let mode = mode.unwrap_or_else(|| mode_of(&meta, 0o600));
        let mut start = Vec::new();
        Read::by_ref(&mut file)
            .take(AT_ONCE)
            .read_to_end(&mut start)
            .map_err(BackupError::io("read", source))?;
        if (start.len() as u64) < AT_ONCE {
            let sha256 = hex::encode(Sha256::digest(&start));
            let size = start.len() as u64;
            return self.append(path, mode, &meta, size, sha256, start.as_slice());
        }
        // Larger: a copy of its own, whose size is known before it is written.
        let mut copy = tempfile::tempfile_in(&self.work).map_err(BackupError::io("write in", &self.work))?;
        let mut digest = Sha256::new();
        let mut size = 0;
        let mut buffer = start;
        let mut filled = buffer.len();
        while filled > 0 {
            digest.update(&buffer[..filled]);
            copy.write_all(&buffer[..filled]).map_err(BackupError::io("write in", &self.work))?;
            size += filled as u64;
            filled = file.read(&mut buffer).map_err(BackupError::io("read", source))?;
        }
        copy.seek(SeekFrom::Start(0)).map_err(BackupError::io("read in", &self.work))?;
        self.append(path, mode, &meta, size, hex::encode(digest.finalize()), copy)
    }

    fn append(
        &mut self,
        path: &str,
        mode: u32,
        meta: &fs::Metadata,
        size: u64,
        sha256: String,
        content: impl Read,
    ) -> Result<(), BackupError> {
        let mut header = header(tar::EntryType::Regular, mode, size, meta);
        self.tar.append_data(&mut header, path, content).map_err(BackupError::io("write", &self.file))?;
        self.manifest
            .entries
            .push(Entry { path: path.to_owned(), kind: EntryKind::File { size, mode, sha256 } });
        Ok(())
    }

    fn finish(mut self) -> Result<(PathBuf, Manifest), BackupError> {
        let text = serde_json::to_vec_pretty(&self.manifest).unwrap_or_default();
        self.bytes(manifest::MANIFEST, 0o600, &text)?;
        let io = |error| BackupError::io("write", &self.file)(error);
        let sealing = self.tar.into_inner().map_err(io)?.finish().map_err(io)?;
        let writer = sealing.seal().map_err(io)?;
        let file = writer.into_inner().map_err(|error| io(error.into_error()))?;
        file.sync_all().map_err(io)?;
        Ok((self.file, self.manifest))
    }
}

fn header(kind: tar::EntryType, mode: u32, size: u64, meta: &fs::Metadata) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    let written = meta.modified().ok().and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
    header.set_mtime(written.map_or(0, |since| since.as_secs()));
    header
}

/// Opens a plain file: no link that was put there meanwhile is followed, and no pipe is waited for.
fn open_plain(path: &Path) -> io::Result<(File, fs::Metadata)> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.cast_signed());
    }
    let file = options.open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file any more"));
    }
    Ok((file, meta))
}

#[cfg(unix)]
fn mode_of(meta: &fs::Metadata, _: u32) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    meta.permissions().mode() & 0o777
}

#[cfg(not(unix))]
fn mode_of(_: &fs::Metadata, otherwise: u32) -> u32 {
    otherwise
}

pub(super) fn sync_dir(dir: &Path) {
    #[cfg(unix)]
    if let Ok(dir) = File::open(dir) {
        // Some file systems cannot sync directories; the file itself is safe already.
        let _ = dir.sync_all();
    }
    #[cfg(not(unix))]
    let _ = dir;
}
