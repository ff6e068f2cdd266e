//! One bundle for whoever is asked for help: versions, redacted configurations, what doctor finds, the last lines of the
//! logs without what was said, what ran and what crashed. Made on request, read before it is written, sent nowhere.
//!
//! Nothing goes in as it is. Every text passes [`scrub::Scrub`], which knows the values of all secrets that can be read
//! here and what secrets look like; of log lines only known fields are taken.

mod log;
mod scrub;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use bulkhead_config::{ConfigStore, redact};
use bulkhead_process::RunRecord;
use bulkhead_profile::{Place, Register, known_profiles};
use bulkhead_store::recent_runs;
use bulkhead_supervisor::recent_crashes;
use flate2::{Compression, GzBuilder};
use serde::Serialize;
use serde_json::{Value, json};

use self::scrub::Scrub;
use crate::doctor::{self, DoctorFinding, DoctorOptions, Subject};
use crate::world::World;

const RUNS: u16 = 50;
const CRASHES: usize = 10;

/// One file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BundleFile {
    /// Its path in the bundle.
    pub name: String,
    /// All of it.
    pub text: String,
}

/// A bundle, not written yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Bundle {
    /// Its files; what is shown is what is written.
    pub files: Vec<BundleFile>,
}

/// Why a bundle was not written.
#[derive(Debug, thiserror::Error)]
pub enum DiagnosticsError {
    /// There is a file already.
    #[error("{}: found a file, expected none: a bundle never replaces one. Name another.", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// It could not be written.
    #[error("{}: the bundle cannot be written: {source}. Name a place where you may write, with some free space.", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl DiagnosticsError {
    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Exists { .. } => "diagnostics.exists",
            Self::Io { .. } => "diagnostics.not-written",
        }
    }
}

/// Looks at every profile of this machine; `asked` where there is none. Asks nobody over the network.
pub async fn collect(world: &World, asked: &Place) -> Bundle {
    let mut places: Vec<Place> = known_profiles(&world.env).into_iter().map(|known| known.place).collect();
    if places.is_empty() {
        places.push(asked.clone());
    }
    let scrub = Scrub::knowing(world, &places).await;
    let options = DoctorOptions { offline: true, deep: false };
    let found = doctor::examine(world, &places, options, &|_| ()).await;
    let mut bundle = Bundle::default();
    bundle.add("README.txt", README.to_owned());
    bundle.json("versions.json", versions(world, &places), &scrub);
    for place in &places {
        let of = |name: &str| format!("{}/{name}", place.name());
        let (config, usable) = configuration(place);
        bundle.json(&of("config.json"), config, &scrub);
        let findings: Vec<Value> = found
            .findings
            .iter()
            .filter(|finding| finding.profile == place.name().as_str())
            .map(|finding| told(finding, usable))
            .collect();
        bundle.json(&of("doctor.json"), Value::Array(findings), &scrub);
        bundle.json(&of("runs.json"), runs(place), &scrub);
        bundle.add(&of("log.jsonl"), log::last_lines(&place.log_path(), &scrub));
    }
    bundle
}

const README: &str = "\
Diagnostics of Bulkhead. You made this file; nothing was sent anywhere. Look through it before you pass it on.

versions.json         this program, this system, the profiles and their ports
PROFILE/config.json   the configuration, with secrets replaced
PROFILE/doctor.json   what doctor finds, looked up without the network
PROFILE/runs.json     when something ran or crashed, and how it ended; not what was said
PROFILE/log.jsonl     the last lines of the log: time, level, place, words of the program and known fields

Secrets are replaced by [secret], the home folder by ~. Messages, answers and conversations are not in it.
";

impl Bundle {
    fn add(&mut self, name: &str, text: String) {
        self.files.push(BundleFile { name: name.to_owned(), text });
    }

    fn json(&mut self, name: &str, value: Value, scrub: &Scrub) {
        let mut text = serde_json::to_string_pretty(&scrub.value(value)).unwrap_or_default();
        text.push('\n');
        self.add(name, text);
    }

    /// Writes it as a new `.tar.gz` that only this user may read. Returns its size. Blocks.
    pub fn write(&self, path: &Path) -> Result<u64, DiagnosticsError> {
        let failed = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::AlreadyExists => DiagnosticsError::Exists { path: path.to_owned() },
            _ => DiagnosticsError::Io { path: path.to_owned(), source },
        };
        let bytes = self.packed().map_err(failed)?;
        let mut open = std::fs::OpenOptions::new();
        open.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
        let mut file = open.open(path).map_err(failed)?;
        let written = file.write_all(&bytes).and_then(|()| file.sync_all());
        if let Err(source) = written {
            // It is ours and torn: nobody should pass it on.
            let _ = std::fs::remove_file(path);
            return Err(failed(source));
        }
        Ok(bytes.len() as u64)
    }

    fn packed(&self) -> std::io::Result<Vec<u8>> {
        let gzip = GzBuilder::new().write(Vec::new(), Compression::best());
        let mut archive = tar::Builder::new(gzip);
        for file in &self.files {
            let mut header = tar::Header::new_gnu();
            header.set_size(file.text.len() as u64);
            header.set_mode(0o600);
            archive.append_data(
                &mut header,
                format!("bulkhead-diagnostics/{}", file.name),
                file.text.as_bytes(),
            )?;
        }
        archive.into_inner()?.finish()
    }
}

fn versions(world: &World, places: &[Place]) -> Value {
    let register = Register::open(&world.env);
    let variable = |name: &str| world.env.vars.get(name).cloned();
    let profiles: Vec<Value> = places
        .iter()
        .map(|place| {
            let entry = register.find(place).ok().flatten();
            let running = RunRecord::read_running(&place.run_record_path());
            json!({
                "name": place.name().as_str(), "stateDir": place.state_dir(),
                "basePort": entry.as_ref().map(|entry| entry.base_port),
                "owner": entry.as_ref().map(|entry| &entry.owner),
                "running": running.map(|record| json!({ "version": record.version, "basePort": record.base_port })),
            })
        })
        .collect();
    json!({
        "bulkhead": env!("CARGO_PKG_VERSION"),
        "system": { "os": std::env::consts::OS, "arch": std::env::consts::ARCH, "release": release() },
        "desktop": variable("XDG_CURRENT_DESKTOP"), "session": variable("XDG_SESSION_TYPE"),
        "language": variable("LANG"), "profiles": profiles,
    })
}

/// The name of the system, where a file says it.
fn release() -> Option<String> {
    let text = std::fs::read_to_string("/etc/os-release").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(line.trim_matches('"').to_owned())
}

/// The configuration without secrets, and whether it can be read.
fn configuration(place: &Place) -> (Value, bool) {
    if !place.config_path().exists() {
        return (json!({ "missing": place.config_path() }), false);
    }
    match ConfigStore::new(place).load_current() {
        Ok(loaded) => (scrub::without_secret_keys(redact(&loaded.document.value())), true),
        // Its words are not taken: in a file that cannot be read nobody knows which of them are secret.
        Err(error) => (json!({ "unreadable": error.code() }), false),
    }
}

/// A finding; what quotes a configuration that cannot be read is left out.
fn told(finding: &DoctorFinding, usable: bool) -> Value {
    let mut value = serde_json::to_value(finding).unwrap_or_default();
    if !usable
        && finding.subject == Subject::Config
        && let Some(found) = value.get_mut("found")
    {
        *found = "Not shown: it may quote the file.".into();
    }
    value
}

fn runs(place: &Place) -> Value {
    let crashes: Vec<Value> = recent_crashes(place)
        .into_iter()
        .take(CRASHES)
        .map(|crash| {
            let lines = crash.first_lines.iter().chain(&crash.last_lines);
            // Where it happened; the words of a panic may quote anything.
            let panics: Vec<&str> = lines
                .filter_map(|line| line.split_once("panicked at ").map(|(_, place)| place))
                .map(|place| place.split_whitespace().next().unwrap_or_default())
                .collect();
            json!({
                "atMs": crash.at_ms, "code": crash.code, "signal": crash.signal, "ranMs": crash.ran_ms,
                "wasReady": crash.was_ready, "rung": crash.rung, "version": crash.version, "panics": panics,
            })
        })
        .collect();
    let database = place.database_path();
    let agents = if database.exists() {
        recent_runs(&database, RUNS)
            .map_or_else(|error| json!({ "unreadable": error.code() }), |runs| json!(runs))
    } else {
        json!([])
    };
    json!({ "crashes": crashes, "agentRuns": agents })
}
