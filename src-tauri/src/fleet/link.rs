//! The connection to one gateway: address and secret of the profile, coming back by itself.

use crate::cards::Problem;
use crate::commands::gateway::{ConnectionPhase, ConnectionReport};
use crate::failure::{Answer, Failure};
use bulkhead_client::backoff::Backoff;
use bulkhead_client::{Auth, ClientError, ConnectOptions, ConnectionState, ReconnectingClient};
use bulkhead_config::{Config, ConfigStore, SecretInput, SecretRef};
use bulkhead_profile::{Environment, Place};
use bulkhead_protocol::EventFrame;
use bulkhead_secrets::{SecretId, Sources};
use serde_json::Value;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{broadcast, watch};

/// Longest wait for an answer that the page asked for: a model may take its time.
const ANSWER: Duration = Duration::from_mins(2);

/// A connection that lives as long as its unit.
pub struct Link {
    place: Place,
    env: Environment,
    port: u16,
    client: ReconnectingClient,
    /// Reads the secret when it is first needed, and again after a refusal.
    secret: Arc<tokio::sync::Mutex<()>>,
    started: OnceLock<()>,
}

/// What a state of the connection means for the card.
pub struct Seen {
    /// Version of the gateway, when it is connected.
    pub version: Option<String>,
    /// Why it was refused, when that is why it is not.
    pub refusal: Option<Problem>,
}

impl Link {
    /// Starts connecting to the gateway on a port.
    pub fn new(place: Place, env: Environment, port: u16) -> Self {
        let runtime = tauri::async_runtime::handle();
        let _inside = runtime.inner().enter();
        let client = ReconnectingClient::spawn(options(port, Auth::None), Backoff::default());
        let link = Self { place, env, port, client, secret: Arc::default(), started: OnceLock::new() };
        link.knock();
        link
    }

    /// Tries now. The first time, and after a refusal, with the secret read anew.
    pub fn knock(&self) {
        if self.client.current().is_some() {
            return;
        }
        let fresh = self.started.set(()).is_ok()
            || self.client.state().borrow().error().is_some_and(|error| error.is_permanent());
        if !fresh {
            return self.client.retry_now();
        }
        let (place, env, port, client) =
            (self.place.clone(), self.env.clone(), self.port, self.client.clone());
        let one = Arc::clone(&self.secret);
        tauri::async_runtime::spawn(async move {
            let Ok(_one) = one.try_lock() else { return };
            match secret(&place, &env).await {
                Ok(auth) => client.update(options(port, auth)),
                Err(message) => tracing::warn!(profile = %place.name(), "{message}"),
            }
        });
    }

    /// Its state and every change.
    pub fn changes(&self) -> watch::Receiver<ConnectionState> {
        self.client.state()
    }

    /// Events of the gateway.
    pub fn events(&self) -> broadcast::Receiver<Arc<EventFrame>> {
        self.client.events()
    }

    /// How it stands, for the page.
    pub fn report(&self) -> ConnectionReport {
        report(&self.client.state().borrow())
    }

    /// One request.
    pub async fn request(&self, method: &str, params: Value) -> Answer<Value> {
        match tokio::time::timeout(ANSWER, self.client.request(method, params)).await {
            Ok(outcome) => outcome.map_err(Failure::from),
            Err(_) => {
                Err(Failure::new("timeout", "The gateway did not answer in two minutes.", "Look at its log."))
            }
        }
    }

    /// Says goodbye.
    pub async fn stop(&self) {
        self.client.stop().await;
    }
}

fn options(port: u16, auth: Auth) -> ConnectOptions {
    let mut options =
        ConnectOptions::backend(format!("ws://127.0.0.1:{port}"), auth).with_caps(["tool-events"]);
    options.identity.display_name = Some("Bulkhead".to_owned());
    options
}

/// The shared secret of a profile, as its configuration names it.
async fn secret(place: &Place, env: &Environment) -> Result<Auth, String> {
    let config =
        ConfigStore::new(place).load().map(|loaded| loaded.config).map_err(|error| error.to_string())?;
    let sources = Sources::for_place(place, env).with_providers(&config);
    match input(&config) {
        Shared::Plain(auth) => Ok(auth),
        Shared::Kept(reference, wrap) => {
            sources.get(&reference).await.map(wrap).map_err(|error| error.to_string())
        }
    }
}

enum Shared {
    Plain(Auth),
    Kept(SecretRef, fn(secrecy::SecretString) -> Auth),
}

fn input(config: &Config) -> Shared {
    let auth = &config.gateway.auth;
    let (input, wrap): (_, fn(_) -> Auth) = match (&auth.token, &auth.password) {
        (None, Some(password)) => (Some(password), Auth::Password),
        (token, _) => (token.as_ref(), Auth::Token),
    };
    match input {
        Some(SecretInput::Plain(secret)) => Shared::Plain(wrap(secret.clone())),
        Some(SecretInput::Ref(reference)) => Shared::Kept(reference.clone(), wrap),
        None => {
            let source = config.secrets.default_source.unwrap_or(bulkhead_config::SecretSource::Keychain);
            Shared::Kept(SecretRef::new(source, SecretId::gateway_token().as_str()), Auth::Token)
        }
    }
}

/// What a state means for the card.
pub fn seen(state: &ConnectionState) -> Seen {
    match state {
        ConnectionState::Connected { hello } => {
            Seen { version: Some(hello.server.version.clone()), refusal: None }
        }
        ConnectionState::Paused { error } => Seen { version: None, refusal: Some(refusal(error)) },
        _ => Seen { version: None, refusal: None },
    }
}

fn refusal(error: &ClientError) -> Problem {
    Problem {
        code: error.code().to_owned(),
        message: error.to_string(),
        action: Some(crate::cards::ProblemAction::Credentials),
    }
}

fn report(state: &ConnectionState) -> ConnectionReport {
    let (phase, error) = match state {
        ConnectionState::Connecting { .. } => (ConnectionPhase::Connecting, None),
        ConnectionState::Connected { .. } => (ConnectionPhase::Open, None),
        ConnectionState::Waiting { error, .. } => (ConnectionPhase::Waiting, Some(error)),
        ConnectionState::Paused { error } => (ConnectionPhase::Refused, Some(error)),
        ConnectionState::Stopped => (ConnectionPhase::Closed, None),
    };
    ConnectionReport {
        phase,
        code: error.map(|error| error.code().to_owned()),
        message: error.map(ToString::to_string),
    }
}

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|d| u64::try_from(d.as_millis()).ok())
        .unwrap_or(0)
}
