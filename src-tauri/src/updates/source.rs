//! Where a newer version comes from: the package manager, or the updater of the app itself.

use crate::failure::{Answer, Failure};
use serde::Serialize;
use std::time::Duration;
use tauri::AppHandle;
use tauri::utils::config::BundleType;
use tauri::utils::platform::bundle_type;
use tauri_plugin_updater::{Update, UpdaterExt};

/// How long a look may take.
const LOOK: Duration = Duration::from_secs(20);
/// Set, it makes an uninstalled program behave as an installed one: for tests.
const INSTALLED: &str = "BULKHEAD_TEST_INSTALLED";

/// How an installation is updated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// By the package manager that installed it.
    Package,
    /// By the app itself.
    App,
    /// Not at all: built by hand, or built without the key that updates are checked against.
    Nobody,
}

/// A newer version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "camelCase")]
pub struct Offer {
    /// Its version.
    pub version: String,
    /// What its makers say about it.
    pub notes: Option<String>,
}

/// What the last look found.
#[derive(Default)]
pub struct Found(Option<Update>);

impl Found {
    /// For people.
    pub fn offer(&self) -> Option<Offer> {
        self.0.as_ref().map(|update| Offer { version: update.version.clone(), notes: update.body.clone() })
    }

    /// To install it.
    pub fn take(&mut self) -> Option<Update> {
        self.0.take()
    }
}

/// Whether this program was installed, and is not one that is being worked on.
pub fn is_installed() -> bool {
    bundle_type().is_some() || cfg!(debug_assertions) && std::env::var_os(INSTALLED).is_some()
}

/// How this installation is updated.
pub fn how(app: &AppHandle) -> How {
    match bundle_type() {
        Some(BundleType::Deb | BundleType::Rpm) => How::Package,
        Some(_) if has_key(app) => How::App,
        None if test_source().is_some() => How::App,
        _ => How::Nobody,
    }
}

/// Whether the build was given the public key of the releases.
fn has_key(app: &AppHandle) -> bool {
    let key = app.config().plugins.0.get("updater").and_then(|updater| updater.get("pubkey"));
    key.and_then(serde_json::Value::as_str).is_some_and(|key| !key.is_empty())
}

/// Looks for a newer version.
pub async fn look(app: &AppHandle) -> Answer<Found> {
    match how(app) {
        How::App => {}
        How::Package => {
            return Err(Failure::new(
                "update-by-package-manager",
                "Bulkhead was installed as a package.",
                "Your package manager updates it; the gateways notice and take the new version up in order.",
            ));
        }
        How::Nobody => {
            return Err(Failure::new(
                "update-by-nobody",
                "This build does not update itself.",
                "Build or install the newer version; the gateways notice.",
            ));
        }
    }
    let failed = |error: &dyn std::fmt::Display| {
        let mut failure = Failure::new(
            "update-not-looked-for",
            format!("Whether there is a newer version could not be found out: {error}."),
            "Nothing was changed. Try it again later.",
        );
        failure.retryable = true;
        failure
    };
    let mut builder = app.updater_builder().timeout(LOOK);
    if let Some(test) = test_source() {
        builder = builder.pubkey(test.key).executable_path(test.file);
        builder = builder.endpoints(vec![test.endpoint]).map_err(|error| failed(&error))?;
    }
    let updater = builder.build().map_err(|error| failed(&error))?;
    let found = updater.check().await.map_err(|error| failed(&error))?;
    Ok(Found(found.map(|mut update| {
        // The limit was for the look; a download takes as long as it takes.
        update.timeout = None;
        update
    })))
}

/// Downloads it and checks its signature; a wrong one is refused here, before anything is stopped.
pub async fn download(update: &Update) -> Answer<Vec<u8>> {
    update.download(|_, _| {}, || {}).await.map_err(|error| {
        Failure::new(
            "update-not-downloaded",
            format!("Version {} was not taken: {error}.", update.version),
            "Nothing was changed. Try it again later.",
        )
    })
}

struct TestSource {
    endpoint: tauri::Url,
    key: String,
    file: std::path::PathBuf,
}

/// A source of a test: where, checked against which key, and which file it replaces. Never in a release.
fn test_source() -> Option<TestSource> {
    if !cfg!(debug_assertions) {
        return None;
    }
    let variable = |name: &str| std::env::var(name).ok();
    Some(TestSource {
        endpoint: variable("BULKHEAD_TEST_UPDATE_ENDPOINT")?.parse().ok()?,
        key: variable("BULKHEAD_TEST_UPDATE_KEY")?,
        file: variable("BULKHEAD_TEST_UPDATE_FILE")?.into(),
    })
}
