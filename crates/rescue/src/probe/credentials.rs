//! For an OpenClaw, which has no words for it at `/readyz`: is its bot's token still accepted, does its provider still
//! list its models? Unpaid questions, with its own credentials, in memory only, at a gentle pace.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::Eye;
use crate::observation::{CredentialSeen, Observation, Reception};
use crate::openclaw::{Credentials, Login, Provider};

const EVERY: Duration = Duration::from_secs(4);
const AFTER_FAILURE: Duration = Duration::from_millis(1500);
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) async fn run(eye: Eye) {
    let mut clients = Clients::default();
    loop {
        // While it is down, its credentials are its smallest worry; and whoever is stopped on purpose is left alone.
        let mut link = eye.link.subscribe();
        if link.wait_for(|link| link.answers).await.is_err() {
            return;
        }
        let (config, dir) = (eye.target.config.clone(), eye.target.state_dir.clone());
        let read = tokio::task::spawn_blocking(move || {
            config.map(|config| Credentials::read(&config.path, dir.as_deref())).unwrap_or_default()
        });
        let found = read.await.unwrap_or_default();
        let mut failed = false;
        for bot in &found.bots {
            let began = eye.now();
            let how = match clients.get(bot.proxy.as_deref(), &bot.api_root) {
                Some(client) => ask_bot(&client, bot).await,
                None => Reception::Unknown,
            };
            failed |= how == Reception::Failed;
            eye.saw(began, Observation::Bot(CredentialSeen { of: bot.channel.clone(), how })).await;
        }
        if let Some(provider) = &found.provider {
            let began = eye.now();
            let how = match clients.get(provider.proxy.as_deref(), &provider.base_url) {
                Some(client) => ask_provider(&client, provider).await,
                None => Reception::Unknown,
            };
            failed |= how == Reception::Failed;
            eye.saw(began, Observation::Model(CredentialSeen { of: provider.id.clone(), how })).await;
        }
        tokio::time::sleep(if failed { AFTER_FAILURE } else { EVERY }).await;
    }
}

/// Clients by proxy; made once.
#[derive(Default)]
struct Clients(BTreeMap<Option<String>, Option<reqwest::Client>>);

impl Clients {
    fn get(&mut self, proxy: Option<&str>, url: &str) -> Option<reqwest::Client> {
        // Addresses of this machine are reached without any proxy.
        let local =
            ["http://127.", "http://localhost", "http://[::1]"].iter().any(|start| url.starts_with(start));
        let key = if local { Some("direct".to_owned()) } else { proxy.map(str::to_owned) };
        let make = || {
            if local {
                return super::http::client().ok();
            }
            let builder = super::http::builder().user_agent(concat!("bulkhead/", env!("CARGO_PKG_VERSION")));
            match proxy {
                Some(proxy) => builder.no_proxy().proxy(reqwest::Proxy::all(proxy).ok()?).build().ok(),
                None => builder.build().ok(),
            }
        };
        self.0.entry(key).or_insert_with(make).clone()
    }
}

async fn ask_bot(client: &reqwest::Client, bot: &Login) -> Reception {
    let url = format!("{}/bot{}/getMe", bot.api_root, bot.token.expose_secret());
    match status(client.post(url)).await {
        Some(200) => Reception::Accepted,
        // The Bot API answers 404 to a token that has no form at all.
        Some(401 | 404) => Reception::Rejected,
        Some(500..) | None => Reception::Failed,
        Some(_) => Reception::Unknown,
    }
}

async fn ask_provider(client: &reqwest::Client, provider: &Provider) -> Reception {
    let base = &provider.base_url;
    let key = provider.key.as_ref().map(secrecy::ExposeSecret::expose_secret);
    let request = match provider.api.as_str() {
        "anthropic-messages" => {
            let url =
                if base.ends_with("/v1") { format!("{base}/models") } else { format!("{base}/v1/models") };
            let request = client.get(url).header("anthropic-version", "2023-06-01");
            match key {
                Some(key) => request.header("x-api-key", key),
                None => return Reception::Unknown,
            }
        }
        "ollama" => client.get(format!("{}/api/tags", base.trim_end_matches("/v1"))),
        _ => {
            let request = client.get(format!("{base}/models"));
            match key {
                Some(key) => request.bearer_auth(key),
                None => request,
            }
        }
    };
    match status(request).await {
        Some(200..300) => Reception::Accepted,
        // Without a key that could be read, a refusal says nothing about the real one.
        Some(401 | 403) if provider.key.is_some() => Reception::Rejected,
        Some(500..) | None => Reception::Failed,
        Some(_) => Reception::Unknown,
    }
}

/// The status of the answer; the error of a request would name the address, and with it the token: it is dropped here.
async fn status(request: reqwest::RequestBuilder) -> Option<u16> {
    let answer = tokio::time::timeout(PATIENCE, request.send()).await.ok()?.ok()?;
    Some(answer.status().as_u16())
}
