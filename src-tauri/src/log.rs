//! The app's own log, on standard error.

use tracing_subscriber::EnvFilter;

/// Starts logging. `zbus` logs message bodies (secrets of the keychain among them) at INFO, so it never goes below WARN.
pub fn install(verbose: bool) {
    let level = if verbose { "debug" } else { "info" };
    let filter = EnvFilter::new(format!(
        "warn,bulkhead_app={level},bulkhead_supervisor={level},bulkhead_client={level},zbus=warn"
    ));
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}
