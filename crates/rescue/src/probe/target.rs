//! What is watched: addresses and files, worked out once. Pure but for the OpenClaw's own configuration, which names its
//! port.

use std::path::PathBuf;

use bulkhead_client::GatewayUrl;
use bulkhead_config::{Rescue, WatchedKind, WatchedMain};
use bulkhead_profile::{Environment, Place};

use crate::openclaw;

/// What runs the watched gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TargetKind {
    /// A profile of this program.
    Bundled,
    /// An installed OpenClaw.
    OpenClaw,
    /// A gateway on another machine.
    Remote,
}

/// Its configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigTarget {
    /// The file.
    pub path: PathBuf,
    /// Its last good version, where the gateway keeps one itself.
    pub last_good: Option<PathBuf>,
}

/// What is watched.
#[derive(Debug, Clone)]
pub struct Target {
    /// What runs it.
    pub kind: TargetKind,
    /// For people: `main`, `OpenClaw`, a host name.
    pub label: String,
    /// Where it answers, as long as its run record names no other port.
    pub url: GatewayUrl,
    /// The record of its process.
    pub run_record: Option<PathBuf>,
    /// Its state directory.
    pub state_dir: Option<PathBuf>,
    /// Its configuration.
    pub config: Option<ConfigTarget>,
    /// Its service.
    pub unit: Option<String>,
    /// The surroundings that its own variables and programs are looked up in.
    pub env: Environment,
}

impl Target {
    /// A profile of this program on a base port.
    pub fn bundled(place: &Place, port: u16, env: &Environment) -> Self {
        Self {
            kind: TargetKind::Bundled,
            label: place.name().to_string(),
            url: GatewayUrl::loopback(port),
            run_record: Some(place.run_record_path()),
            state_dir: Some(place.state_dir().to_owned()),
            config: Some(ConfigTarget {
                path: place.config_path().to_owned(),
                last_good: Some(place.last_good_config_path()),
            }),
            unit: Some(if cfg!(target_os = "macos") { place.launchd_label() } else { place.service_name() }),
            env: env.clone(),
        }
    }

    /// An OpenClaw on this machine.
    pub fn openclaw(main: &WatchedMain, env: &Environment) -> Self {
        let folder = main
            .profile
            .as_deref()
            .map_or_else(|| ".openclaw".to_owned(), |name| format!(".openclaw-{name}"));
        let config_dir =
            main.config_path.as_deref().and_then(|path| env.expand(path).parent().map(PathBuf::from));
        let state_dir = main
            .state_dir
            .as_deref()
            .map(|dir| env.expand(dir))
            .or(config_dir)
            .unwrap_or_else(|| env.home.join(folder));
        let config = main
            .config_path
            .as_deref()
            .map_or_else(|| state_dir.join("openclaw.json"), |path| env.expand(path));
        let url = main.url.as_deref().and_then(|url| url.parse().ok());
        let unit = main.unit.clone().or_else(|| {
            let named = main.profile.as_deref().filter(|name| *name != "default");
            Some(named.map_or_else(
                || "openclaw-gateway.service".to_owned(),
                |name| format!("openclaw-gateway-{name}.service"),
            ))
        });
        Self {
            kind: TargetKind::OpenClaw,
            label: "OpenClaw".to_owned(),
            url: url
                .unwrap_or_else(|| GatewayUrl::loopback(openclaw::port_of(&config, main.profile.as_deref()))),
            run_record: None,
            state_dir: Some(state_dir),
            config: Some(ConfigTarget { path: config, last_good: None }),
            unit,
            env: env.clone(),
        }
    }

    /// A gateway on another machine; `None` if the address cannot be read.
    pub fn remote(url: &str, env: &Environment) -> Option<Self> {
        let url: GatewayUrl = url.parse().ok()?;
        Some(Self {
            kind: TargetKind::Remote,
            label: url.host().to_owned(),
            url,
            run_record: None,
            state_dir: None,
            config: None,
            unit: None,
            env: env.clone(),
        })
    }

    /// What the configuration says is watched; `None` if nothing is, or nothing that can be found. `find` knows the
    /// place and the base port of a profile of this program (the register does).
    pub fn from_config(
        rescue: &Rescue,
        env: &Environment,
        find: impl FnOnce(&str) -> Option<(Place, u16)>,
    ) -> Option<Self> {
        let main = rescue.main.clone().unwrap_or_default();
        match main.kind {
            WatchedKind::Bundled => {
                let name = rescue.watch.as_deref().or(main.profile.as_deref())?;
                let (place, port) = find(name)?;
                Some(Self::bundled(&place, port, env))
            }
            WatchedKind::OpenClaw => Some(Self::openclaw(&main, env)),
            WatchedKind::Remote => Self::remote(main.url.as_deref()?, env),
        }
    }

    /// The port, where it is a gateway of this machine.
    pub fn port(&self) -> Option<u16> {
        (self.kind != TargetKind::Remote).then(|| self.url.port())
    }
}
