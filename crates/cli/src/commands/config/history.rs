//! `bulkhead config history|diff|rollback|accept`: the versions that worked, and the way back to one of them.

use bulkhead_config::{ConfigDocument, ConfigError, ConfigStore, RolledBack, changed_paths, diff as unified};
use bulkhead_profile::Place;
use bulkhead_supervisor::{ControlClient, ControlRequest, SupervisorError};
use serde_json::{Value, json};

use crate::commands::DONE;
use crate::context::Context;
use crate::error::Failure;
use crate::isolation;
use crate::output::{paint, table};

/// Digits of a hash that people see.
const SHOWN: usize = 12;

pub fn list(context: &Context) -> Result<u8, Failure> {
    let place = context.place()?;
    let store = ConfigStore::new(&place);
    let versions = store.history();
    let result =
        json!({ "ok": true, "file": place.config_path(), "hash": store.hash().ok(), "versions": versions });
    context.out.result(&result, || {
        if versions.is_empty() {
            return format!(
                "No version has run healthy for a minute yet. Start the gateway (`bulkhead --profile {} gateway start`); its \
                 configuration is kept here after that.",
                place.name()
            );
        }
        let rows = versions.iter().map(|version| {
            [
                short(&version.hash).to_owned(),
                version.at.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
                version.keys.to_string(),
                if version.current { "in the file now".to_owned() } else { String::new() },
            ]
        });
        table::rows(["version", "good since", "keys", ""], rows)
    });
    Ok(DONE)
}

/// One side of a diff.
struct Side {
    name: String,
    hash: String,
    text: String,
}

impl Side {
    fn of(document: &ConfigDocument) -> Self {
        let hash = document.hash();
        Self { name: short(&hash).to_owned(), hash, text: document.to_string() }
    }
}

pub fn diff(a: Option<&str>, b: Option<&str>, context: &Context) -> Result<u8, Failure> {
    let place = context.place()?;
    let store = ConfigStore::new(&place);
    let from = match a {
        Some(name) => side(&store, &place, name)?,
        None => {
            store.fallback().map(|document| Side::of(&document)).ok_or_else(|| ConfigError::NoLastGood {
                file: place.config_path().display().to_string(),
                expected: place.last_good_config_path().display().to_string(),
            })?
        }
    };
    let to = side(&store, &place, b.unwrap_or("current"))?;
    let text = unified(&from.name, &from.text, &to.name, &to.text);
    let value = |side: &Side| ConfigDocument::parse(&side.name, &side.text).map(|document| document.value());
    let fields = match (value(&from), value(&to)) {
        (Ok(from), Ok(to)) => json!(changed_paths(&from, &to)),
        _ => Value::Null,
    };
    let name = |side: &Side| json!({ "name": side.name, "hash": side.hash });
    let result = json!({
        "ok": true, "from": name(&from), "to": name(&to), "changed": from.hash != to.hash, "fields": fields, "diff": text,
    });
    context.out.result(&result, || {
        if from.hash == to.hash {
            return format!("nothing changed: {} and {} are the same", from.name, to.name);
        }
        text.lines().map(coloured).collect::<Vec<_>>().join("\n")
    });
    Ok(DONE)
}

/// `current`, or a version of the history.
fn side(store: &ConfigStore, place: &Place, name: &str) -> Result<Side, Failure> {
    if name == "current" {
        let bytes = match std::fs::read(place.config_path()) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(source) => {
                return Err(ConfigError::Read { path: place.config_path().to_owned(), source }.into());
            }
        };
        let hash = bulkhead_config::hash_bytes(&bytes);
        return Ok(Side {
            name: "current".to_owned(),
            hash,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        });
    }
    let fallback = store.fallback().filter(|document| document.hash() == name);
    let document = store.version(name).or(fallback).ok_or_else(|| ConfigError::NoSuchVersion {
        file: place.config_path().display().to_string(),
        found: name.to_owned(),
        known: store.history().len(),
    })?;
    Ok(Side::of(&document))
}

fn coloured(line: &str) -> String {
    match line.as_bytes().first() {
        Some(b'+') => paint::good(line),
        Some(b'-') => paint::bad(line),
        Some(b'@') => paint::dim(line),
        _ => line.to_owned(),
    }
}

pub fn rollback(hash: Option<&str>, context: &Context) -> Result<u8, Failure> {
    let place = context.place_for_writing()?;
    let (done, via) = go_back(hash, &place, context)?;
    // The ports of that version may be others. Whatever stands against them does not take the rollback back.
    if let Some(good) = ConfigStore::new(&place).load_current().ok().filter(|_| done.changed())
        && let Err(failure) = isolation::follow_edit(context, &place, &good.document.value())
    {
        context.out.note(&format!("{} {}", paint::warn("warning:"), failure.message));
    }
    let result = json!({
        "ok": true, "file": place.config_path(), "changed": done.changed(), "from": done.from, "to": done.to,
        "rejected": done.rejected, "via": via,
    });
    context.out.result(&result, || {
        let file = place.config_path().display();
        if !done.changed() {
            return format!("{file} is version {} already; nothing was done", short(&done.to));
        }
        let kept = done
            .rejected
            .as_ref()
            .map(|path| format!("; the rejected file is {}", path.display()))
            .unwrap_or_default();
        format!("{file} is version {} again{kept}", short(&done.to))
    });
    Ok(DONE)
}

/// By the supervisor, which restarts the gateway; else here, and a gateway in a terminal sees the file change.
fn go_back(
    hash: Option<&str>,
    place: &Place,
    context: &Context,
) -> Result<(RolledBack, &'static str), Failure> {
    let store = ConfigStore::new(place);
    // Only the file as it is now is replaced, not one that an editor saves meanwhile.
    let base = store.hash().ok();
    let here = || Ok::<_, Failure>(store.rollback_to(hash, base.as_deref())?);
    context.block_on(async {
        let client = ControlClient::new(place);
        match client.rollback(hash.map(str::to_owned), base.clone()).await {
            Ok(done) => Ok((done, "supervisor")),
            Err(SupervisorError::NotSupervised { .. }) => Ok((here()?, "file")),
            // A supervisor of an older version.
            Err(SupervisorError::Refused { code, .. }) if code == "bad-request" => {
                let done = here()?;
                client.ask(&ControlRequest::Restart).await?;
                Ok((done, "supervisor"))
            }
            Err(error) => Err(error.into()),
        }
    })
}

pub fn accept(context: &Context) -> Result<u8, Failure> {
    let place = context.place_for_writing()?;
    let hash = ConfigStore::new(&place).accept_present()?;
    let result = json!({ "ok": true, "file": place.config_path(), "hash": hash });
    context.out.result(&result, || {
        format!("{} is taken as it is ({})", place.config_path().display(), short(&hash))
    });
    Ok(DONE)
}

fn short(hash: &str) -> &str {
    let digits = hash.strip_prefix("sha256:").unwrap_or(hash);
    digits.get(..SHOWN).unwrap_or(digits)
}
