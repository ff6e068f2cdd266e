//! A gateway's log from its file, so that it can be read when the gateway is down.

use super::Fleet;
use crate::failure::{Answer, Failure};
use serde_json::{Value, json};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// Most that one answer carries.
const BYTES: u64 = 512 * 1024;
const LINES: u32 = 10_000;

/// Lines from a byte offset on, or the newest ones.
pub async fn tail(fleet: &Fleet, profile: &str, cursor: Option<u64>, limit: u32) -> Answer<Value> {
    let path = fleet.place(profile)?.log_path();
    let shown = path.display().to_string();
    tokio::task::spawn_blocking(move || read(&path, cursor, limit.min(LINES)))
        .await
        .map_err(|error| error.to_string())
        .and_then(|outcome| outcome.map_err(|error| error.to_string()))
        .map_err(|error| {
            Failure::new(
                "log-unreadable",
                format!("The log {shown} could not be read: {error}."),
                "Check who owns the file.",
            )
        })
}

fn read(path: &Path, cursor: Option<u64>, limit: u32) -> std::io::Result<Value> {
    let mut file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(json!({ "file": path, "lines": [], "cursor": 0, "size": 0, "reset": false }));
        }
        Err(error) => return Err(error),
    };
    let size = file.metadata()?.len();
    // A smaller file than last time was rotated: begin anew.
    let reset = cursor.is_some_and(|at| at > size);
    let start = match cursor {
        Some(at) if !reset => at,
        _ => size.saturating_sub(BYTES),
    };
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(BYTES).read_to_end(&mut bytes)?;
    // Only whole lines: a torn first one is skipped unless we stand at its beginning, a torn last one comes next time.
    let skip = if start == 0 || cursor == Some(start) {
        0
    } else {
        bytes.iter().position(|b| *b == b'\n').map_or(bytes.len(), |at| at + 1)
    };
    let end = bytes.iter().rposition(|b| *b == b'\n').map_or(skip, |at| at + 1).max(skip);
    let text = String::from_utf8_lossy(&bytes[skip..end]);
    let lines: Vec<&str> = text.lines().collect();
    let newest = lines.len().saturating_sub(limit as usize);
    // Where the first line of the answer begins: what is before it can be asked for.
    let left_out: usize = text.split_inclusive('\n').take(newest).map(str::len).sum();
    let first = start + (skip + left_out) as u64;
    Ok(json!({
        "file": path, "lines": &lines[newest..], "start": first, "cursor": start + end as u64, "size": size, "reset": reset,
    }))
}

#[cfg(test)]
mod tests {
    use super::read;
    use std::io::Write;

    #[test]
    fn following_gives_each_line_once_and_only_whole() {
        let folder = std::env::temp_dir().join(format!("bulkhead-logs-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("folder");
        let path = folder.join("gateway.jsonl");
        let mut file = std::fs::File::create(&path).expect("file");
        file.write_all(b"one\ntwo\nthr").expect("write");
        let first = read(&path, None, 10).expect("read");
        assert_eq!(first["lines"], serde_json::json!(["one", "two"]));
        file.write_all(b"ee\n").expect("write");
        let second = read(&path, first["cursor"].as_u64(), 10).expect("read");
        assert_eq!(second["lines"], serde_json::json!(["three"]));
        let newest = read(&path, None, 1).expect("read");
        assert_eq!(
            (&newest["lines"], &newest["start"]),
            (&serde_json::json!(["three"]), &serde_json::json!(8))
        );
        let before = read(&path, Some(0), 10).expect("read");
        assert_eq!(before["lines"], serde_json::json!(["one", "two", "three"]));
        std::fs::write(&path, "new\n").expect("rotate");
        let third = read(&path, second["cursor"].as_u64(), 10).expect("read");
        assert_eq!(
            (&third["lines"], &third["reset"]),
            (&serde_json::json!(["new"]), &serde_json::json!(true))
        );
        std::fs::remove_dir_all(&folder).expect("clean");
    }

    #[test]
    fn no_file_is_an_empty_log() {
        let none = read(std::path::Path::new("/nonexistent/gateway.jsonl"), Some(9), 10).expect("read");
        assert_eq!(none["lines"], serde_json::json!([]));
    }
}
