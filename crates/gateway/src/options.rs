//! What `bulkhead gateway run` was asked for.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_profile::{Environment, Place};
use secrecy::SecretString;

use crate::probation::HEALTHY_AFTER;

/// Flags and environment of one start.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Which profile, and where it lives.
    pub place: Place,
    /// The environment that the place was found in.
    pub environment: Arc<Environment>,
    /// `--port`.
    pub port: Option<u16>,
    /// `--bind`: `loopback`, `lan`, `auto`, `custom`.
    pub bind: Option<String>,
    /// `--token`: the shared token of this run; it wins over every configuration.
    pub token: Option<SecretString>,
    /// `--force`: end our own gateway of this profile if it runs already.
    pub force: bool,
    /// `--verbose`.
    pub verbose: bool,
    /// `--allow-unconfigured`: start without a configuration, control plane only.
    pub allow_unconfigured: bool,
    /// `--sidecar`: secrets come on stdin, its end means stop, the ready line goes to stdout.
    pub sidecar: bool,
    /// `--json`: the ready line as one JSON value, also in a terminal.
    pub json: bool,
    /// `--safe`: control plane only, no channels, no answers.
    pub safe_mode: bool,
    /// `--last-good`: start on the last good configuration, whatever the file says.
    pub last_good: bool,
    /// How long it must run healthy on a configuration before that counts as a good one.
    pub healthy_after: Duration,
    /// What jobs missed while no gateway ran waits so long after a start.
    pub missed_after: Duration,
}

impl RunOptions {
    /// `--token`, else the variable of that meaning.
    pub fn shared_token(&self) -> Option<SecretString> {
        self.token.clone().or_else(|| {
            let (_, token) = self.environment.either("GATEWAY_TOKEN")?;
            Some(SecretString::from(token.to_owned()))
        })
    }

    /// A start without any flag.
    pub fn new(place: Place, environment: Environment) -> Self {
        Self {
            place,
            environment: Arc::new(environment),
            port: None,
            bind: None,
            token: None,
            force: false,
            verbose: false,
            allow_unconfigured: false,
            sidecar: false,
            json: false,
            safe_mode: false,
            last_good: false,
            healthy_after: HEALTHY_AFTER,
            missed_after: Duration::from_millis(bulkhead_schedule::AFTER_START.unsigned_abs()),
        }
    }
}
