//! OpenClaw installs on this machine: seen so that we keep out of their ports, bots and directories.

use std::path::{Path, PathBuf};

use crate::environment::Environment;
use crate::files;
use crate::glimpse::{ConfigGlimpse, bot_id_of_token};
use crate::marker::Marker;
use crate::ports::{Ports, REACH};
use crate::spacing::ForeignClaim;

const CONFIG_NAME: &str = "openclaw.json";
/// The port that OpenClaw takes when its configuration names none; its profile `dev` another.
const DEFAULT_PORT: u16 = 18789;
const DEV_PORT: u16 = 19001;
/// Two of these together make a state directory whose configuration lies elsewhere.
const TYPICAL: [&str; 9] = [
    "agents",
    "state/openclaw.sqlite",
    "credentials",
    "identity",
    "devices",
    "cron",
    "exec-approvals.json",
    "openclaw.json.bak",
    "telegram",
];
const MOST_INSTALLS: usize = 64;

/// One OpenClaw profile found here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenClawInstall {
    /// Its profile: `None` for the default one.
    pub profile: Option<String>,
    /// Its state directory.
    pub state_dir: PathBuf,
    /// Its configuration file.
    pub config_path: PathBuf,
    /// The base port that it uses when it runs.
    pub base_port: u16,
    /// Ids of the Telegram bots whose tokens it holds.
    pub bot_ids: Vec<u64>,
    /// Whether its configuration could be read.
    pub readable: bool,
    /// What else its configuration says.
    pub glimpse: ConfigGlimpse,
}

impl OpenClawInstall {
    /// Takes what a closer look at its configuration says, such as one that follows what it includes.
    pub fn look_again(&mut self, mut glimpse: ConfigGlimpse) {
        for id in token_files(&self.state_dir, &glimpse) {
            glimpse.add_bot_id(id);
        }
        let rule = if self.profile.as_deref() == Some("dev") { DEV_PORT } else { DEFAULT_PORT };
        self.base_port = glimpse.base_port.filter(|port| Ports::new(*port).is_ok()).unwrap_or(rule);
        self.bot_ids.clone_from(&glimpse.bot_ids);
        self.readable = glimpse.readable;
        self.glimpse = glimpse;
    }

    /// How people call it.
    pub fn label(&self) -> String {
        match &self.profile {
            Some(profile) => format!("OpenClaw ({profile})"),
            None => "OpenClaw".to_owned(),
        }
    }

    /// Every port that it may use.
    pub fn claims(&self) -> Vec<ForeignClaim> {
        let claim = |ports| ForeignClaim { label: self.label(), ports };
        let mut claims = vec![claim(self.base_port..=self.base_port.saturating_add(REACH))];
        if let Some(control) = self.glimpse.control_port {
            claims.push(claim(control..=control.saturating_add(108)));
        }
        claims.extend(self.glimpse.cdp_ports.values().map(|port| claim(*port..=*port)));
        claims
    }
}

/// Every OpenClaw profile under the home directory, and the one that `OPENCLAW_STATE_DIR` or
/// `OPENCLAW_CONFIG_PATH` points at, if it is a real one.
pub fn detect(env: &Environment) -> Vec<OpenClawInstall> {
    let mut configs: Vec<PathBuf> = Vec::new();
    if let Ok(entries) = std::fs::read_dir(&env.home) {
        for entry in entries.flatten() {
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(".openclaw")) {
                configs.push(entry.path().join(CONFIG_NAME));
            }
        }
    }
    if let Some(dir) = env.var("OPENCLAW_STATE_DIR") {
        configs.push(env.expand(dir).join(CONFIG_NAME));
    }
    let named = env.var("OPENCLAW_CONFIG_PATH").map(|path| env.expand(path));
    configs.extend(named.filter(|path| path.file_name().is_some_and(|name| name == CONFIG_NAME)));
    let mut seen = std::collections::BTreeSet::new();
    let mut installs: Vec<_> = configs
        .into_iter()
        .filter(|path| path.is_file() && !path.parent().is_some_and(is_ours))
        .filter(|path| seen.insert(files::canonical(path)))
        .take(MOST_INSTALLS)
        .filter_map(|path| install(&path))
        .collect();
    installs.sort_by(|a, b| a.state_dir.cmp(&b.state_dir));
    installs
}

/// The OpenClaw whose configuration lies at a path; none if nothing lies there, or if it is one of ours.
pub fn at(config_path: &Path) -> Option<OpenClawInstall> {
    let ours = config_path.parent().is_some_and(is_ours);
    if ours { None } else { install(config_path) }
}

fn install(config_path: &Path) -> Option<OpenClawInstall> {
    let state_dir = config_path.parent()?.to_owned();
    let glimpse = ConfigGlimpse::of_file(config_path)?;
    let folder = state_dir.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let mut install = OpenClawInstall {
        profile: folder.strip_prefix(".openclaw-").map(str::to_owned),
        base_port: DEFAULT_PORT,
        bot_ids: Vec::new(),
        readable: false,
        config_path: config_path.to_owned(),
        state_dir,
        glimpse: ConfigGlimpse::default(),
    };
    install.look_again(glimpse);
    Some(install)
}

/// Bots whose token stands beside the configuration: in its `.env`, or in `tokenFile`.
fn token_files(state_dir: &Path, glimpse: &ConfigGlimpse) -> Vec<u64> {
    let read =
        |path: &Path| files::read_limited(path, 64 * 1024).ok().and_then(|b| String::from_utf8(b).ok());
    let mut ids = Vec::new();
    if let Some(text) = read(&state_dir.join(".env")) {
        ids.extend(text.lines().filter_map(|line| {
            let value = line.trim().trim_start_matches("export ").strip_prefix("TELEGRAM_BOT_TOKEN=")?;
            bot_id_of_token(value.trim().trim_matches(['"', '\'']))
        }));
    }
    if let Some(text) = glimpse.token_file.as_deref().and_then(|path| read(Path::new(path))) {
        ids.extend(text.lines().next().and_then(bot_id_of_token));
    }
    ids
}

/// Whether a directory bears our marker.
fn is_ours(dir: &Path) -> bool {
    matches!(Marker::read(dir), Ok(Some(_)))
}

/// The nearest directory at or above `path` that is a real OpenClaw's, and what proves it.
pub fn real_state_dir_above(path: &Path) -> Option<(PathBuf, String)> {
    let canonical = files::canonical(path);
    if canonical.file_name().is_some_and(|name| name == CONFIG_NAME) {
        let dir = canonical.parent()?;
        if !is_ours(dir) {
            return Some((dir.to_owned(), CONFIG_NAME.to_owned()));
        }
    }
    canonical.ancestors().find_map(|dir| Some((dir.to_owned(), evidence(dir)?)))
}

/// What proves that a directory is the state directory of a real OpenClaw.
fn evidence(dir: &Path) -> Option<String> {
    let named = dir.file_name().and_then(|n| n.to_str()).is_some_and(|name| name.starts_with(".openclaw"));
    let has_config = dir.join(CONFIG_NAME).exists();
    if !has_config && !named {
        return None;
    }
    let typical: Vec<_> = TYPICAL.into_iter().filter(|name| dir.join(name).exists()).take(2).collect();
    let real = match (has_config, named) {
        (true, true) => true,
        (true, false) => !typical.is_empty(),
        (false, _) => typical.len() >= 2,
    };
    if !real || is_ours(dir) {
        return None;
    }
    Some(if has_config { CONFIG_NAME.to_owned() } else { typical.join(" and ") })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // also in what the tests share
mod tests {
    use super::*;

    fn write(path: PathBuf, text: &str) {
        files::create_private_dir(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    #[test]
    fn every_profile_is_found_with_its_port_and_bots() {
        let dir = tempfile::tempdir().unwrap();
        let env = Environment::for_test(dir.path());
        write(dir.path().join(".openclaw/openclaw.json"), "{channels:{telegram:{botToken:'7:abc'}}}");
        write(dir.path().join(".openclaw/.env"), "export TELEGRAM_BOT_TOKEN=\"8:def\"\n");
        write(dir.path().join(".openclaw-ops/openclaw.json"), "{gateway:{port:21000}");
        write(dir.path().join(".openclaw-dev/openclaw.json"), "{}");
        write(dir.path().join(".openclaw-mine/main.json"), "{gateway:{port:22000}}");
        let found = detect(&env);
        let of = |label: &str| found.iter().find(|install| install.label() == label).unwrap();
        assert_eq!(found.len(), 3);
        assert_eq!((of("OpenClaw").base_port, of("OpenClaw").bot_ids.clone()), (18789, vec![7, 8]));
        assert_eq!((of("OpenClaw (ops)").base_port, of("OpenClaw (ops)").readable), (21000, false));
        assert_eq!(of("OpenClaw (dev)").base_port, 19001);
    }

    #[test]
    fn evidence_is_needed() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        write(root.join("openclaw.json"), "{}");
        write(root.join(".openclaw-x/main.json"), "{}");
        assert_eq!(real_state_dir_above(&root.join(".openclaw-x/workspace")), None);
        write(root.join(".openclaw-x/agents/main/x"), "");
        write(root.join(".openclaw-x/credentials/x"), "");
        let (found, evidence) = real_state_dir_above(&root.join(".openclaw-x/workspace")).unwrap();
        assert_eq!((found, evidence.as_str()), (root.join(".openclaw-x"), "agents and credentials"));
        write(root.join(".openclaw-x/profile.json"), "{\"product\":\"bulkhead\",\"profile\":\"main\"}");
        assert_eq!(real_state_dir_above(&root.join(".openclaw-x")), None);
    }
}
