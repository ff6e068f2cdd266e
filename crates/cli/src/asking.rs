//! Asking a gateway: where it is, and the secret that lets us in.

use std::time::Duration;

use bulkhead_client::{Auth, Client, ClientError, ConnectOptions, GatewayUrl, Timeouts};
use bulkhead_config::{AuthMode, Config, ConfigStore, SecretInput, SecretRef, SecretSource};
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
    /// Whose gateway it is; none for an address that was given.
    profile: Option<ProfileName>,
    /// Why the profile's own secret is not there.
    missing: Option<SecretError>,
}

/// Finds the gateway and its secret.
pub async fn door(context: &Context, target: &Target) -> Result<Door, Failure> {
    let patience = target.timeout.unwrap_or(PATIENCE);
    let given = match (&target.token, &target.password) {
        (Some(token), _) => Some(Auth::Token(token.read("--token")?)),
        (None, Some(password)) => Some(Auth::Password(password.read("--password")?)),
        (None, None) => None,
    };
    // The profile's own secret goes to the profile's own gateway only.
    if let Some(url) = &target.url {
        let url = url.parse::<GatewayUrl>()?;
        return Ok(Door { url, auth: given.unwrap_or_default(), patience, profile: None, missing: None });
    }
    let place = context.place()?;
    let (port, _) = base_port(&place, &context.env)?;
    let url = GatewayUrl::loopback(port);
    let profile = Some(place.name().clone());
    if let Some(auth) = given {
        return Ok(Door { url, auth, patience, profile, missing: None });
    }
    let (auth, missing) = match own_auth(context, &place).await {
        Ok(auth) => (auth, None),
        Err(error) => (Auth::None, Some(error)),
    };
    Ok(Door { url, auth, patience, profile, missing })
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
        Self { url, auth, patience: patience.unwrap_or(PATIENCE), profile: None, missing: None }
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
        options.with_timeouts(Timeouts { connect, request: self.patience, ..Timeouts::default() })
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
        if let Some(missing) = self.missing.as_ref().filter(|_| unauthorized) {
            failure.message = format!("{}. No token was sent: {missing}", failure.message);
        }
        failure
    }
}
