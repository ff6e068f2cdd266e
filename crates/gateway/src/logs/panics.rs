//! A panic is logged like any other error, without secrets, and never printed raw.

use std::io::Write as _;
use std::panic::PanicHookInfo;

use super::redact::Redactor;

/// Replaces the standard hook, which would print the message unredacted.
pub(super) fn hook(redactor: Redactor) {
    std::panic::set_hook(Box::new(move |info| {
        let text = redactor.redact(&describe(info));
        tracing::error!(target: "bulkhead_gateway::panic", "{text}");
        if !tracing::event_enabled!(target: "bulkhead_gateway::panic", tracing::Level::ERROR) {
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }));
}

fn describe(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let what = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned());
    let place = info.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
    format!("internal error{place}: {what}")
}
