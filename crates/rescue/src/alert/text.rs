//! What is said: what happened, since when, what was seen, what it means, what can help. Short sentences, plain text,
//! no secrets, no contents of messages.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cause::{Cause, Severity};
use crate::incident::{Incident, Phase};
use crate::remedy::{Offer, RemedyOutcome, Verdict};

/// The longest text of a message: below what Telegram takes, with room for a teller's own words.
const LONGEST: usize = 3500;
const LOG_LINES: usize = 8;
const LOG_WIDTH: usize = 160;

/// What happened, in one line.
pub fn headline(watched: &str, cause: &Cause) -> String {
    match cause {
        Cause::BinaryMissing { .. } => format!("{watched} has lost its program"),
        Cause::NodeBroken { .. } => format!("{watched} has lost its Node"),
        Cause::PortStolen { holder } => format!("Another program holds port {} of {watched}", holder.port),
        Cause::ConfigEmptied { .. } => format!("The configuration of {watched} is empty"),
        Cause::ConfigInvalid { .. } => format!("The configuration of {watched} cannot be used"),
        Cause::StateReadOnly { .. } => format!("{watched} cannot write its state"),
        Cause::DiskFull { .. } => format!("The disk of {watched} is full"),
        Cause::ServiceDisabled { masked: true, .. } => format!("The service of {watched} is masked"),
        Cause::ServiceDisabled { .. } => format!("The service of {watched} is disabled"),
        Cause::CrashLoop { .. } => format!("{watched} ends again and again"),
        Cause::Hung { stopped: true } => format!("{watched} is frozen"),
        Cause::Hung { stopped: false } => format!("{watched} hangs"),
        Cause::Killed { .. } => format!("{watched} has ended"),
        Cause::SupervisorGone => format!("{watched} is down, and nobody is there to start it"),
        Cause::Down => format!("{watched} is down"),
        Cause::NotAGateway { .. } => format!("Something else answers for {watched}"),
        Cause::BotTokenRevoked { .. } => format!("The bot of {watched} is not accepted any more"),
        Cause::ModelKeyRevoked { .. } => format!("The model key of {watched} is not accepted any more"),
        Cause::ProviderDown { .. } => format!("The model provider of {watched} does not answer"),
        Cause::ChannelDown { .. } => format!("{watched} does not reach its messenger"),
        Cause::Limited { mode } if mode == "waiting-for-keychain" => {
            format!("{watched} waits for the keychain")
        }
        Cause::Limited { mode } if mode == "gateway.auth" => format!("{watched} has lost its own token"),
        Cause::Limited { .. } => format!("{watched} runs in safe mode"),
    }
}

/// The particulars of a cause, in one sentence.
fn particulars(cause: &Cause) -> Option<String> {
    match cause {
        Cause::BinaryMissing { path } => Some(format!("Missing: {path}.")),
        Cause::NodeBroken { missing } => Some(format!("Missing: {missing}.")),
        Cause::PortStolen { holder } => {
            let program = holder.program.as_deref().unwrap_or("a program of another user");
            let pid = holder.pid.map(|pid| format!(", process {pid}")).unwrap_or_default();
            let whose = if holder.ours { " It was left by an earlier run of the same gateway." } else { "" };
            Some(format!("Port {}: {program}{pid}.{whose}", holder.port))
        }
        Cause::ConfigEmptied { path } => Some(format!("File: {path}.")),
        Cause::ConfigInvalid { path, problem } => Some(format!("File: {path}. {problem}")),
        Cause::StateReadOnly { path } => Some(format!("{path} cannot be written.")),
        Cause::DiskFull { path, free } => Some(format!("{path}: {} left.", size(*free))),
        Cause::ServiceDisabled { service, .. } => Some(format!("Service: {service}.")),
        Cause::CrashLoop { times } => Some(format!("It ended {times} times within a minute.")),
        Cause::Hung { stopped: true } => Some("A signal (SIGSTOP) stopped its process.".to_owned()),
        Cause::Hung { stopped: false } => Some("Its process lives and does not answer.".to_owned()),
        Cause::Killed { signal: Some(signal), .. } => Some(format!("Signal {signal} ended it.")),
        Cause::Killed { exit: Some(code), .. } => Some(format!("Exit code {code}.")),
        Cause::NotAGateway { found } => Some(format!("There answers {found}.")),
        Cause::BotTokenRevoked { channel } | Cause::ChannelDown { channel } => {
            Some(format!("Channel: {channel}."))
        }
        Cause::ModelKeyRevoked { provider: Some(provider) }
        | Cause::ProviderDown { provider: Some(provider) } => Some(format!("Provider: {provider}.")),
        _ => None,
    }
}

/// What it means for the people who use it.
fn meaning(cause: &Cause, severity: Severity) -> &'static str {
    match cause {
        Cause::ModelKeyRevoked { .. } | Cause::ProviderDown { .. } => {
            "Messages arrive and cannot be answered."
        }
        Cause::BotTokenRevoked { .. } | Cause::ChannelDown { .. } => "Messages to its bot do not arrive.",
        Cause::Limited { mode } if mode == "gateway.auth" => "Only devices that are paired get in.",
        Cause::Limited { .. } => "It can be reached for repairs, and answers no messages.",
        Cause::ServiceDisabled { .. } if severity == Severity::Degraded => {
            "It runs, and will not start again by itself."
        }
        Cause::ConfigEmptied { .. } | Cause::ConfigInvalid { .. } if severity == Severity::Degraded => {
            "It still runs on what it read before; after a restart it may not."
        }
        Cause::BinaryMissing { .. } | Cause::NodeBroken { .. } if severity == Severity::Degraded => {
            "It still runs; it cannot start again."
        }
        Cause::DiskFull { .. } | Cause::StateReadOnly { .. } if severity == Severity::Degraded => {
            "It cannot keep new messages, and may stop soon."
        }
        _ => "Nothing sent to it is answered until it is back. Messages wait at the messenger.",
    }
}

/// Title and whole text of the message about an incident.
pub fn incident(incident: &Incident, offer: &Offer, zone: &TimeZone) -> (String, String) {
    let mark = match (&incident.phase, incident.severity) {
        (Phase::Over { .. }, _) => "✅",
        (Phase::Repairing { .. }, _) => "🔧",
        (Phase::Open, Severity::Down) => "🔴",
        (Phase::Open, Severity::Degraded) => "🟠",
    };
    let drill = if incident.drill { "Drill: " } else { "" };
    let title = match &incident.phase {
        Phase::Over { at_ms } => format!(
            "{mark} {drill}{} is well again (it took {})",
            incident.watched,
            duration(incident.duration_ms(*at_ms))
        ),
        _ => format!("{mark} {drill}{}", headline(&incident.watched, &incident.cause)),
    };
    let mut text = format!("{title}\n");
    if let Phase::Over { at_ms } = incident.phase {
        let _ = writeln!(
            text,
            "{} — from {} to {}.",
            headline(&incident.watched, &incident.cause),
            clock(incident.began_ms, zone),
            clock(at_ms, zone)
        );
    } else {
        open_body(&mut text, incident, zone);
    }
    for remedy in &incident.remedies {
        let _ = writeln!(text, "{}", remedy_line(remedy, zone));
    }
    if incident.is_open() && !matches!(incident.phase, Phase::Repairing { .. }) {
        let _ = write!(text, "\n{}", offer.advice);
    }
    (title, shorten(text.trim_end(), LONGEST))
}

fn open_body(text: &mut String, incident: &Incident, zone: &TimeZone) {
    let _ = writeln!(
        text,
        "Since {}. {}",
        clock(incident.began_ms, zone),
        meaning(&incident.cause, incident.severity)
    );
    if let Some(particulars) = particulars(&incident.cause) {
        let _ = writeln!(text, "{particulars}");
    }
    if incident.returns > 0 {
        let times =
            if incident.returns == 1 { "once".to_owned() } else { format!("{} times", incident.returns) };
        let _ = writeln!(text, "It came back {times} after it seemed to be over.");
    }
    for line in incident.evidence.iter().take(4) {
        let _ = writeln!(text, "• {line}");
    }
    for earlier in incident.earlier.iter().rev().take(2) {
        let _ = writeln!(text, "Before that: {}.", headline(&incident.watched, earlier));
    }
    if !incident.config_change.is_empty() {
        text.push_str("\nChanged in the configuration before:\n");
        for line in incident.config_change.iter().take(6) {
            let _ = writeln!(text, "  {}", shorten(line, LOG_WIDTH));
        }
    }
    if !incident.log_lines.is_empty() {
        text.push_str("\nIts last words:\n");
        let first = incident.log_lines.len().saturating_sub(LOG_LINES);
        for line in &incident.log_lines[first..] {
            let _ = writeln!(text, "  {}", shorten(line, LOG_WIDTH));
        }
    }
    if !incident.remedies.is_empty() {
        text.push('\n');
    }
}

/// Title and text of the message that says that it is over.
pub fn follow_up(incident: &Incident, zone: &TimeZone) -> (String, String) {
    let ended = match incident.phase {
        Phase::Over { at_ms } => at_ms,
        _ => incident.noticed_ms,
    };
    let drill = if incident.drill { "Drill: " } else { "" };
    let title = format!("✅ {drill}{} is well again", incident.watched);
    let mut text = format!(
        "{title}\n{} — it took {}, from {} to {}.",
        headline(&incident.watched, &incident.cause),
        duration(incident.duration_ms(ended)),
        clock(incident.began_ms, zone),
        clock(ended, zone)
    );
    let repaired = incident.remedies.iter().rev().find(|remedy| remedy.verdict == Verdict::Repaired);
    match repaired {
        Some(remedy) => {
            let _ = write!(text, "\n{} repaired it ({}).", remedy.remedy.label(), remedy.by);
        }
        None => text.push_str("\nIt recovered without a remedy from here."),
    }
    (title, text)
}

/// One line about a remedy.
fn remedy_line(remedy: &RemedyOutcome, zone: &TimeZone) -> String {
    let what = remedy.remedy.label();
    let at = clock(remedy.asked_ms, zone);
    let by = &remedy.by;
    match &remedy.verdict {
        Verdict::Running => format!("🔧 {what} since {at} ({by})…"),
        Verdict::Repaired => format!("✅ {what} at {at} ({by}) repaired it."),
        Verdict::Done => format!("{what} at {at} ({by}): done."),
        Verdict::NoEffect { seen } => format!("✖ {what} at {at} ({by}) did not help. {seen}"),
        Verdict::Failed { refusal } => format!("✖ {what} at {at} ({by}) failed: {}", refusal.message),
    }
}

/// `14:03:10`, with the date if the reader could take it for today's.
fn clock(ms: u64, zone: &TimeZone) -> String {
    let stamp = i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    stamp.map_or_else(
        || "an unknown time".to_owned(),
        |stamp| stamp.to_zoned(zone.clone()).strftime("%H:%M:%S on %e %b").to_string().replace("  ", " "),
    )
}

/// `42 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`.
pub fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// Bytes for people.
fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} kB", bytes / 1024),
        1_048_576..1_073_741_824 => format!("{} MB", bytes / 1_048_576),
        _ => format!("{} GB", bytes / 1_073_741_824),
    }
}

/// At most so many characters, with `…` where something was cut.
pub(crate) fn shorten(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    short
}
