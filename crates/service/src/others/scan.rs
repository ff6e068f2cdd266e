//! Looks for gateway-like services where this system keeps services.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bulkhead_profile::Environment;

use super::{Found, port_of, product_of};
use crate::command;
use crate::drift::Format;
use crate::platform::text_of;
use crate::{launchd, systemd, task};

const ASK: Duration = Duration::from_secs(30);

/// Every gateway-like service of this user and of the system, by path. What cannot be read is left out.
pub fn scan(env: &Environment) -> Vec<Found> {
    let mut found = if cfg!(windows) {
        tasks()
    } else if cfg!(target_os = "macos") {
        files(&agent_dirs(env), "plist", plist)
    } else {
        files(&unit_dirs(env), "service", unit)
    };
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Where units are; the first of two with one name counts for systemd, but a stale second one is worth a word.
fn unit_dirs(env: &Environment) -> Vec<(PathBuf, bool)> {
    let mut dirs = vec![
        (env.config_home.join("systemd").join("user"), false),
        (env.home.join(".local/share/systemd/user"), false),
    ];
    dirs.extend(["/etc/systemd/user", "/usr/local/lib/systemd/user"].map(|dir| (PathBuf::from(dir), false)));
    dirs.extend(
        ["/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system"]
            .map(|dir| (PathBuf::from(dir), true)),
    );
    dirs
}

fn agent_dirs(env: &Environment) -> Vec<(PathBuf, bool)> {
    vec![
        (env.home.join("Library/LaunchAgents"), false),
        (PathBuf::from("/Library/LaunchAgents"), false),
        (PathBuf::from("/Library/LaunchDaemons"), true),
    ]
}

fn files(
    dirs: &[(PathBuf, bool)],
    extension: &str,
    read: impl Fn(&Path, &str, bool) -> Option<Found>,
) -> Vec<Found> {
    let mut all = Vec::new();
    for (dir, system) in dirs {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|found| found == extension)
                && let Some(text) = text_of(&path)
            {
                all.extend(read(&path, &text, *system));
            }
        }
    }
    all
}

fn stem(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

pub(super) fn unit(path: &Path, text: &str, system: bool) -> Option<Found> {
    let command = systemd::value(text, "Service", "ExecStart").unwrap_or_default();
    let command = systemd::split_words(command.trim_start_matches(['@', '-', ':', '+', '!']));
    let name = stem(path);
    product_of(&name, &command)?;
    let variable = |name: &str| {
        let assigned = text.lines().filter_map(|line| line.strip_prefix("Environment="));
        assigned.flat_map(systemd::split_words).find_map(|word| word.strip_prefix(name).map(str::to_owned))
    };
    let port =
        port_of(&command).or_else(|| variable("OPENCLAW_GATEWAY_PORT=").and_then(|port| port.parse().ok()));
    Some(Found {
        metadata: Format::Systemd.metadata(text),
        name,
        path: path.to_owned(),
        system,
        command,
        port,
    })
}

pub(super) fn plist(path: &Path, text: &str, system: bool) -> Option<Found> {
    let command = launchd::command_line(text).unwrap_or_default();
    let name = launchd::label(text).unwrap_or_else(|| {
        path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
    });
    product_of(&name, &command)?;
    let port = port_of(&command);
    Some(Found {
        metadata: Format::Launchd.metadata(text),
        name,
        path: path.to_owned(),
        system,
        command,
        port,
    })
}

fn tasks() -> Vec<Found> {
    let Ok(said) = command::run("schtasks.exe", &["/Query", "/FO", "CSV", "/NH"], &[], ASK) else {
        return Vec::new();
    };
    let names = task_names(&said.text());
    names
        .into_iter()
        .filter_map(|name| {
            product_of(&name, &[])?;
            let xml = command::run("schtasks.exe", &["/Query", "/TN", &name, "/XML"], &[], ASK).ok()?.text();
            let words = [task::element(&xml, "Command"), task::element(&xml, "Arguments")];
            let line = words.into_iter().flatten().collect::<Vec<_>>().join(" ");
            let command: Vec<String> =
                line.split(' ').map(|word| word.trim_matches('"').to_owned()).collect();
            Some(Found {
                metadata: Format::Task.metadata(&xml),
                path: PathBuf::from(&name),
                name,
                system: false,
                port: port_of(&command),
                command,
            })
        })
        .collect()
}

/// The names in the answer of `schtasks /Query /FO CSV /NH`.
pub(super) fn task_names(csv: &str) -> Vec<String> {
    let mut names: Vec<String> = csv
        .lines()
        .filter_map(|line| line.strip_prefix("\"\\")?.split('"').next().map(str::to_owned))
        .collect();
    names.sort();
    names.dedup();
    names
}
