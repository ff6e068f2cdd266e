//! Looking at a profile of ours from beside it: its log, its configuration, its ports, what the doctor says.

use std::fmt::Write as _;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use bulkhead_config::{ConfigPath, ConfigStore, changed_paths};
use bulkhead_process::{RunRecord, port};
use bulkhead_profile::{ClaimRequest, Environment, Place, Register, Surroundings, preferred_base};
use bulkhead_supervisor::recent_crashes;
use serde_json::Value;

use crate::logs::{Redactor, TailRequest, tail};

/// Bytes of a log that are looked at.
const LOG_BYTES: u64 = 256 * 1024;
/// Characters of one line that are shown.
const LINE_LIMIT: usize = 300;
/// How long the doctor may take.
const DOCTOR_PATIENCE: Duration = Duration::from_secs(45);

/// The last lines of its log for people, without secrets; where it has none, what the last crash left.
pub(super) fn log_lines(place: &Place, count: usize, redactor: &Redactor) -> io::Result<Vec<String>> {
    let request = TailRequest { cursor: None, limit: count, max_bytes: LOG_BYTES };
    let mut lines = tail(&place.log_path(), request)?.lines;
    if lines.is_empty()
        && let Some(crash) = recent_crashes(place).into_iter().next()
    {
        lines = crash.last_lines;
        lines.drain(..lines.len().saturating_sub(count));
    }
    Ok(lines.iter().map(|line| for_people(line, redactor)).collect())
}

/// A log line is an object: time, level, what it says, and fields.
fn for_people(line: &str, redactor: &Redactor) -> String {
    let text = match serde_json::from_str::<Value>(line) {
        Ok(Value::Object(entry)) => {
            let text = |names: &[&str]| {
                names.iter().find_map(|name| entry.get(*name)).and_then(Value::as_str).unwrap_or_default()
            };
            let at = text(&["time", "ts", "timestamp"]);
            // Of a time only the clock: the day is known.
            let clock = at.split_once('T').map_or(at, |(_, clock)| clock).get(..8).unwrap_or(at);
            let level = text(&["level"]);
            let said = text(&["message", "msg", "1", "0"]);
            format!("{clock} {level} {said}").trim().to_owned()
        }
        _ => line.to_owned(),
    };
    let clean = redactor.redact(&text);
    match clean.char_indices().nth(LINE_LIMIT) {
        Some((end, _)) => format!("{}…", &clean[..end]),
        None => clean,
    }
}

/// Which fields of its configuration changed since it last ran well; never their values.
pub(super) fn config_change(place: &Place) -> Vec<String> {
    let store = ConfigStore::new(place);
    let Some(good) = store.fallback() else { return Vec::new() };
    let Ok(present) = store.load_current() else {
        return vec!["the file cannot be read as a configuration any more".to_owned()];
    };
    let mut changed = changed_paths(&good.value(), &present.document.value());
    let more = changed.len().saturating_sub(10);
    changed.truncate(10);
    if more > 0 {
        changed.push(format!("and {more} more"));
    }
    changed
}

/// Its base port: as it runs, as configured, as claimed, or by rule.
pub(in crate::rescue) fn base_port(place: &Place, env: &Environment) -> u16 {
    if let Some(record) = RunRecord::read_running(&place.run_record_path()) {
        return record.base_port;
    }
    let configured = ConfigStore::new(place).load().ok().and_then(|loaded| loaded.config.gateway.port);
    let claimed = || Register::open(env).find(place).ok().flatten().map(|entry| entry.base_port);
    configured.or_else(claimed).unwrap_or_else(|| preferred_base(place.name()))
}

/// Claims another free interval and writes its base into the configuration. The former claim is given back only when
/// that worked.
pub(super) fn take_other_base(place: &Place, env: &Environment) -> Result<u16, String> {
    let register = Register::open(env);
    let before = register.find(place).map_err(|error| error.to_string())?;
    let present = base_port(place, env);
    let mut around = Surroundings::look(env, port::listening(), port::avoid_ranges());
    // What is taken now is no choice, whether somebody listens at this moment or not.
    around.listening.insert(present);
    register.release(place).map_err(|error| error.to_string())?;
    let owner = before.as_ref().map(|entry| entry.owner);
    let request = ClaimRequest { place, base_port: None, owner };
    let written = register.claim(&request, &around).map_err(|error| error.to_string()).and_then(|claimed| {
        let base = claimed.entry.base_port;
        let path = ConfigPath::root().key("gateway").key("port");
        ConfigStore::new(place)
            .edit(|document| document.set_at(&path, base.into()))
            .map(|_| base)
            .map_err(|error| error.to_string())
    });
    if let (Err(_), Some(before)) = (&written, before) {
        let back = ClaimRequest { place, base_port: Some(before.base_port), owner: Some(before.owner) };
        if let Err(error) = register.claim(&back, &around) {
            tracing::warn!(%error, "the former claim could not be restored");
        }
    }
    written
}

/// What `bulkhead doctor` finds there, one line each, worst first.
pub(super) async fn doctor(
    place: &Place,
    env: &Environment,
    redactor: &Redactor,
) -> Result<Vec<String>, String> {
    let program =
        std::env::current_exe().map_err(|error| format!("this program's path is not known: {error}"))?;
    let mut command = tokio::process::Command::new(program);
    command.args(["--profile", place.name().as_str()]);
    if place.overridden() {
        command.arg("--state-dir").arg(place.state_dir());
    }
    if place.config_overridden() {
        command.arg("--config").arg(place.config_path());
    }
    command.args(["doctor", "--json"]);
    command.env_clear().envs(env.vars.iter().filter(|(name, _)| !leads_elsewhere(name)));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(DOCTOR_PATIENCE, command.output())
        .await
        .map_err(|_| format!("the doctor took longer than {} s", DOCTOR_PATIENCE.as_secs()))?
        .map_err(|error| format!("the doctor could not be started: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text.lines().rev().find_map(findings).ok_or_else(|| {
        format!("the doctor ended with {} and said nothing that can be read", output.status)
    })?;
    Ok(lines.iter().map(|line| redactor.redact(line)).collect())
}

/// Variables that would lead the doctor to another profile than the one that is meant.
fn leads_elsewhere(name: &str) -> bool {
    name.starts_with("BULKHEAD_") || name.starts_with("OPENCLAW_")
}

/// The findings in the last line of the doctor's answer; `None` if this line is another one.
fn findings(line: &str) -> Option<Vec<String>> {
    let answer: Value = serde_json::from_str(line).ok()?;
    let mut found = answer["findings"].as_array()?.clone();
    let rank = |finding: &Value| match finding["severity"].as_str() {
        Some("error") => 0,
        Some("warning") => 1,
        Some("info") => 2,
        _ => 3,
    };
    found.sort_by_key(rank);
    let line = |finding: &Value| {
        let text = |name: &str| finding[name].as_str().unwrap_or_default().to_owned();
        let mut line = format!("{}: {}", text("severity"), text("found"));
        if !text("nextStep").is_empty() {
            let _ = write!(line, " → {}", text("nextStep"));
        }
        line
    };
    // What is in order, and what is only worth knowing, would hide what matters in a chat.
    let mut lines: Vec<String> = found.iter().filter(|finding| rank(finding) < 2).map(line).collect();
    if lines.is_empty() {
        lines.push(format!("The doctor looked at {} things and found nothing wrong.", found.len()));
    }
    Some(lines)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn log_lines_are_short_and_hold_no_secret() {
        let redactor = Redactor::new();
        redactor.learn(["very-secret-value"]);
        let line = r#"{"time":"2026-11-20T08:09:10.123Z","level":"ERROR","message":"the key very-secret-value is bad"}"#;
        assert_eq!(for_people(line, &redactor), "08:09:10 ERROR the key [redacted] is bad");
        assert_eq!(for_people("plain words", &redactor), "plain words");
        assert!(for_people(&"x".repeat(5000), &redactor).chars().count() <= LINE_LIMIT + 1);
    }

    #[test]
    fn findings_come_worst_first_and_none_is_said() {
        let answer = json!({"type": "result", "findings": [
            {"severity": "warning", "code": "a", "found": "the clock is off"},
            {"severity": "ok", "code": "b", "found": "passed"},
            {"severity": "error", "code": "c", "found": "the disk is full", "nextStep": "free some space"},
        ]});
        assert_eq!(
            findings(&answer.to_string()).unwrap(),
            ["error: the disk is full → free some space", "warning: the clock is off"]
        );
        let well = json!({"findings": [{"severity": "ok", "found": "passed"}]}).to_string();
        assert_eq!(findings(&well).unwrap(), ["The doctor looked at 1 things and found nothing wrong."]);
        assert_eq!(findings(r#"{"type":"progress"}"#), None);
    }
}
