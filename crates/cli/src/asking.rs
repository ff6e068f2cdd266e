//! Asking a gateway: where it is, and the secret that lets us in.

use std::time::Duration;

use bulkhead_client::{Auth, Client, ClientError, ConnectOptions, Fingerprint, GatewayUrl, Timeouts};
use bulkhead_config::{AuthMode, Config, ConfigStore, GatewayMode, SecretInput, SecretRef, SecretSource};
use bulkhead_profile::{Place, ProfileName};
use bulkhead_protocol::HelloOk;
use bulkhead_secrets::{SecretError, SecretId, Sources};
use secrecy::SecretString;

use crate::context::{Context, base_port};
use crate::error::Failure;
use crate::grammar::gateway::Target;

/// How long a command waits for an answer when nobody says otherwise.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where to ask and what to say at the door.
#[derive(Debug)]
pub struct Door {
    pub url: GatewayUrl,
    pub auth: Auth,
    pub patience: Duration,
    /// The only certificate that is taken.
    pub pin: Option<Fingerprint>,
    /// A port of this machine that leads there.
    pub through: Option<u16>,
    /// The address came from `--url`.
    given: bool,
    /// Whose gateway it is; none for an address that was given.
    profile: Option<ProfileName>,
    /// Why the profile's own secret is not there.
    missing: Option<SecretError>,
}

/// Finds the gateway and its secret.
pub async fn door(context: &Context, target: &Target) -> Result<Door, Failure> {
    door_with(context, target, given(target)?).await
}

/// The same with credentials that were read before: standard input is read once.
pub async fn door_with(context: &Context, target: &Target, given: Option<Auth>) -> Result<Door, Failure> {
    let patience = target.timeout.unwrap_or(PATIENCE);
    // The profile's own secret goes to the profile's own gateway only.
    if let Some(url) = &target.url {
        let url = url.parse::<GatewayUrl>()?;
        let pin = target.tls_fingerprint;
        let auth = given.unwrap_or_default();
        return Ok(Door {
            url,
            auth,
            patience,
            pin,
            through: None,
            given: true,
            profile: None,
            missing: None,
        });
    }
    let place = context.place()?;
    if let Some(door) = configured_remote(context, &place, target, given.clone(), Remote::InUse).await? {
        return Ok(door);
    }
    local(context, &place, target, given).await
}

/// The credentials that flags give.
pub fn given(target: &Target) -> Result<Option<Auth>, Failure> {
    Ok(match (&target.token, &target.password) {
        (Some(token), _) => Some(Auth::Token(token.read("--token")?)),
        (None, Some(password)) => Some(Auth::Password(password.read("--password")?)),
        (None, None) => None,
    })
}

/// The gateway of this machine, whatever `gateway.mode` says.
pub async fn local_door(context: &Context, target: &Target, given: Option<Auth>) -> Result<Door, Failure> {
    let place = context.place()?;
    local(context, &place, target, given).await
}

async fn local(
    context: &Context,
    place: &Place,
    target: &Target,
    given: Option<Auth>,
) -> Result<Door, Failure> {
    let patience = target.timeout.unwrap_or(PATIENCE);
    let (port, _) = base_port(place, &context.env)?;
    // Over loopback no certificate is needed, also where other machines have to speak TLS.
    let (url, pin) = (GatewayUrl::loopback(port), None);
    let profile = Some(place.name().clone());
    let (auth, missing) = match given {
        Some(auth) => (auth, None),
        None => match own_auth(context, place).await {
            Ok(auth) => (auth, None),
            Err(error) => (Auth::None, Some(error)),
        },
    };
    Ok(Door { url, auth, patience, pin, through: None, given: false, profile, missing })
}

/// When the gateway of `gateway.remote` is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remote {
    /// Only with `gateway.mode: "remote"`.
    InUse,
    /// Whenever one is configured.
    Configured,
}

/// The gateway of `gateway.remote`, with its own credentials.
pub async fn configured_remote(
    context: &Context,
    place: &Place,
    target: &Target,
    given: Option<Auth>,
    which: Remote,
) -> Result<Option<Door>, Failure> {
    let Ok(loaded) = ConfigStore::new(place).load() else { return Ok(None) };
    let config = loaded.config;
    let in_use = config.gateway.mode == Some(GatewayMode::Remote);
    if which == Remote::InUse && !in_use {
        return Ok(None);
    }
    let remote = &config.gateway.remote;
    let Some(url) = &remote.url else {
        if !in_use {
            return Ok(None);
        }
        return Err(Failure::failed(
            "config.remote-url",
            format!(
                "{}: gateway.mode is \"remote\", but gateway.remote.url: found nothing, expected such as wss://gate.example:18789; set \
                 it with `bulkhead config set gateway.remote.url URL`",
                place.config_path().display()
            ),
        ));
    };
    let url = url.parse::<GatewayUrl>()?;
    let configured =
        remote.tls_fingerprint.as_deref().map(str::parse::<Fingerprint>).transpose().map_err(|problem| {
            Failure::failed("config.fingerprint", format!("gateway.remote.tlsFingerprint: {problem}"))
        })?;
    let pin = target.tls_fingerprint.or(configured);
    let (auth, missing) = match given {
        Some(auth) => (auth, None),
        None => match remote_auth(context, place, &config).await {
            Ok(auth) => (auth, None),
            Err(error) => (Auth::None, Some(error)),
        },
    };
    let patience = target.timeout.unwrap_or(PATIENCE);
    Ok(Some(Door { url, auth, patience, pin, through: None, given: false, profile: None, missing }))
}

/// What `gateway.remote` says to show there; the variable of that meaning stands in for nothing.
pub async fn remote_auth(context: &Context, place: &Place, config: &Config) -> Result<Auth, SecretError> {
    let remote = &config.gateway.remote;
    let sources = || Sources::for_place(place, &context.env).with_providers(config);
    let read = async |input: &SecretInput| match input {
        SecretInput::Plain(secret) => Ok(secret.clone()),
        SecretInput::Ref(reference) => sources().get(reference).await,
    };
    if let Some(token) = &remote.token {
        return read(token).await.map(Auth::Token);
    }
    if let Some(password) = &remote.password {
        return read(password).await.map(Auth::Password);
    }
    let variable = context.env.either("GATEWAY_TOKEN");
    Ok(variable.map_or(Auth::None, |(_, token)| Auth::Token(SecretString::from(token.to_owned()))))
}

/// The shared secret of this profile's gateway.
pub async fn own_auth(context: &Context, place: &Place) -> Result<Auth, SecretError> {
    if let Some((_, token)) = context.env.either("GATEWAY_TOKEN") {
        return Ok(Auth::Token(SecretString::from(token.to_owned())));
    }
    let config = ConfigStore::new(place).load().map(|loaded| loaded.config).unwrap_or_default();
    let auth = &config.gateway.auth;
    match auth.mode {
        AuthMode::None => Ok(Auth::None),
        AuthMode::Password => {
            let id = SecretId::gateway_password();
            Ok(Auth::Password(secret(context, place, &config, auth.password.as_ref(), &id).await?))
        }
        AuthMode::Token => {
            let id = SecretId::gateway_token();
            Ok(Auth::Token(secret(context, place, &config, auth.token.as_ref(), &id).await?))
        }
    }
}

/// The shared token as text, for those who send it over HTTP.
pub async fn own_token(context: &Context, place: &Place) -> Result<Option<SecretString>, SecretError> {
    Ok(match own_auth(context, place).await? {
        Auth::Token(secret) | Auth::Password(secret) | Auth::DeviceToken(secret) => Some(secret),
        Auth::None => None,
    })
}

/// What a field stands for; where there is no field, the secret of the rule's name.
pub async fn secret(
    context: &Context,
    place: &Place,
    config: &Config,
    field: Option<&SecretInput>,
    rule: &SecretId,
) -> Result<SecretString, SecretError> {
    let by_rule = || {
        let source = config.secrets.default_source.unwrap_or(SecretSource::Keychain);
        SecretRef::new(source, rule.as_str())
    };
    let reference = match field {
        Some(SecretInput::Plain(secret)) => return Ok(secret.clone()),
        Some(SecretInput::Ref(reference)) => reference.clone(),
        None => by_rule(),
    };
    Sources::for_place(place, &context.env).with_providers(config).get(&reference).await
}

impl Door {
    /// The door of a gateway that is no profile's here.
    pub fn to(url: GatewayUrl, auth: Auth, patience: Option<Duration>) -> Self {
        let patience = patience.unwrap_or(PATIENCE);
        Self { url, auth, patience, pin: None, through: None, given: false, profile: None, missing: None }
    }

    /// A command line that may do everything.
    pub fn cli(&self) -> ConnectOptions {
        self.with_patience(ConnectOptions::cli(self.url.to_string(), self.auth.clone()))
    }

    /// A prober that only looks.
    pub fn probe(&self) -> ConnectOptions {
        self.with_patience(ConnectOptions::probe(self.url.to_string(), self.auth.clone()))
    }

    fn with_patience(&self, options: ConnectOptions) -> ConnectOptions {
        let connect = self.patience.min(PATIENCE);
        options.through(self.through).pinned_to(self.pin).with_timeouts(Timeouts {
            connect,
            request: self.patience,
            ..Timeouts::default()
        })
    }

    /// Goes in.
    pub async fn enter(&self, options: ConnectOptions) -> Result<(Client, HelloOk), Failure> {
        Client::connect(options).await.map_err(|error| self.explain(error))
    }

    /// A refusal is easier to understand with the profile, and with the reason why no secret was sent.
    pub fn explain(&self, error: ClientError) -> Failure {
        let unauthorized = matches!(error, ClientError::Unauthorized { .. });
        let refused = matches!(error, ClientError::Refused { .. });
        let mut failure = Failure::from(error);
        if let Some(name) = self.profile.as_ref().filter(|_| refused) {
            failure.message = format!(
                "no gateway of profile {name} at {}: found nobody there (connection refused), expected it to listen; start it with `bulkhead --profile {name} gateway`, or see \
                 `bulkhead status`",
                self.url
            );
        }
        if self.given && unauthorized && matches!(self.auth, Auth::None) {
            failure.message = format!(
                "{}. With --url no stored secret is sent: give that gateway's own with --token or --password",
                failure.message
            );
        }
        if let Some(missing) = self.missing.as_ref().filter(|_| unauthorized) {
            failure.message = format!("{}. No token was sent: {missing}", failure.message);
        }
        failure
    }
}
