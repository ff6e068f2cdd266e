//! Loading the configuration at a start: the file, or the last good version, or a clear no.

use std::sync::Arc;

use bulkhead_config::{Config, ConfigDocument, ConfigStore, GatewayMode};

use crate::error::GatewayError;
use crate::options::RunOptions;
use crate::settings::Settings;

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
        let notes = Notes { warnings: Vec::new(), problem: settings.problem.clone() };
        return Ok((settings, notes));
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
    let notes = Notes { warnings, problem: settings.problem.clone() };
    Ok((settings, notes))
}

/// The last good version, asked for by the supervisor after crashes.
fn last_good(options: &RunOptions) -> Option<Settings> {
    let place = &options.place;
    let path = place.last_good_config_path();
    let text = std::fs::read_to_string(&path).ok()?;
    let document = ConfigDocument::parse(&path.display().to_string(), &text).ok()?;
    let config = Config::from_document(&document).ok()?;
    Some(Settings {
        hash: document.hash(),
        config,
        problem: Some("the supervisor started on the last good configuration after crashes".to_owned()),
        unconfigured: false,
        workspace: place.workspace().to_path_buf(),
        environment: Arc::clone(&options.environment),
    })
}
