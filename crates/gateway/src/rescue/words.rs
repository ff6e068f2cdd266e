//! The watch in a few words, for chats and for the status. Pure.

use std::fmt::Write as _;

use bulkhead_rescue::{AspectState, Shade, Wanted, WatchView, text};

/// How the watched gateway is, in one sentence.
pub(crate) fn summary(view: &WatchView, now_ms: u64) -> String {
    let watched = &view.watched;
    let since = span(now_ms.saturating_sub(view.since_ms));
    if let Some(incident) = view.incident.as_ref().filter(|incident| incident.is_open()) {
        let what = text::headline(watched, &incident.cause);
        return format!("{what}, for {}.", span(incident.duration_ms(now_ms)));
    }
    match (view.shade, view.wanted) {
        (Shade::Planned, Wanted::Paused { .. }) => format!("{watched} is paused as planned, for {since}."),
        (Shade::Planned, _) => format!("{watched} is stopped as planned, for {since}."),
        (Shade::Good, _) => format!("{watched} is well, for {since}."),
        (Shade::Degraded, _) => format!("{watched} answers, but not everything works, for {since}."),
        (Shade::Down, _) => format!("{watched} does not answer, for {since}."),
        (Shade::Unknown, _) => format!("Nothing is known of {watched} yet."),
    }
}

/// Everything that an operator wants to see at a glance.
pub(super) fn overview(view: &WatchView, now_ms: u64) -> String {
    let mut lines = summary(view, now_ms);
    if let Some(owner) = &view.owner {
        let _ = write!(lines, "\nRun by: {owner}");
    }
    let bad: Vec<String> = view
        .aspects
        .iter()
        .filter(|aspect| matches!(aspect.state, AspectState::Bad | AspectState::Suspect))
        .map(|aspect| word(aspect.aspect))
        .collect();
    if !bad.is_empty() {
        let _ = write!(lines, "\nNot well: {}", bad.join(", "));
    }
    if let Some(advice) = &view.advice {
        let _ = write!(lines, "\n{advice}");
    }
    if view.muted_until_ms.is_some_and(|until| until > now_ms) {
        lines.push_str("\nAlarms are off for the moment.");
    }
    lines
}

/// A value that serialises to one word.
pub(crate) fn word(value: impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => "unknown".to_owned(),
    }
}

/// A length of time for people.
fn span(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..=59 => format!("{seconds} s"),
        60..=3599 => format!("{} min", seconds / 60),
        3600..=86_399 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(shade: Shade, wanted: Wanted) -> WatchView {
        WatchView {
            watched: "main".into(),
            shade,
            since_ms: 0,
            wanted,
            owner: Some("service".into()),
            aspects: Vec::new(),
            incident: None,
            remedies: Vec::new(),
            advice: None,
            muted_until_ms: None,
            config_hash: None,
            own_network_down: false,
            drill: None,
        }
    }

    #[test]
    fn one_sentence_for_every_shade() {
        let said = |shade, wanted| summary(&view(shade, wanted), 3_660_000);
        assert_eq!(said(Shade::Good, Wanted::Running), "main is well, for 1 h 1 min.");
        assert_eq!(said(Shade::Planned, Wanted::Stopped), "main is stopped as planned, for 1 h 1 min.");
        assert_eq!(
            said(Shade::Planned, Wanted::Paused { until_ms: 1 }),
            "main is paused as planned, for 1 h 1 min."
        );
        assert_eq!(said(Shade::Unknown, Wanted::Running), "Nothing is known of main yet.");
        assert_eq!(
            overview(&view(Shade::Good, Wanted::Running), 5000),
            "main is well, for 5 s.\nRun by: service"
        );
    }
}
