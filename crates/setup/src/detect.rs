//! A look around: what is here already, and what can be used.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use bulkhead_agent::{ProviderApi, ProviderSettings};
use bulkhead_profile::{
    Environment, KnownProfile, Owner, Ports, files, known_profiles,
    openclaw::{self, OpenClawInstall},
};
use bulkhead_secrets::{SecretId, generate};
use futures::future::join_all;
use serde::Serialize;

use crate::create::unfinished;
use crate::event::ProfileResult;
use crate::world::World;

const MOST_PORTS: usize = 64;
const KEYCHAIN_LIMIT: Duration = Duration::from_secs(4);

/// What was found.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Detection {
    /// OpenClaw installs.
    pub openclaw: Vec<FoundOpenClaw>,
    /// Gateways, running or not.
    pub gateways: Vec<FoundGateway>,
    /// Ways to a model.
    pub models: Vec<FoundModel>,
    /// A browser for the browser seat.
    pub chrome: Option<FoundChrome>,
    /// The keychain.
    pub keychain: FoundKeychain,
    /// Proxies that the environment names.
    pub proxy: FoundProxy,
    /// Profiles that are here already.
    pub profiles: Vec<ProfileResult>,
    /// Listening ports near those that profiles use.
    pub ports_in_use: Vec<FoundPort>,
    /// Profiles whose creation was begun and not finished.
    pub unfinished: Vec<String>,
}

/// An OpenClaw on this machine.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FoundOpenClaw {
    /// Its profile; none for the default one.
    pub profile: Option<String>,
    /// Its state directory.
    pub state_dir: PathBuf,
    /// Its base port.
    pub port: u16,
    /// The version that last wrote its configuration.
    pub version: Option<String>,
    /// How many Telegram bots it has.
    pub bots: usize,
    /// Whether something listens on its port.
    pub running: bool,
}

/// A gateway.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FoundGateway {
    /// Its profile.
    pub profile: String,
    /// Its base port.
    pub port: u16,
    /// Whether it runs.
    pub running: bool,
    /// `bulkhead` or `openclaw`.
    pub kind: &'static str,
}

/// A way to a model.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FoundModel {
    /// `env`, `ollama`, `lmstudio` or `llamacpp`.
    pub kind: &'static str,
    /// The provider's id.
    pub provider: &'static str,
    /// `openai`, `anthropic` or `ollama`.
    pub api: &'static str,
    /// Its address.
    pub base_url: String,
    /// The variable that holds its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env_var: Option<&'static str>,
    /// Its models; empty when they were not asked for.
    pub models: Vec<String>,
}

/// A browser.
#[derive(Debug, Clone, Serialize)]
pub struct FoundChrome {
    /// Its executable.
    pub path: PathBuf,
}

/// The keychain.
#[derive(Debug, Clone, Serialize)]
pub struct FoundKeychain {
    /// Whether it answers.
    pub available: bool,
    /// Why not, in words.
    pub reason: Option<String>,
    /// Why not, as a stable word.
    pub code: Option<&'static str>,
}

/// Proxies, without user names and passwords.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FoundProxy {
    /// `HTTPS_PROXY`.
    pub https: Option<String>,
    /// `HTTP_PROXY`.
    pub http: Option<String>,
    /// `ALL_PROXY`.
    pub all: Option<String>,
    /// `NO_PROXY`.
    pub no: Option<String>,
}

/// A listening port.
#[derive(Debug, Clone, Serialize)]
pub struct FoundPort {
    /// The port.
    pub port: u16,
    /// The program; none if it belongs to another user.
    pub program: Option<String>,
    /// Its process.
    pub pid: Option<u32>,
    /// The profile, if it is one of ours.
    pub profile: Option<String>,
}

/// Looks around.
pub(crate) async fn detect(world: &World) -> Detection {
    let listening = world.listening();
    let known = known_profiles(&world.env);
    let installs = openclaw::detect(&world.env);
    let (models, keychain) = tokio::join!(models(world, &listening), keychain(world));
    let mut gateways: Vec<FoundGateway> = known
        .iter()
        .filter_map(|profile| {
            let port = profile.base_port?;
            let holder = listening.contains(&port).then(|| world.holder(port)).flatten();
            let running =
                holder.is_some_and(|holder| holder.profile.as_deref() == Some(profile.place.name().as_str()));
            Some(FoundGateway { profile: profile.place.label(), port, running, kind: "bulkhead" })
        })
        .collect();
    gateways.extend(installs.iter().map(|install| FoundGateway {
        profile: install.label(),
        port: install.base_port,
        running: listening.contains(&install.base_port),
        kind: "openclaw",
    }));
    let mut near: Vec<u16> = Vec::new();
    for port in &listening {
        let in_reach = |base: u16| (base..=base.saturating_add(110)).contains(port);
        let ours = known.iter().filter_map(|profile| profile.base_port).any(in_reach);
        let theirs = installs.iter().any(|install| in_reach(install.base_port));
        if ours || theirs || (18_700..=20_100).contains(port) {
            near.push(*port);
        }
    }
    let ports_in_use = near
        .into_iter()
        .take(MOST_PORTS)
        .map(|port| {
            let holder = world.holder(port);
            FoundPort {
                port,
                program: holder.as_ref().and_then(|holder| holder.program.clone()),
                pid: holder.as_ref().and_then(|holder| holder.pid),
                profile: holder.and_then(|holder| holder.profile),
            }
        })
        .collect();
    Detection {
        openclaw: installs
            .iter()
            .map(|install| FoundOpenClaw {
                profile: install.profile.clone(),
                state_dir: install.state_dir.clone(),
                port: install.base_port,
                version: version_of(install),
                bots: install.bot_ids.len(),
                running: listening.contains(&install.base_port),
            })
            .collect(),
        gateways,
        models,
        chrome: chrome(&world.env),
        keychain,
        proxy: proxy(&world.env),
        profiles: known.iter().map(profile_result).collect(),
        ports_in_use,
        unfinished: unfinished(&world.env),
    }
}

fn profile_result(known: &KnownProfile) -> ProfileResult {
    let ports = known.base_port.and_then(|base| Ports::new(base).ok());
    let glimpse = known.glimpse.as_ref();
    ProfileResult {
        name: known.place.name().to_string(),
        port: known.base_port,
        state_dir: known.place.state_dir().to_owned(),
        config_path: known.place.config_path().to_owned(),
        workspace: glimpse
            .and_then(|glimpse| glimpse.workspace.as_deref())
            .map_or_else(|| known.place.workspace().to_owned(), PathBuf::from),
        control: glimpse.and_then(|glimpse| glimpse.control_port).or(ports.map(Ports::control)),
        cdp_first: ports.map(Ports::cdp_first),
        cdp_last: ports.map(Ports::cdp_last),
        keychain_service: known.place.keychain_service(),
        owner: known.owner.unwrap_or(Owner::External),
    }
}

fn version_of(install: &OpenClawInstall) -> Option<String> {
    let bytes = files::read_limited(&install.config_path, 4 * 1024 * 1024).ok()?;
    let doc =
        bulkhead_config::ConfigDocument::parse("openclaw.json", std::str::from_utf8(&bytes).ok()?).ok()?;
    let version = doc.get("meta.lastTouchedVersion").ok()??;
    version.as_str().map(|version| version.chars().take(40).collect())
}

/// Asking for an item that is not there opens no dialog, even where the keychain is locked.
async fn keychain(world: &World) -> FoundKeychain {
    let store = world.keychain("ai.bulkhead.detect");
    let Ok(id) = SecretId::parse(&format!("probe/{}", generate::name())) else {
        return FoundKeychain { available: false, reason: None, code: None };
    };
    match tokio::time::timeout(KEYCHAIN_LIMIT, store.get(&id)).await {
        Ok(Ok(_)) => FoundKeychain { available: true, reason: None, code: None },
        Ok(Err(error)) if error.is_not_found() => FoundKeychain { available: true, reason: None, code: None },
        Ok(Err(error)) => {
            FoundKeychain { available: false, reason: Some(error.to_string()), code: Some(error.code()) }
        }
        Err(_) => FoundKeychain {
            available: false,
            reason: Some(format!("The keychain did not answer within {} s.", KEYCHAIN_LIMIT.as_secs())),
            code: Some("keychain.timeout"),
        },
    }
}

async fn models(world: &World, listening: &BTreeSet<u16>) -> Vec<FoundModel> {
    let by_key = [
        ("ANTHROPIC_API_KEY", "anthropic", "anthropic", "https://api.anthropic.com"),
        ("OPENAI_API_KEY", "openai", "openai", "https://api.openai.com/v1"),
        ("OPENROUTER_API_KEY", "openrouter", "openai", "https://openrouter.ai/api/v1"),
    ];
    let mut found: Vec<FoundModel> = by_key
        .into_iter()
        .filter(|(variable, ..)| world.env.var(variable).is_some())
        .map(|(variable, provider, api, base_url)| FoundModel {
            kind: "env",
            provider,
            api,
            base_url: base_url.to_owned(),
            env_var: Some(variable),
            models: Vec::new(),
        })
        .collect();
    let local = [
        ("ollama", ProviderApi::Ollama, "ollama", 11_434, ""),
        ("lmstudio", ProviderApi::OpenAi, "openai", 1234, "/v1"),
        ("llamacpp", ProviderApi::OpenAi, "openai", 8080, "/v1"),
    ];
    let asked = local.into_iter().filter(|(.., port, _)| listening.contains(port)).map(
        async |(kind, api, word, port, path)| {
            let base_url = format!("http://127.0.0.1:{port}{path}");
            let models = world.live().models(&ProviderSettings::new(kind, api, &base_url)).await;
            // Something else may listen on a port that is as common as 8080.
            (!models.is_empty()).then_some(FoundModel {
                kind,
                provider: kind,
                api: word,
                base_url,
                env_var: None,
                models,
            })
        },
    );
    found.extend(join_all(asked).await.into_iter().flatten());
    found
}

fn chrome(env: &Environment) -> Option<FoundChrome> {
    let names: &[&str] = if cfg!(windows) {
        &["chrome.exe", "msedge.exe"]
    } else {
        &[
            "google-chrome",
            "google-chrome-stable",
            "chromium",
            "chromium-browser",
            "microsoft-edge",
            "brave-browser",
        ]
    };
    let fixed: &[&str] = if cfg!(target_os = "macos") {
        &[
            "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
            "/Applications/Chromium.app/Contents/MacOS/Chromium",
            "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
        ]
    } else if cfg!(windows) {
        &[
            r"C:\Program Files\Google\Chrome\Application\chrome.exe",
            r"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe",
            r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
        ]
    } else {
        &["/opt/google/chrome/chrome", "/snap/bin/chromium"]
    };
    let path = env.var("PATH").unwrap_or_default();
    let dirs: Vec<PathBuf> = std::env::split_paths(path).collect();
    names
        .iter()
        .flat_map(|name| dirs.iter().map(move |dir| dir.join(name)))
        .chain(fixed.iter().map(PathBuf::from))
        .find(|path| path.is_file())
        .map(|path| FoundChrome { path })
}

fn proxy(env: &Environment) -> FoundProxy {
    let named = |name: &str| {
        let text = env.var(name).or_else(|| env.var(&name.to_lowercase()))?;
        Some(match url::Url::parse(text) {
            Ok(mut url) if !url.username().is_empty() || url.password().is_some() => {
                let _ = url.set_username("");
                let _ = url.set_password(None);
                url.to_string()
            }
            _ => text.to_owned(),
        })
    };
    FoundProxy {
        https: named("HTTPS_PROXY"),
        http: named("HTTP_PROXY"),
        all: named("ALL_PROXY"),
        no: named("NO_PROXY"),
    }
}
