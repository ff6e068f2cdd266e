//! The one line that says the gateway is ready: JSON for a supervisor, words for a person.

use std::fmt::Write as _;
use std::io::Write as _;

use serde_json::json;

use crate::gateway::{Gateway, VERSION};

/// Writes the line to stdout.
pub(crate) fn tell(gateway: &Gateway, sidecar: bool, addresses: &[std::net::SocketAddr]) {
    let ms = u64::try_from(gateway.begun.elapsed().as_millis()).unwrap_or(0);
    let failing = gateway.lifecycle.failing();
    let line = if sidecar {
        json!({
            "type": "ready",
            "pid": std::process::id(),
            "port": gateway.port,
            "version": VERSION,
            "readyMs": ms,
            "profile": gateway.place.name().as_str(),
            "warnings": failing,
        })
        .to_string()
    } else {
        let profile = gateway.place.name().as_str();
        let first =
            addresses.first().map_or_else(|| format!("127.0.0.1:{}", gateway.port), ToString::to_string);
        let mut text = format!(
            "Bulkhead {VERSION}, profile {profile}, is ready on http://{first}/ (after {ms} ms).\n\
             Chat: `bulkhead --profile {profile} dashboard` opens the web UI, `bulkhead --profile {profile} agent \
             --message \"hello\"` asks once.\n\
             Log:  {}\n\
             Stop: Ctrl+C",
            gateway.place.log_path().display()
        );
        if !failing.is_empty() {
            let _ = write!(text, "\nNot everything works yet: {}", failing.join(", "));
            if let Some(why) = gateway.credentials.waiting_for() {
                let _ = write!(text, "\n{why}");
            }
        }
        text
    };
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}
