//! Attaching a gateway elsewhere: it is asked first, then a profile is made that only names it. Its secret goes to the
//! keychain, its certificate is pinned, nothing is started.

use crate::failure::{Answer, Failure};
use bulkhead_client::{Auth, Client, ClientError, ConnectOptions, Fingerprint, GatewayUrl, Timeouts};
use bulkhead_config::{ConfigStore, SecretRef, SecretSource};
use bulkhead_process::port;
use bulkhead_profile::{ClaimRequest, Environment, Owner, Place, ProfileName, Register, Surroundings};
use bulkhead_secrets::{SecretId, Sources};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;

/// How long a gateway elsewhere may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest texts that a person types here.
const TEXT: usize = 4096;
/// Where its secret is kept.
const TOKEN: &str = "gateway/remote-token";

/// A gateway elsewhere, as somebody names it.
#[derive(Deserialize, specta::Type)]
#[serde(rename_all = "camelCase")]
pub struct Elsewhere {
    /// Name of the profile that is made for it.
    pub name: String,
    /// Its address.
    pub url: String,
    /// Its token or password.
    pub secret: String,
    /// Whether that is a password.
    pub is_password: bool,
    /// SHA-256 of the only certificate that is taken.
    pub fingerprint: Option<String>,
    /// Keep the secret in a file that is not encrypted, because there is no keychain.
    pub in_file: bool,
}

/// The same, read.
struct Target {
    place: Place,
    url: GatewayUrl,
    auth: Auth,
    secret: Option<SecretString>,
    is_password: bool,
    pin: Option<Fingerprint>,
    source: SecretSource,
}

/// Asks it, then makes the profile. What it says of itself comes back: its version.
pub async fn attach(given: Elsewhere, env: &Environment) -> Answer<String> {
    let target = read(&given, env)?;
    let version = ask(&target).await?;
    keep(&target, env).await?;
    Ok(version)
}

fn read(given: &Elsewhere, env: &Environment) -> Answer<Target> {
    let bad = |code: &str, what: String, next: &str| Err(Failure::new(code, what, next));
    if given.url.len() > TEXT || given.secret.len() > TEXT || given.name.len() > TEXT {
        return bad(
            "bad-request",
            "What was given is too long.".to_owned(),
            "Give the address and its token.",
        );
    }
    let name: ProfileName = match given.name.trim().parse() {
        Ok(name) => name,
        Err(error) => return bad("bad-name", format!("{error}."), "Choose another name."),
    };
    let url: GatewayUrl = match given.url.trim().parse() {
        Ok(url) => url,
        Err(error) => return bad("bad-url", format!("{error}."), "Correct the address."),
    };
    if !url.tls() && !url.is_loopback() {
        return bad(
            "not-encrypted",
            format!("The address {url} is not encrypted: everybody on the way could read its token."),
            "Use wss://, or an SSH tunnel to a port of this computer.",
        );
    }
    let pin = given.fingerprint.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let pin = match pin.map(str::parse::<Fingerprint>).transpose() {
        Ok(pin) => pin.filter(|_| url.tls()),
        Err(problem) => return bad("bad-fingerprint", format!("{problem}."), "Correct it."),
    };
    let place = Place::resolve(Some(&name), env)
        .map_err(|error| Failure::new(error.code(), format!("{error}."), "Choose another name."))?;
    let taken = || {
        let registered = Register::open(env).find(&place).is_ok_and(|entry| entry.is_some());
        registered || place.config_path().exists()
    };
    if taken() {
        return bad("name-taken", format!("There is a profile \"{name}\" already."), "Choose another name.");
    }
    let secret = Some(given.secret.trim()).filter(|text| !text.is_empty()).map(SecretString::from);
    let auth = match &secret {
        Some(secret) if given.is_password => Auth::Password(secret.clone()),
        Some(secret) => Auth::Token(secret.clone()),
        None => Auth::None,
    };
    let source = if given.in_file { SecretSource::File } else { SecretSource::Keychain };
    Ok(Target { place, url, auth, secret, is_password: given.is_password, pin, source })
}

/// Whether it lets us in. A certificate that nobody vouches for is named, so that a person can compare it.
async fn ask(target: &Target) -> Answer<String> {
    match connect(target, target.auth.clone(), target.pin).await {
        Ok(version) => Ok(version),
        Err(ClientError::Tls { .. }) if target.pin.is_none() => {
            // A pin that nothing has: nothing secret is sent, and the answer names what is there.
            let nothing: Option<Fingerprint> = "00".repeat(32).parse().ok();
            match connect(target, Auth::None, nothing).await {
                Err(ClientError::OtherCertificate { found, .. }) => Err(Failure {
                    details: Some(json!({ "fingerprint": found.to_string() })),
                    ..Failure::new(
                        "certificate-unknown",
                        "Nobody that this computer trusts vouches for the certificate of that gateway.",
                        "Compare its fingerprint with what `bulkhead gateway fingerprint` prints there, then confirm it.",
                    )
                }),
                Err(error) => Err(error.into()),
                Ok(version) => Ok(version),
            }
        }
        Err(error) => Err(error.into()),
    }
}

async fn connect(target: &Target, auth: Auth, pin: Option<Fingerprint>) -> Result<String, ClientError> {
    let patience = Timeouts { connect: PATIENCE, request: PATIENCE, ..Timeouts::default() };
    let options =
        ConnectOptions::backend(target.url.to_string(), auth).pinned_to(pin).with_timeouts(patience);
    let (client, hello) = Client::connect(options).await?;
    client.close().await;
    Ok(hello.server.version)
}

/// Secret, configuration, register: the register last, because whoever reads it finds the rest then.
async fn keep(target: &Target, env: &Environment) -> Answer<()> {
    let place = &target.place;
    let failed = |code: &str, error: &dyn std::fmt::Display| {
        Failure::new(code, format!("{error}."), "Nothing was made; correct this and try again.")
    };
    place.write_marker().map_err(|error| failed(error.code(), &error))?;
    let id = SecretId::parse(TOKEN).map_err(|error| failed(error.code(), &error))?;
    let sources = Sources::for_place(place, env);
    if let (Some(secret), Some(store)) = (&target.secret, sources.store(target.source)) {
        store.set(&id, secret).await.map_err(|error| failed(error.code(), &error))?;
    }
    if let Err(failure) = write(target, env, &failed).await {
        if let Some(store) = sources.store(target.source) {
            let _ = store.delete(&id).await;
        }
        let _ = std::fs::remove_file(place.config_path());
        return Err(failure);
    }
    Ok(())
}

async fn write(
    target: &Target,
    env: &Environment,
    failed: &(dyn Fn(&str, &dyn std::fmt::Display) -> Failure + Sync),
) -> Answer<()> {
    let (place, env) = (target.place.clone(), env.clone());
    let reference = target.secret.as_ref().map(|_| SecretRef::new(target.source, TOKEN));
    let secret_key = if target.is_password { "gateway.remote.password" } else { "gateway.remote.token" };
    let (url, pin) = (target.url.to_string(), target.pin.map(|pin| pin.to_string()));
    let work = tokio::task::spawn_blocking(move || -> Result<(), (String, String)> {
        ConfigStore::new(&place)
            .edit(|document| {
                document.set("gateway.mode", "remote".into())?;
                document.set("gateway.remote.url", url.into())?;
                if let Some(pin) = pin {
                    document.set("gateway.remote.tlsFingerprint", pin.into())?;
                }
                if let Some(reference) = reference {
                    document.set(secret_key, serde_json::to_value(reference).unwrap_or_default())?;
                }
                Ok(())
            })
            .map_err(|error| (error.code().to_owned(), error.to_string()))?;
        let around = Surroundings::look(&env, port::listening(), port::avoid_ranges());
        let request = ClaimRequest { place: &place, base_port: None, owner: Some(Owner::External) };
        let claimed = Register::open(&env).claim(&request, &around);
        claimed.map(drop).map_err(|error| (error.code().to_owned(), error.to_string()))
    });
    match work.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err((code, message))) => Err(failed(&code, &message)),
        Err(error) => Err(failed("attach", &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(name: &str, url: &str) -> Elsewhere {
        Elsewhere {
            name: name.to_owned(),
            url: url.to_owned(),
            secret: " t ".to_owned(),
            is_password: false,
            fingerprint: None,
            in_file: false,
        }
    }

    #[test]
    fn what_makes_no_sense_or_gives_the_token_away_is_refused_before_anything_is_sent() {
        let home = std::env::temp_dir().join(format!("bulkhead-attach-{}", std::process::id()));
        let env = Environment::from_process().with_var("BULKHEAD_STATE_DIR", &home.to_string_lossy());
        let code = |given: Elsewhere| read(&given, &env).err().map(|failure| failure.code);
        assert_eq!(code(given("Not One", "wss://gate.example")).as_deref(), Some("bad-name"));
        assert_eq!(code(given("away", "ftp://gate.example")).as_deref(), Some("bad-url"));
        assert_eq!(code(given("away", "ws://gate.example:1")).as_deref(), Some("not-encrypted"));
        let wrong = Elsewhere { fingerprint: Some("xx".to_owned()), ..given("away", "wss://gate.example") };
        assert_eq!(code(wrong).as_deref(), Some("bad-fingerprint"));
        assert_eq!(code(given("away", "wss://gate.example")), None);
        assert_eq!(code(given("away", "127.0.0.1:1")), None);
    }
}
