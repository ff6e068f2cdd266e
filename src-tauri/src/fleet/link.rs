//! The connection to one gateway: address and secret of the profile, coming back by itself.

use crate::cards::{Problem, ProblemAction};
use crate::commands::gateway::{ConnectionPhase, ConnectionReport};
use crate::failure::{Answer, Failure};
use bulkhead_client::backoff::Backoff;
use bulkhead_client::{Auth, ClientError, ConnectOptions, ConnectionState, ReconnectingClient};
use bulkhead_config::{AuthMode, Config, ConfigStore, SecretInput, SecretRef};
use bulkhead_profile::{Environment, Place};
use bulkhead_secrets::{SecretId, Sources};
use serde_json::Value;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::Notify;

/// Longest wait for an answer that the page asked for: a model may take its time.
const ANSWER: Duration = Duration::from_mins(2);
/// How often a secret that could not be read is tried again.
const SECRET_RETRY: Duration = Duration::from_secs(5);

/// A connection that lives as long as its unit. It begins with the secret: without one nothing is sent, because every
/// wrong attempt slows the gateway's next answer down.
pub struct Link {
    place: Place,
    env: Environment,
    port: AtomicU16,
    client: OnceLock<ReconnectingClient>,
    knocked: Notify,
}

/// What a state of the connection means for the card.
pub struct Seen {
    /// Version of the gateway, when it is connected.
    pub version: Option<String>,
    /// Why it was refused, when that is why it is not.
    pub refusal: Option<Problem>,
}

impl Link {
    /// A link to the gateway on a port; [`Link::open`] makes it work.
    pub fn new(place: Place, env: Environment, port: u16) -> Self {
        Self { place, env, port: port.into(), client: OnceLock::new(), knocked: Notify::new() }
    }

    /// Reads the secret, however long that takes, and starts to connect. `told` hears why it can't be read, and that it
    /// could at last.
    pub async fn open(&self, told: impl Fn(Option<Problem>)) -> &ReconnectingClient {
        loop {
            match secret(&self.place, &self.env).await {
                Ok(auth) => {
                    told(None);
                    let options = self.options(auth);
                    return self
                        .client
                        .get_or_init(|| ReconnectingClient::spawn(options, Backoff::default()));
                }
                Err(problem) => {
                    tracing::warn!(profile = %self.place.name(), code = problem.code, "{}", problem.message);
                    told(Some(problem));
                }
            }
            let _ = tokio::time::timeout(SECRET_RETRY, self.knocked.notified()).await;
        }
    }

    /// Tries now instead of after a while.
    pub fn knock(&self) {
        match self.client.get() {
            Some(client) if client.current().is_none() && !is_refused(client) => client.retry_now(),
            Some(_) => {}
            None => self.knocked.notify_one(),
        }
    }

    /// The gateway came up, perhaps on another port. After a refusal the secret is read anew: it may have been changed.
    pub async fn came_up(&self, port: Option<u16>) {
        let moved = port.is_some_and(|port| self.port.swap(port, Ordering::Relaxed) != port);
        let Some(client) = self.client.get() else { return self.knocked.notify_one() };
        if !moved && !is_refused(client) {
            return self.knock();
        }
        match secret(&self.place, &self.env).await {
            Ok(auth) => client.update(self.options(auth)),
            Err(problem) => {
                tracing::warn!(profile = %self.place.name(), code = problem.code, "{}", problem.message);
            }
        }
    }

    /// How it stands, for the page.
    pub fn report(&self) -> ConnectionReport {
        match self.client.get() {
            Some(client) => report(&client.state().borrow()),
            None => report(&ConnectionState::Connecting { failures: 0 }),
        }
    }

    /// One request.
    pub async fn request(&self, method: &str, params: Value, limit: Option<Duration>) -> Answer<Value> {
        let Some(client) = self.client.get() else {
            return Err(Failure::new(
                "not-connected",
                format!("The app is not connected to the gateway \"{}\" yet.", self.place.name()),
                "Its card says why, if that takes longer than a moment.",
            ));
        };
        let limit = limit.unwrap_or(ANSWER);
        match tokio::time::timeout(limit, client.request(method, params)).await {
            Ok(outcome) => outcome.map_err(Failure::from),
            Err(_) => Err(Failure::new(
                "timeout",
                format!("The gateway did not answer within {} seconds.", limit.as_secs()),
                "Look at its log.",
            )),
        }
    }

    /// Says goodbye.
    pub async fn stop(&self) {
        if let Some(client) = self.client.get() {
            client.stop().await;
        }
    }

    fn options(&self, auth: Auth) -> ConnectOptions {
        options(self.port.load(Ordering::Relaxed), auth)
    }
}

fn is_refused(client: &ReconnectingClient) -> bool {
    matches!(&*client.state().borrow(), ConnectionState::Paused { .. })
}

fn options(port: u16, auth: Auth) -> ConnectOptions {
    let mut options =
        ConnectOptions::backend(format!("ws://127.0.0.1:{port}"), auth).with_caps(["tool-events"]);
    options.identity.display_name = Some("Bulkhead".to_owned());
    options
}

/// The shared secret of a profile, as its configuration names it.
async fn secret(place: &Place, env: &Environment) -> Result<Auth, Problem> {
    let store = ConfigStore::new(place);
    let config = tokio::task::spawn_blocking(move || store.load().map(|loaded| loaded.config)).await;
    let unreadable = |message: String| Problem {
        code: "config-unreadable".to_owned(),
        message,
        action: Some(ProblemAction::Logs),
    };
    let config = match config {
        Ok(Ok(config)) => config,
        Ok(Err(error)) => return Err(unreadable(error.to_string())),
        Err(error) => return Err(unreadable(error.to_string())),
    };
    match input(&config) {
        Shared::Plain(auth) => Ok(auth),
        Shared::Kept(reference, wrap) => {
            let sources = Sources::for_place(place, env).with_providers(&config);
            sources.get(&reference).await.map(wrap).map_err(|error| Problem {
                code: error.code().to_owned(),
                message: error.to_string(),
                action: Some(ProblemAction::Credentials),
            })
        }
    }
}

enum Shared {
    Plain(Auth),
    Kept(SecretRef, fn(secrecy::SecretString) -> Auth),
}

fn input(config: &Config) -> Shared {
    let auth = &config.gateway.auth;
    if auth.mode == AuthMode::None {
        return Shared::Plain(Auth::None);
    }
    let (input, wrap): (_, fn(_) -> Auth) = match (&auth.token, &auth.password) {
        (token, Some(password)) if auth.mode == AuthMode::Password || token.is_none() => {
            (Some(password), Auth::Password)
        }
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
        action: Some(ProblemAction::Credentials),
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
