//! `bulkhead logs`: asks the running gateway, or reads the file when none runs.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::Duration;

use bulkhead_client::{Backoff, Client, ClientError, ReconnectingClient};
use bulkhead_process::RunRecord;
use bulkhead_protocol::limits;
use bulkhead_protocol::methods::logs::{LogsTailParams, LogsTailResult};
use serde_json::{Value, json};

use super::DONE;
use crate::asking;
use crate::context::Context;
use crate::error::Failure;
use crate::grammar::simple::LogsArgs;
use crate::output::{Output, paint};

/// Between two looks at a log that is followed.
const POLL: Duration = Duration::from_millis(500);
/// How long a gateway that went away may stay away.
const RETURN: Duration = Duration::from_mins(10);
/// Most bytes of one look.
const BYTES: u32 = 250_000;

pub fn run(args: &LogsArgs, context: &Context) -> Result<u8, Failure> {
    let remote = args.target.url.is_some() || args.target.token.is_some() || args.target.password.is_some();
    let place = context.place()?;
    if !remote && (!args.follow || RunRecord::read_running(&place.run_record_path()).is_none()) {
        return from_file(args, context, &place.log_path());
    }
    context.block_on(async {
        let door = asking::door(context, &args.target).await?;
        // The first connection is tried once: who isn't there is told at once, and not waited for.
        let (once, _) = Client::connect(door.cli()).await.map_err(|error| door.explain(error))?;
        once.close().await;
        let client = ReconnectingClient::spawn(door.cli(), Backoff::default());
        client.connected(door.patience).await.map_err(|error| door.explain(error))?;
        let mut params = LogsTailParams { cursor: None, limit: Some(args.limit), max_bytes: Some(BYTES) };
        let first = tail(&client, params).await?;
        print(context.out, args.follow, &first);
        params = LogsTailParams { cursor: Some(first.cursor), limit: Some(limits::LOG_LINES), ..params };
        if !args.follow {
            client.stop().await;
            return Ok(DONE);
        }
        loop {
            tokio::time::sleep(POLL).await;
            match tail(&client, params).await {
                Ok(next) => {
                    print(context.out, true, &next);
                    params.cursor = Some(next.cursor);
                }
                // The gateway restarts: its log goes on when it is back.
                Err(ClientError::Closed { .. } | ClientError::NotConnected { .. }) => {
                    client.connected(RETURN).await.map_err(|error| door.explain(error))?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    })
}

async fn tail(client: &ReconnectingClient, params: LogsTailParams) -> Result<LogsTailResult, ClientError> {
    let answer = client.request("logs.tail", params).await?;
    serde_json::from_value(answer).map_err(|error| ClientError::BadAnswer {
        method: "logs.tail".to_owned(),
        url: client.current().map(|client| client.url().to_owned()).unwrap_or_default(),
        problem: error.to_string(),
    })
}

/// With `--json` and `--follow` every line is a value of its own; without `--follow` there is one value.
fn print(out: Output, follow: bool, result: &LogsTailResult) {
    if out.is_json() && !follow {
        return out.value(&json!({
            "ok": true, "file": result.file, "cursor": result.cursor, "size": result.size,
            "truncated": result.truncated.unwrap_or(false), "lines": result.lines,
        }));
    }
    for line in &result.lines {
        out.text(&if out.is_json() { line.clone() } else { for_people(line) });
    }
}

fn from_file(args: &LogsArgs, context: &Context, path: &Path) -> Result<u8, Failure> {
    let failed = |error: std::io::Error| {
        let next = if error.kind() == std::io::ErrorKind::NotFound {
            "expected it there once a gateway of this profile has run; start it with `bulkhead gateway`"
        } else {
            "expected a file that you may read; check that it belongs to you"
        };
        Failure::failed(
            "logs.unreadable",
            format!("the log {} cannot be read: {error}; {next}", path.display()),
        )
    };
    let result = last_lines(path, args.limit, u64::from(BYTES)).map_err(failed)?;
    print(context.out, args.follow, &result);
    if !args.follow {
        return Ok(DONE);
    }
    let mut cursor = result.cursor;
    loop {
        std::thread::sleep(POLL);
        let next = lines_after(path, cursor, u64::from(BYTES)).map_err(failed)?;
        print(context.out, true, &next);
        cursor = next.cursor;
    }
}

fn last_lines(path: &Path, limit: u32, bytes: u64) -> std::io::Result<LogsTailResult> {
    let size = std::fs::metadata(path)?.len();
    let from = size.saturating_sub(bytes);
    let mut result = lines_after(path, from, bytes)?;
    // The first line of a part begins somewhere in the middle.
    if from > 0 && !result.lines.is_empty() {
        result.lines.remove(0);
    }
    let surplus = result.lines.len().saturating_sub(limit as usize);
    result.truncated = Some(surplus > 0 || from > 0);
    result.lines.drain(..surplus);
    Ok(result)
}

fn lines_after(path: &Path, cursor: u64, bytes: u64) -> std::io::Result<LogsTailResult> {
    let mut file = std::fs::File::open(path)?;
    let size = file.metadata()?.len();
    let reset = cursor > size;
    let from = if reset { 0 } else { cursor };
    file.seek(SeekFrom::Start(from))?;
    let mut read = Vec::new();
    file.take(bytes).read_to_end(&mut read)?;
    // A line that is still being written is left for the next look.
    let whole = read.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let lines = String::from_utf8_lossy(&read[..whole]).lines().map(str::to_owned).collect();
    Ok(LogsTailResult {
        file: path.display().to_string(),
        cursor: from + whole as u64,
        size,
        lines,
        truncated: None,
        reset: reset.then_some(true),
    })
}

/// A JSON line as time, level, target and message; anything else as it is.
pub fn for_people(line: &str) -> String {
    let Ok(Value::Object(entry)) = serde_json::from_str::<Value>(line) else { return line.to_owned() };
    let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
    let first = |names: &[&'static str]| {
        names.iter().map(|name| text(name)).find(|text| !text.is_empty()).unwrap_or("")
    };
    let level = match first(&["level"]).to_ascii_lowercase().as_str() {
        "error" => paint::bad("ERROR"),
        "warn" | "warning" => paint::warn("WARN "),
        "debug" => paint::dim("DEBUG"),
        "trace" => paint::dim("TRACE"),
        _ => paint::good("INFO "),
    };
    let known = ["time", "timestamp", "ts", "level", "target", "subsystem", "message", "msg", "fields"];
    let nested = entry.get("fields").and_then(Value::as_object);
    let message = nested
        .and_then(|fields| fields.get("message"))
        .and_then(Value::as_str)
        .unwrap_or(first(&["message", "msg"]));
    let mut shown = format!(
        "{} {level} {} {message}",
        paint::dim(first(&["time", "timestamp", "ts"])),
        paint::dim(first(&["target", "subsystem"]))
    );
    let more = entry.iter().filter(|(name, _)| !known.contains(&name.as_str()) && !name.starts_with('_'));
    let more = more.chain(nested.into_iter().flatten().filter(|(name, _)| name.as_str() != "message"));
    for (name, value) in more {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        shown.push_str(&format!(" {}{value}", paint::dim(&format!("{name}="))));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_file_and_what_follows() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::fs::write(&path, "one\ntwo\nthree\nhal").unwrap();
        let last = last_lines(&path, 2, 1000).unwrap();
        assert_eq!(
            (last.lines.as_slice(), last.truncated),
            (["two".to_owned(), "three".to_owned()].as_slice(), Some(true))
        );
        std::fs::write(&path, "one\ntwo\nthree\nhalf\n").unwrap();
        let next = lines_after(&path, last.cursor, 1000).unwrap();
        assert_eq!(next.lines, ["half"]);
        std::fs::write(&path, "new\n").unwrap();
        let turned = lines_after(&path, next.cursor, 1000).unwrap();
        assert_eq!((turned.lines.as_slice(), turned.reset), (["new".to_owned()].as_slice(), Some(true)));
    }

    #[test]
    fn json_lines_become_readable() {
        let line =
            r#"{"time":"2026-01-01T00:00:00Z","level":"INFO","target":"gateway","message":"ready","port":1}"#;
        let shown = anstream::adapter::strip_str(&for_people(line)).to_string();
        assert_eq!(shown, "2026-01-01T00:00:00Z INFO  gateway ready port=1");
        assert_eq!(for_people("plain"), "plain");
    }
}
