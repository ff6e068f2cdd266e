//! `bulkhead secrets …`: which there are, storing and deleting. Values are never shown.

use bulkhead_config::{Config, ConfigPath, ConfigStore, SecretRef, SecretSource};
use bulkhead_process::RunRecord;
use bulkhead_profile::Place;
use bulkhead_secrets::{FileStore, SecretError, SecretId, Sources, references};
use bulkhead_supervisor::{ControlClient, ControlRequest, SupervisorError};
use secrecy::SecretString;
use serde::Serialize;

use super::DONE;
use crate::bots;
use crate::context::Context;
use crate::error::Failure;
use crate::grammar::config::{SecretsCommand, Writable};
use crate::output::{paint, table};

pub fn run(command: SecretsCommand, context: &Context) -> Result<u8, Failure> {
    match command {
        SecretsCommand::List => list(context),
        SecretsCommand::Set { id, value, store: chosen } => {
            let place = context.place_for_writing()?;
            let id = SecretId::parse(&id)?;
            let secret = value.read("VALUE")?;
            let stored = store(context, &place, chosen, &id, &secret)?;
            context.out.result(&stored, || {
                let warning = if stored.encrypted {
                    ""
                } else {
                    "; that file is readable only by you, but not encrypted"
                };
                let taken = stored.gateway.words();
                format!("{} stored in {}{warning}{taken}", paint::strong(id.as_str()), stored.label)
            });
            Ok(DONE)
        }
        SecretsCommand::Delete { id, store: chosen } => delete(&id, chosen, context),
    }
}

/// Where a secret went.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stored {
    pub ok: bool,
    pub id: String,
    pub source: SecretSource,
    #[serde(rename = "store")]
    pub label: String,
    pub encrypted: bool,
    /// Whether the running gateway has it.
    pub gateway: Taken,
}

/// Whether the running gateway learned of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Taken {
    /// Its supervisor read the secrets again and handed them over, or it was told to read them itself.
    HandedOver,
    /// No supervised gateway runs; the next start reads the secrets.
    NextStart,
    /// The supervisor could not do it.
    Refused {
        /// Why.
        message: String,
    },
}

impl Taken {
    fn words(&self) -> String {
        match self {
            Self::HandedOver => "; the running gateway has it".to_owned(),
            Self::NextStart => String::new(),
            Self::Refused { message } => {
                format!(
                    "; the running gateway was not told ({message}). `bulkhead gateway restart` makes it read it"
                )
            }
        }
    }
}

/// Asks the profile's supervisor to hand the secrets over anew.
async fn hand_over(place: &Place) -> Taken {
    match ControlClient::new(place).ask(&ControlRequest::ReloadSecrets).await {
        Ok(status) if status.is_running() => Taken::HandedOver,
        // One in a terminal opens the keychain itself, and looks again when its configuration is touched.
        Err(SupervisorError::NotSupervised { .. })
            if RunRecord::read_running(&place.run_record_path()).is_some() =>
        {
            match ConfigStore::new(place).touch() {
                Ok(()) => Taken::HandedOver,
                Err(error) => Taken::Refused { message: error.to_string() },
            }
        }
        Ok(_) | Err(SupervisorError::NotSupervised { .. }) => Taken::NextStart,
        Err(error) => Taken::Refused { message: error.to_string() },
    }
}

/// Stores a secret where this profile keeps its secrets, or where it was asked for. A bot's token is refused where somebody
/// polls that bot already.
pub fn store(
    context: &Context,
    place: &Place,
    chosen: Option<Writable>,
    id: &SecretId,
    secret: &SecretString,
) -> Result<Stored, Failure> {
    bots::check(context, place, id, secret)?;
    let config = config(place);
    let source = chosen.map_or_else(|| default_source(&config), source_of);
    let sources = Sources::for_place(place, &context.env).with_providers(&config);
    let store = sources.store(source).ok_or_else(|| no_store(source))?;
    let gateway = context.block_on(async {
        store.set(id, secret).await?;
        Ok(hand_over(place).await)
    })?;
    if bots::is_token(id) {
        bots::record(context, place, secret)?;
    }
    let about = store.describe();
    Ok(Stored {
        ok: true,
        id: id.as_str().to_owned(),
        source,
        label: about.label,
        encrypted: about.encrypted,
        gateway,
    })
}

/// Deletes a secret where this profile keeps its secrets; `false` if it was not there.
pub fn forget(context: &Context, place: &Place, id: &SecretId) -> Result<bool, Failure> {
    take_away(context, place, id, None).map(|(deleted, ..)| deleted)
}

fn take_away(
    context: &Context,
    place: &Place,
    id: &SecretId,
    chosen: Option<Writable>,
) -> Result<(bool, Taken, SecretSource, String), Failure> {
    let config = config(place);
    let source = chosen.map_or_else(|| default_source(&config), source_of);
    let sources = Sources::for_place(place, &context.env).with_providers(&config);
    let store = sources.store(source).ok_or_else(|| no_store(source))?;
    let (deleted, gateway) = context.block_on(async {
        let deleted = store.delete(id).await?;
        Ok((deleted, if deleted { hand_over(place).await } else { Taken::NextStart }))
    })?;
    Ok((deleted, gateway, source, store.describe().label))
}

fn delete(id: &str, chosen: Option<Writable>, context: &Context) -> Result<u8, Failure> {
    let place = context.place_for_writing()?;
    let id = SecretId::parse(id)?;
    let (deleted, gateway, source, label) = take_away(context, &place, &id, chosen)?;
    let result = serde_json::json!({ "ok": true, "id": id.as_str(), "source": source, "store": label, "deleted": deleted, "gateway": gateway });
    context.out.result(&result, || {
        let what = if deleted { "deleted from" } else { "is not in" };
        let words = match &gateway {
            Taken::HandedOver => "; the running gateway has forgotten it".to_owned(),
            other => other.words(),
        };
        format!("{} {what} {label}{words}", paint::strong(id.as_str()))
    });
    Ok(DONE)
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct List {
    ok: bool,
    profile: String,
    /// Where new secrets go.
    default: SecretSource,
    secrets: Vec<Row>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    id: String,
    source: SecretSource,
    store: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// The configuration refers to it.
    used: bool,
}

fn list(context: &Context) -> Result<u8, Failure> {
    let place = context.place()?;
    let config = config(&place);
    let sources = Sources::for_place(&place, &context.env).with_providers(&config);
    let used = references(&config);
    let mut wanted: Vec<(SecretRef, bool)> =
        used.iter().cloned().map(|reference| (reference, true)).collect();
    // A file can be listed; what the configuration does not use is shown too.
    for id in FileStore::new(place.secrets_file()).ids().unwrap_or_default() {
        let reference = SecretRef::new(SecretSource::File, id.as_str());
        if !used.contains(&reference) {
            wanted.push((reference, false));
        }
    }
    let secrets = context.block_on(async {
        let mut rows = Vec::new();
        for (reference, used) in wanted {
            let found = sources.get(&reference).await;
            rows.push(row(&sources, reference, used, found.err()));
        }
        Ok(rows)
    })?;
    let list =
        List { ok: true, profile: place.name().to_string(), default: default_source(&config), secrets };
    context.out.result(&list, || text(&list));
    Ok(DONE)
}

fn row(sources: &Sources, reference: SecretRef, used: bool, error: Option<SecretError>) -> Row {
    let store =
        sources.describe(reference.source).map_or_else(|| reference.source.to_string(), |about| about.label);
    let state = match &error {
        None => "present",
        Some(SecretError::NotFound { .. } | SecretError::NotSet { .. }) => "missing",
        Some(SecretError::Locked { .. }) => "locked",
        Some(_) => "unreachable",
    };
    Row {
        id: reference.id,
        source: reference.source,
        store,
        state,
        code: error.as_ref().map(SecretError::code),
        message: error.map(|error| error.to_string()),
        used,
    }
}

fn text(list: &List) -> String {
    let rows = list.secrets.iter().map(|row| {
        let state = if row.used { row.state.to_owned() } else { format!("{} (unused)", row.state) };
        [row.id.clone(), row.source.to_string(), state]
    });
    let mut text = table::rows(["secret", "source", "state"], rows);
    let mut told: Vec<&str> = Vec::new();
    for message in
        list.secrets.iter().filter(|row| row.state != "present").filter_map(|row| row.message.as_deref())
    {
        if !told.contains(&message) {
            told.push(message);
            text.push_str(&format!("\n\n{message}"));
        }
    }
    text
}

fn config(place: &Place) -> Config {
    // A broken configuration must not keep anybody from storing a secret.
    ConfigStore::new(place).load().map(|loaded| loaded.config).unwrap_or_default()
}

fn default_source(config: &Config) -> SecretSource {
    config.secrets.default_source.unwrap_or(SecretSource::Keychain)
}

fn source_of(chosen: Writable) -> SecretSource {
    match chosen {
        Writable::Keychain => SecretSource::Keychain,
        Writable::File => SecretSource::File,
    }
}

fn no_store(source: SecretSource) -> Failure {
    Failure::usage(format!(
        "secrets of kind {source} cannot be written here; expected keychain or file: add --store keychain or --store file"
    ))
}

/// The name by rule of the secret that a field of the configuration holds.
pub fn id_for_field(path: &ConfigPath) -> Option<SecretId> {
    SecretId::of_field(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_names() {
        let id =
            |text: &str| id_for_field(&ConfigPath::parse(text).unwrap()).map(|id| id.as_str().to_owned());
        assert_eq!(id("gateway.auth.token").as_deref(), Some("gateway/token"));
        assert_eq!(id("models.providers.mine.apiKey").as_deref(), Some("models/mine/api-key"));
        assert_eq!(id("hooks.token"), None);
    }
}
