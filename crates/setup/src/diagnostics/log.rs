//! The last lines of a log, without what was said: of each line the words of the program and known fields.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use serde_json::{Map, Value};

use super::scrub::Scrub;

const LINES: usize = 300;
/// How much of the end of the file is read.
const BYTES: u64 = 512 * 1024;
/// The longest text of a field.
const LONGEST: usize = 300;

/// Fields that say how something went. All others may be what somebody wrote, or who.
const KNOWN: [&str; 30] = [
    "code",
    "channel",
    "kind",
    "outcome",
    "tool",
    "method",
    "event",
    "state",
    "phase",
    "reason",
    "version",
    "port",
    "count",
    "attempt",
    "status",
    "signal",
    "exit",
    "ms",
    "latency_ms",
    "ready_ms",
    "retry_ms",
    "bytes",
    "limit",
    "provider",
    "model",
    "profile",
    "platform",
    "role",
    "scope",
    "level",
];

/// The newest lines, oldest first; empty where there is no log.
pub(super) fn last_lines(path: &Path, scrub: &Scrub) -> String {
    let Ok(text) = end_of(path) else { return String::new() };
    let lines: Vec<&str> = text.lines().collect();
    let newest = lines.len().saturating_sub(LINES);
    let mut out = String::new();
    for line in lines.iter().skip(newest).filter_map(|line| taken(line)) {
        out.push_str(&scrub.value(line).to_string());
        out.push('\n');
    }
    out
}

fn end_of(path: &Path) -> std::io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(BYTES)))?;
    let mut bytes = Vec::new();
    file.take(BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What is taken of a line; nothing of one that is not ours.
fn taken(line: &str) -> Option<Value> {
    let Value::Object(line) = serde_json::from_str(line).ok()? else { return None };
    let mut kept = Map::new();
    for name in ["time", "level", "target", "message"] {
        if let Some(value) = line.get(name).and_then(short) {
            kept.insert(name.to_owned(), value);
        }
    }
    let fields: Map<String, Value> = line
        .get("fields")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(name, _)| KNOWN.contains(&name.as_str()))
        .filter_map(|(name, value)| Some((name.clone(), short(value)?)))
        .collect();
    if !fields.is_empty() {
        kept.insert("fields".to_owned(), Value::Object(fields));
    }
    Some(Value::Object(kept))
}

fn short(value: &Value) -> Option<Value> {
    match value {
        Value::String(text) => Some(text.chars().take(LONGEST).collect::<String>().into()),
        Value::Number(_) | Value::Bool(_) => Some(value.clone()),
        _ => None,
    }
}
