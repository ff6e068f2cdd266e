//! Its log: JSON lines by the day. Only what the program says about itself is read, never what people wrote.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use bulkhead_config::ConfigDocument;
use bulkhead_profile::files;
use jiff::Timestamp;
use serde_json::Value;

use super::mask::mask;
use crate::alert::text::shorten;
use crate::observation::ServiceActivity;
use crate::probe::{Target, look_at_service};

/// So much of the end of a log is read.
const TAIL: u64 = 256 * 1024;
/// An end is taken for asked for if the request stands in the log this short before it.
const JUST_NOW_MS: i64 = 20_000;
const LINE_WIDTH: usize = 200;

/// One line.
struct Line {
    at: Option<Timestamp>,
    level: String,
    from: String,
    message: String,
}

/// Whether its end was asked for: by its service manager, or by a signal that it wrote down itself.
pub(crate) async fn was_asked_to_end(target: &Target) -> bool {
    if let Some(unit) = &target.unit
        && let Some(service) = look_at_service(unit).await.filter(|service| service.installed)
    {
        let stopping = matches!(service.activity, ServiceActivity::Stopping);
        let stopped = matches!(
            service.activity,
            ServiceActivity::Inactive | ServiceActivity::Starting | ServiceActivity::Active
        );
        return stopping || stopped && service.ended_well;
    }
    let now = Timestamp::now();
    let just_now = |line: &Line| {
        line.at.is_some_and(|at| now.as_millisecond().saturating_sub(at.as_millisecond()).abs() < JUST_NOW_MS)
    };
    let lines = read(target);
    let signal = |line: &&Line| line.message.contains("signal SIG") && line.message.contains("received");
    lines.iter().rev().take(200).find(signal).is_some_and(just_now)
}

/// The last lines about itself, redacted.
pub(super) fn last_lines(target: &Target, most: usize) -> Vec<String> {
    let own = |line: &&Line| {
        let loud = matches!(line.level.as_str(), "WARN" | "ERROR" | "FATAL");
        let itself = line.from.contains("gateway") || line.from.is_empty();
        loud || itself
    };
    let lines = read(target);
    let mut last: Vec<String> = lines.iter().rev().filter(own).take(most).map(shown).collect();
    last.reverse();
    last
}

fn shown(line: &Line) -> String {
    let at = line.at.map(|at| at.strftime("%H:%M:%S").to_string()).unwrap_or_default();
    let message = line.message.split_whitespace().collect::<Vec<_>>().join(" ");
    shorten(&mask(format!("{at} {} {message}", line.level).trim()), LINE_WIDTH)
}

fn read(target: &Target) -> Vec<Line> {
    let Some(path) = newest(target) else { return Vec::new() };
    let text = tail(&path).unwrap_or_default();
    text.lines().filter_map(parse).collect()
}

/// The log file: where its configuration says, else the newest of its log directory.
fn newest(target: &Target) -> Option<PathBuf> {
    let config =
        target.config.as_ref().and_then(|config| files::read_limited(&config.path, 4 * 1024 * 1024).ok());
    let named = config
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| ConfigDocument::parse("openclaw.json", &text).ok())
        .and_then(|document| Some(document.value().pointer("/logging/file")?.as_str()?.to_owned()));
    if let Some(named) = named {
        return Some(target.env.expand(&named));
    }
    let dir = if cfg!(unix) { PathBuf::from("/tmp/openclaw") } else { target.env.temp_dir.join("openclaw") };
    let logs = std::fs::read_dir(dir).ok()?.flatten().map(|entry| entry.path());
    logs.filter(|path| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with("openclaw-") && path.extension().is_some_and(|ext| ext == "log")
    })
    .max()
}

fn tail(path: &Path) -> std::io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn parse(line: &str) -> Option<Line> {
    let value: Value = serde_json::from_str(line).ok()?;
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    Some(Line {
        at: text("/time").parse().ok(),
        level: text("/_meta/logLevelName"),
        from: text("/_meta/name"),
        message: Some(text("/message")).filter(|message| !message.is_empty()).unwrap_or_else(|| text("/1")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bulkhead_profile::Environment;

    fn target(dir: &Path, lines: &[(&str, &str, &str, Timestamp)]) -> Target {
        let log = dir.join("own.log");
        let text: Vec<String> = lines
            .iter()
            .map(|(level, from, message, at)| {
                serde_json::json!({ "message": message, "time": at.to_string(), "_meta": { "logLevelName": level, "name": from } }).to_string()
            })
            .collect();
        std::fs::write(&log, text.join("\n")).unwrap();
        std::fs::create_dir_all(dir.join(".openclaw")).unwrap();
        std::fs::write(
            dir.join(".openclaw/openclaw.json"),
            format!("{{ logging: {{ file: '{}' }} }}", log.display()),
        )
        .unwrap();
        let mut target =
            Target::openclaw(&bulkhead_config::WatchedMain::default(), &Environment::for_test(dir));
        target.unit = None;
        target
    }

    #[tokio::test]
    async fn a_signal_in_the_log_means_that_it_was_asked() {
        let dir = tempfile::tempdir().unwrap();
        let now = Timestamp::now();
        let stopped = [
            ("INFO", "{\"subsystem\":\"gateway\"}", "signal SIGTERM received", now),
            ("INFO", "x", "bye", now),
        ];
        assert!(was_asked_to_end(&target(dir.path(), &stopped)).await);
        let long_ago = now - jiff::SignedDuration::from_secs(600);
        let killed = [
            ("INFO", "gateway", "signal SIGTERM received", long_ago),
            ("INFO", "gateway", "ready", long_ago),
        ];
        assert!(!was_asked_to_end(&target(dir.path(), &killed)).await);
        assert!(!was_asked_to_end(&target(dir.path(), &[])).await);
    }

    #[test]
    fn last_words_are_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let now = Timestamp::now();
        let lines = [
            ("INFO", "{\"subsystem\":\"agent\"}", "please remind me of my secret plans", now),
            ("ERROR", "{\"subsystem\":\"telegram\"}", "getMe failed 777000111:AAF-very_secret_token", now),
            ("INFO", "{\"subsystem\":\"gateway\"}", "listening", now),
        ];
        let shown = last_lines(&target(dir.path(), &lines), 5).join("\n");
        assert!(!shown.contains("plans") && !shown.contains("very_secret"), "{shown}");
        assert!(
            shown.contains("ERROR getMe failed [hidden]") && shown.ends_with("INFO listening"),
            "{shown}"
        );
    }
}
