//! `/healthz` once a second, and `/readyz` with its details every other time.

use std::collections::BTreeMap;
use std::sync::Once;
use std::time::Duration;

use bulkhead_client::GatewayUrl;
use serde::Deserialize;

use super::{Eye, TargetKind};
use crate::observation::{Answer, Observation, ReadySeen, Reason};

const EVERY: Duration = Duration::from_secs(1);
const EVERY_REMOTE: Duration = Duration::from_secs(3);
/// After a failure it is looked again sooner.
const AFTER_FAILURE: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(2);
const PATIENCE_REMOTE: Duration = Duration::from_secs(5);
/// More is no answer of a gateway.
const LIMIT: usize = 256 * 1024;

pub(super) async fn run(eye: Eye) {
    let Ok(client) = client() else { return };
    let remote = eye.target.kind == TargetKind::Remote;
    let (every, patience) = if remote { (EVERY_REMOTE, PATIENCE_REMOTE) } else { (EVERY, PATIENCE) };
    let mut ask_ready = true;
    loop {
        let base = base(&eye);
        let began = eye.now();
        let answer = health(&client, &base, patience).await;
        let good = answer == Answer::Good;
        eye.saw(began, Observation::Http(answer)).await;
        if good && ask_ready {
            let began = eye.now();
            if let Some(mut seen) = ready(&client, &base, patience).await {
                if eye.target.kind == TargetKind::OpenClaw {
                    seen.failing =
                        seen.failing.into_iter().map(|(name, why)| (openclaws(name), why)).collect();
                }
                eye.saw(began, Observation::Ready(seen)).await;
            }
        }
        ask_ready = !ask_ready || !good;
        eye.next_look(if good { every } else { AFTER_FAILURE }).await;
    }
}

/// An OpenClaw names a failing channel by its bare id, beside words of its own for everything else (2026.9.6).
fn openclaws(name: String) -> String {
    let own =
        ["startup", "gateway-draining", "agent-database", "state-database", "plugin-reload", "internal"];
    if own.iter().any(|word| name.starts_with(word)) { name } else { format!("channels.{name}") }
}

/// Whether it answers just now.
pub(crate) async fn answers(url: &GatewayUrl) -> bool {
    let Ok(client) = client() else { return false };
    health(&client, &address(url, url.port()), PATIENCE).await == Answer::Good
}

/// The address for HTTP; the port is the one that the process really listens on.
fn base(eye: &Eye) -> String {
    let port = eye.link.borrow().port.unwrap_or(eye.target.url.port());
    address(&eye.target.url, port)
}

fn address(url: &GatewayUrl, port: u16) -> String {
    let scheme = if url.tls() { "https" } else { "http" };
    let host = if url.host().contains(':') { format!("[{}]", url.host()) } else { url.host().to_owned() };
    format!("{scheme}://{host}:{port}")
}

/// The address for the protocol, in the same way.
pub(super) fn gateway_url(eye: &Eye) -> GatewayUrl {
    let url = &eye.target.url;
    match eye.link.borrow().port {
        Some(port) if url.is_loopback() && port != url.port() => GatewayUrl::loopback(port),
        _ => url.clone(),
    }
}

/// What all clients have in common: no redirect is followed, no connection is kept.
pub(super) fn builder() -> reqwest::ClientBuilder {
    static CRYPTO: Once = Once::new();
    CRYPTO.call_once(|| {
        // Another crate of the program may have installed it already: that is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).pool_max_idle_per_host(0)
}

/// A client that goes through no proxy.
pub(super) fn client() -> reqwest::Result<reqwest::Client> {
    builder().no_proxy().user_agent(concat!("bulkhead/", env!("CARGO_PKG_VERSION"))).build()
}

#[derive(Deserialize)]
struct Health {
    ok: bool,
}

async fn health(client: &reqwest::Client, base: &str, patience: Duration) -> Answer {
    match get(client, &format!("{base}/healthz"), patience).await {
        Err(answer) => answer,
        Ok((status, body)) => match serde_json::from_slice::<Health>(&body) {
            Ok(Health { ok: true }) => Answer::Good,
            Ok(Health { ok: false }) => Answer::Busy,
            Err(_) if status == 503 => Answer::Busy,
            Err(_) => Answer::Wrong { found: format!("a web server with status {status}") },
        },
    }
}

#[derive(Deserialize)]
struct Ready {
    #[serde(default)]
    failing: Vec<String>,
    #[serde(default)]
    details: BTreeMap<String, Detail>,
}

#[derive(Deserialize)]
struct Detail {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

async fn ready(client: &reqwest::Client, base: &str, patience: Duration) -> Option<ReadySeen> {
    let (_, body) = get(client, &format!("{base}/readyz"), patience).await.ok()?;
    let mut ready: Ready = serde_json::from_slice(&body).ok()?;
    let failing = ready.failing.into_iter().map(|name| {
        let detail = ready.details.remove(&name);
        let reason = detail
            .map_or_else(Reason::default, |detail| Reason { code: detail.code, message: detail.message });
        (name, reason)
    });
    Some(ReadySeen { failing: failing.collect() })
}

async fn get(client: &reqwest::Client, url: &str, patience: Duration) -> Result<(u16, Vec<u8>), Answer> {
    let work = async {
        let mut response = client.get(url).send().await.map_err(|error| failure(&error))?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failure(&error))? {
            body.extend_from_slice(&chunk);
            if body.len() > LIMIT {
                return Err(Answer::Wrong { found: "a web server with an endless answer".to_owned() });
            }
        }
        Ok((status, body))
    };
    tokio::time::timeout(patience, work).await.unwrap_or(Err(Answer::Silent))
}

/// What a failed request says about the other side.
fn failure(error: &reqwest::Error) -> Answer {
    let mut source: Option<&dyn std::error::Error> = Some(error);
    let mut last = String::new();
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            match io.kind() {
                std::io::ErrorKind::ConnectionRefused => return Answer::Refused,
                std::io::ErrorKind::TimedOut => return Answer::Silent,
                // Taken and dropped: the process is on its way down, or never reads.
                std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::UnexpectedEof => {
                    return Answer::Refused;
                }
                _ => {}
            }
        }
        last = cause.to_string();
        source = cause.source();
    }
    if error.is_timeout() {
        return Answer::Silent;
    }
    if error.is_connect() {
        return Answer::Unreachable { why: last };
    }
    if last.contains("connection closed") {
        return Answer::Refused;
    }
    Answer::Wrong { found: "something that does not speak HTTP".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_openclaw_names_its_channels_by_their_bare_ids() {
        let named = |name: &str| openclaws(name.to_owned());
        assert_eq!(named("telegram"), "channels.telegram");
        for own in ["startup-sidecars", "agent-database:main", "gateway-draining"] {
            assert_eq!(named(own), own);
        }
    }
}
