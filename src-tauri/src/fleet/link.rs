//! The connection to one gateway: address and secret of the profile, coming back by itself.

use crate::cards::{Problem, ProblemAction};
use crate::commands::gateway::{ConnectionPhase, ConnectionReport};
use crate::failure::{Answer, Failure};
use bulkhead_client::backoff::Backoff;
use bulkhead_client::{
    Auth, ClientError, ConnectOptions, ConnectionState, Fingerprint, GatewayUrl, ReconnectingClient,
};
use bulkhead_config::{AuthMode, Config, ConfigStore, GatewayMode, SecretInput, SecretRef};
use bulkhead_profile::{Environment, Place};
use bulkhead_secrets::{SecretId, Sources};
use serde_json::Value;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::Notify;

/// Longest wait for an answer that the page asked for: a model may take its time.
const ANSWER: Duration = Duration::from_mins(2);
/// How often a secret that could not be read is tried again.
const SECRET_RETRY: Duration = Duration::from_secs(5);
/// A gateway that is back is found within seconds.
const BACKOFF: Backoff =
    Backoff { first: Duration::from_millis(150), longest: Duration::from_secs(4), jitter: 0.2 };
/// How long a connection may take to show that it still works, after the network changed or the computer slept.
const SIGN_OF_LIFE: Duration = Duration::from_millis(1_500);
/// How long a gateway elsewhere may take to let the app in.
const CONNECT: Duration = Duration::from_secs(6);
/// How long a gateway elsewhere may be silent beyond its ticks.
const SILENCE: Duration = Duration::from_secs(10);

/// A connection that lives as long as its unit. It begins with the secret: without one nothing is sent, because every
/// wrong attempt slows the gateway's next answer down.
pub struct Link {
    place: Place,
    env: Environment,
    port: AtomicU16,
    client: OnceLock<ReconnectingClient>,
    knocked: Notify,
    /// Address of a gateway elsewhere, as its configuration names it.
    remote: Mutex<Option<String>>,
}

/// Where to knock, and with what.
struct Door {
    auth: Auth,
    /// A gateway elsewhere; else the one of this machine.
    elsewhere: Option<(GatewayUrl, Option<Fingerprint>)>,
}

/// What a state of the connection means for the card.
pub struct Seen {
    /// Version of the gateway, when it is connected.
    pub version: Option<String>,
    /// Why it was refused, when that is why it is not.
    pub refusal: Option<Problem>,
    /// Why it can't be reached, when that is why it is not connected.
    pub lost: Option<Problem>,
}

impl Link {
    /// A link to the gateway on a port; [`Link::open`] makes it work.
    pub fn new(place: Place, env: Environment, port: u16) -> Self {
        Self {
            place,
            env,
            port: port.into(),
            client: OnceLock::new(),
            knocked: Notify::new(),
            remote: Mutex::new(None),
        }
    }

    /// Reads the secret, however long that takes, and starts to connect. `told` hears why it can't be read, and that it
    /// could at last.
    pub async fn open(&self, told: impl Fn(Option<Problem>)) -> &ReconnectingClient {
        loop {
            match self.door().await {
                Ok(door) => {
                    told(None);
                    let options = self.options(door);
                    return self.client.get_or_init(|| ReconnectingClient::spawn(options, BACKOFF));
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
        self.anew(client).await;
    }

    /// The network is another one, or the computer slept: a connection that gives no sign of life is made anew, and one
    /// that waits waits no longer.
    pub async fn stir(&self) {
        let Some(client) = self.client.get() else { return self.knocked.notify_one() };
        if is_refused(client) {
            return self.anew(client).await;
        }
        if client.current().is_none() {
            return client.retry_now();
        }
        let asked = client.request("health", serde_json::json!({}));
        if !matches!(tokio::time::timeout(SIGN_OF_LIFE, asked).await, Ok(Ok(_))) {
            tracing::info!(profile = %self.place.name(), "the connection gave no sign of life and is made anew");
            self.anew(client).await;
        }
    }

    /// Address of a gateway elsewhere.
    pub fn remote(&self) -> Option<String> {
        self.remote.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn anew(&self, client: &ReconnectingClient) {
        match self.door().await {
            Ok(door) => client.update(self.options(door)),
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

    fn options(&self, door: Door) -> ConnectOptions {
        let url = match &door.elsewhere {
            Some((url, _)) => url.clone(),
            None => GatewayUrl::loopback(self.port.load(Ordering::Relaxed)),
        };
        options(&url, door)
    }

    /// The way to a profile's gateway and its shared secret, as its configuration names them.
    async fn door(&self) -> Result<Door, Problem> {
        let store = ConfigStore::new(&self.place);
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
        let elsewhere = elsewhere(&config)?;
        let remote = elsewhere.as_ref().map(|(url, _)| format!("{}:{}", url.host(), url.port()));
        *self.remote.lock().unwrap_or_else(PoisonError::into_inner) = remote;
        let shared = if elsewhere.is_some() { input_elsewhere(&config) } else { input(&config) };
        let auth = match shared {
            Shared::Plain(auth) => auth,
            Shared::Kept(reference, wrap) => {
                let sources = Sources::for_place(&self.place, &self.env).with_providers(&config);
                sources.get(&reference).await.map(wrap).map_err(|error| Problem {
                    code: error.code().to_owned(),
                    message: error.to_string(),
                    action: Some(ProblemAction::Credentials),
                })?
            }
        };
        Ok(Door { auth, elsewhere })
    }
}

fn is_refused(client: &ReconnectingClient) -> bool {
    matches!(&*client.state().borrow(), ConnectionState::Paused { .. })
}

fn options(url: &GatewayUrl, door: Door) -> ConnectOptions {
    let mut options = ConnectOptions::backend(url.to_string(), door.auth).with_caps(["tool-events"]);
    options.identity.display_name = Some("Bulkhead".to_owned());
    if let Some((_, pin)) = door.elsewhere {
        options = options.pinned_to(pin);
        options.timeouts.silence = SILENCE;
        options.timeouts.connect = CONNECT;
    }
    options
}

/// The gateway that `gateway.mode: "remote"` talks to, and the only certificate that is taken there.
fn elsewhere(config: &Config) -> Result<Option<(GatewayUrl, Option<Fingerprint>)>, Problem> {
    if config.gateway.mode != Some(GatewayMode::Remote) {
        return Ok(None);
    }
    let bad = |message: String| Problem { code: "remote-address".to_owned(), message, action: None };
    let remote = &config.gateway.remote;
    let url = remote.url.as_deref().ok_or_else(|| {
        bad("gateway.mode is \"remote\", but gateway.remote.url names no gateway; expected such as wss://gate.example:18789.".to_owned())
    })?;
    let url: GatewayUrl = url.parse().map_err(|error: ClientError| bad(error.to_string()))?;
    let pin = remote.tls_fingerprint.as_deref().map(str::parse::<Fingerprint>).transpose();
    let pin = pin.map_err(|problem| bad(format!("gateway.remote.tlsFingerprint: {problem}")))?;
    Ok(Some((url, pin)))
}

fn input_elsewhere(config: &Config) -> Shared {
    let remote = &config.gateway.remote;
    let (input, wrap): (_, fn(_) -> Auth) = match (&remote.token, &remote.password) {
        (None, Some(password)) => (Some(password), Auth::Password),
        (token, _) => (token.as_ref(), Auth::Token),
    };
    match input {
        Some(SecretInput::Plain(secret)) => Shared::Plain(wrap(secret.clone())),
        Some(SecretInput::Ref(reference)) => Shared::Kept(reference.clone(), wrap),
        None => Shared::Plain(Auth::None),
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
    let nothing = Seen { version: None, refusal: None, lost: None };
    match state {
        ConnectionState::Connected { hello } => {
            Seen { version: Some(hello.server.version.clone()), ..nothing }
        }
        ConnectionState::Paused { error } => Seen { refusal: Some(refusal(error)), ..nothing },
        ConnectionState::Waiting { error, .. } => Seen { lost: Some(lost(error)), ..nothing },
        _ => nothing,
    }
}

fn lost(error: &ClientError) -> Problem {
    Problem { code: error.code().to_owned(), message: error.to_string(), action: None }
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
