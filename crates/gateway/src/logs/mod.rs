//! The gateway's log: JSON lines in a rotating file, words on stderr, one redactor before both.

mod format;
mod panics;
mod redact;
mod tail;
mod writer;

use std::path::Path;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt, registry};

pub use redact::{MASK, Redactor};
pub(crate) use tail::{TailRequest, tail};

use crate::error::GatewayError;

/// How loud the log is and where it goes beside the file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Loudness<'a> {
    /// `error`, `warn`, `info`, `debug`, `trace`, or a list such as `info,bulkhead_agent=debug`.
    pub(crate) level: &'a str,
    /// Words on stderr for a person; otherwise at most `info`, for the supervisor's crash log.
    pub(crate) foreground: bool,
}

/// Starts logging to `file`, and sends panics there too. Does nothing to a log that already runs.
pub(crate) fn start(file: &Path, loudness: Loudness<'_>, redactor: &Redactor) -> Result<(), GatewayError> {
    if let Some(parent) = file.parent() {
        crate::start::directories::private(parent)?;
    }
    let filter = targets(loudness.level);
    let stderr_level = if loudness.foreground { LevelFilter::TRACE } else { LevelFilter::INFO };
    let to_file = fmt::layer()
        .event_format(format::JsonLines)
        .with_writer(writer::RedactedSink::file(file, redactor.clone()))
        .with_filter(filter.clone());
    let to_stderr = fmt::layer()
        .with_target(false)
        .with_ansi(false)
        .with_writer(writer::RedactedSink::stderr(redactor.clone()))
        .with_filter(stderr_level)
        .with_filter(filter);
    let _ = registry().with(to_file).with(to_stderr).try_init();
    panics::hook(redactor.clone());
    Ok(())
}

/// The filter for a level or list of levels. Libraries that log message bodies stay quiet below `trace`.
fn targets(level: &str) -> Targets {
    let parsed = level.parse::<Targets>().unwrap_or_else(|_| Targets::new().with_default(LevelFilter::INFO));
    let trace = parsed.default_level() == Some(LevelFilter::TRACE);
    let library = if trace { LevelFilter::TRACE } else { LevelFilter::WARN };
    ["h2", "hyper", "hyper_util", "rustls", "reqwest", "tungstenite", "notify"]
        .into_iter()
        .fold(parsed, |filter, target| filter.with_target(target, library))
        // Logs whole messages between us and a browser: what an agent types, cookies, addresses with a secret in them.
        .with_target("cdpkit", LevelFilter::OFF)
        // Logs message bodies, those of the keychain among them.
        .with_target("zbus", LevelFilter::WARN)
}
