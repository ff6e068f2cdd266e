//! Loading the configuration at a start: the file, or the last good version, or a clear no.

use std::sync::Arc;

use bulkhead_config::{Config, ConfigStore, GatewayMode};

use crate::error::GatewayError;
use crate::options::RunOptions;
use crate::settings::{Problem, Settings};

/// What the log should say about a configuration, once there is a log.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) warnings: Vec<String>,
    pub(crate) problem: Option<String>,
}

/// The settings that this start runs on.
pub(crate) fn load(options: &RunOptions) -> Result<(Settings, Notes), GatewayError> {
    let place = &options.place;
    let path = place.config_path().to_owned();
    let environment = Arc::clone(&options.environment);
    if options.last_good
        && let Some(settings) = last_good(options)
    {
        let problem = settings.problem.as_ref().map(|problem| problem.message.clone());
        return Ok((settings, Notes { warnings: Vec::new(), problem }));
    }
    let loaded = ConfigStore::new(place)
        .load()
        .map_err(|error| GatewayError::Config { path: path.clone(), reason: error.to_string() })?;
    let warnings = loaded.warnings.iter().map(ToString::to_string).collect();
    let settings = Settings::of(loaded, place, environment);
    if settings.unconfigured && !options.allow_unconfigured {
        return Err(GatewayError::Unconfigured { path, profile: place.name().as_str().to_owned() });
    }
    if settings.config.gateway.mode == Some(GatewayMode::Remote) && !options.allow_unconfigured {
        return Err(GatewayError::Config {
            path,
            reason: "gateway.mode: found \"remote\", which makes this profile a client of another gateway; expected \
                     \"local\" to run one here"
                .to_owned(),
        });
    }
    let notes = Notes { warnings, problem: settings.problem.as_ref().map(|problem| problem.message.clone()) };
    Ok((settings, notes))
}

/// The last good version, asked for by the supervisor after crashes. The file that crashed is not taken up again until
/// it is another one.
fn last_good(options: &RunOptions) -> Option<Settings> {
    let place = &options.place;
    let store = ConfigStore::new(place);
    let document = store.fallback()?;
    let config = Config::from_document(&document).ok()?;
    let hash = document.hash();
    let on_disk = store.hash().unwrap_or_default();
    let (problem, distrusted) = match store.load() {
        // The same: whatever crashes is not the configuration.
        Ok(_) if on_disk == hash => (None, None),
        // Broken: that is said as at any start.
        Ok(loaded) if loaded.broken_reason().is_some() => {
            (Settings::of(loaded, place, Arc::clone(&options.environment)).problem, None)
        }
        _ => {
            let message = format!(
                "{}: the gateway crashed again and again on this configuration, so it runs on the last one that worked; \
                 expected one that it can run on. See what changed with `bulkhead config diff`, then repair the file, or go \
                 back with `bulkhead config rollback`.",
                place.config_path().display()
            );
            (Some(Problem { code: "config.crashed".to_owned(), message }), Some(on_disk))
        }
    };
    Some(Settings {
        hash,
        config,
        problem,
        distrusted,
        unconfigured: false,
        place: place.clone(),
        environment: Arc::clone(&options.environment),
    })
}
