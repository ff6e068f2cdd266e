//! The real command line against both gateways: the same exit codes, and answers of the same shape.

use std::collections::BTreeMap;
use std::sync::Arc;

use bulkhead_tests::world::text;
use serde_json::Value;

use super::{Scene, Side};
use crate::exceptions::Exceptions;
use crate::shape::Shape;

/// One command; `{name}` stands for what an earlier one left, `{url}`, `{token}` and `{port}` for the gateway's.
struct Row {
    /// Its name in `exceptions.toml`: `cli NAME`.
    name: &'static str,
    args: &'static str,
    /// Something of the answer that later rows need: its name and where it stands.
    keep: Option<(&'static str, &'static str)>,
}

const fn row(name: &'static str, args: &'static str) -> Row {
    Row { name, args, keep: None }
}

/// `_` stands for a space inside an argument.
const ROWS: &[Row] = &[
    row("gateway probe", "gateway probe --json --url {url} --token {token}"),
    row("gateway status", "gateway status --require-rpc --json --url {url} --token {token}"),
    row("gateway call health", "gateway call health --json"),
    row("health", "health --json"),
    row("status", "status --json"),
    row("status in words", "status"),
    row("logs", "logs --json --limit 5"),
    row("system presence", "system presence --json"),
    row("system event", "system event --text looked_at_the_bench --mode next-heartbeat --json"),
    row("system heartbeat last", "system heartbeat last --json"),
    row("agent", "agent --message ECHO_one --session-id bench-1 --json"),
    row("sessions.list", "gateway call sessions.list --params {} --json"),
    Row {
        name: "cron add",
        args: "cron add --name bench --cron 0_5_*_*_* --message ECHO_two --session isolated --no-deliver --json",
        keep: Some(("job", "/id")),
    },
    row("cron list", "cron list --json"),
    row("cron list in words", "cron list"),
    row("cron status", "cron status --json"),
    row("cron run", "cron run {job} --json"),
    row("cron runs", "cron runs --id {job} --json"),
    row("cron rm", "cron rm {job} --json"),
    row("cron rm again", "cron rm {job} --json"),
    row("devices list", "devices list --json"),
    row("devices approve", "devices approve {request} --json"),
    row("devices approve again", "devices approve {request} --json"),
    row("nodes status", "nodes status --json"),
    row("nodes list", "nodes list --json"),
    row("approvals get", "approvals get --gateway --json"),
    row("channels status", "channels status --json"),
    row("channels status in words", "channels status"),
    row("models list", "models list --json"),
    row("skills list", "skills list --json"),
    // Theirs reads all transcripts for it, which takes a busy machine longer than its own patience.
    row("gateway usage-cost", "gateway usage-cost --json --timeout 120000"),
    row("unknown method", "gateway call no.such.method --json"),
    row("wrong parameters", "gateway call chat.history --params {\"limit\":true} --json"),
    row("wrong token", "gateway call health --json --url {url} --token nonsense"),
];

/// What one command did.
struct Outcome {
    code: Option<i32>,
    answer: Option<Value>,
    said: String,
}

fn run(scene: &Scene, side: &Side, row: &Row, kept: &mut BTreeMap<&'static str, String>) -> Outcome {
    // Just before it is used: a request lives for minutes.
    if row.args.contains("{request}") && !kept.contains_key("request") {
        kept.insert("request", side.knock());
    }
    let args: Vec<String> = row
        .args
        .split(' ')
        .map(|arg| {
            let mut arg = arg.replace("{url}", &format!("ws://127.0.0.1:{}", side.port));
            arg = arg.replace("{token}", &side.token);
            for (name, value) in kept.iter() {
                arg = arg.replace(&format!("{{{name}}}"), value);
            }
            if arg.starts_with("ws://") || arg.starts_with('{') { arg } else { arg.replace('_', " ") }
        })
        .collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let begun = std::time::Instant::now();
    let out = side.command(&scene.openclaw, &args).output().expect("node starts");
    println!("{}: {} ({} ms)", side.name, row.name, begun.elapsed().as_millis());
    let stdout = String::from_utf8_lossy(&out.stdout).into_owned();
    let answer = row.args.contains("--json").then(|| read(&stdout)).flatten();
    if let (Some((name, at)), Some(answer)) = (row.keep, &answer) {
        kept.insert(name, answer.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned());
    }
    Outcome { code: out.status.code(), answer, said: text(&out) }
}

/// JSON, or a list of JSON lines.
fn read(stdout: &str) -> Option<Value> {
    serde_json::from_str(stdout).ok().or_else(|| {
        stdout.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>().ok().map(Value::Array)
    })
}

fn all(scene: &Scene, side: &Side) -> Vec<Outcome> {
    let mut kept = BTreeMap::new();
    ROWS.iter().map(|row| run(scene, side, row, &mut kept)).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a real OpenClaw: cargo xtask conformance"]
async fn real_openclaw_commands_answer_alike_on_both_gateways() {
    let scene = Arc::new(Scene::new().await);
    let sides = ["ours", "theirs"].map(|name| {
        let scene = Arc::clone(&scene);
        tokio::task::spawn_blocking(move || {
            let side = if name == "ours" { &scene.ours } else { scene.theirs.as_ref().expect("both") };
            all(&scene, side)
        })
    });
    let [ours, theirs] = sides;
    let (ours, theirs) = (ours.await.expect("ours"), theirs.await.expect("theirs"));

    let mut exceptions = Exceptions::load();
    let mut problems = Vec::new();
    println!("{:28} {:>5} {:>7}  differences", "command", "ours", "theirs");
    for ((row, ours), theirs) in ROWS.iter().zip(&ours).zip(&theirs) {
        let at = format!("cli {}", row.name);
        let mut found = Vec::new();
        let code = |outcome: &Outcome| outcome.code.map_or("-".to_owned(), |code| code.to_string());
        if ours.code != theirs.code {
            let last = |said: &str| said.lines().rev().take(6).collect::<Vec<_>>().join(" / ");
            found.push(format!(
                "exit code; ours says {:?}, theirs {:?}",
                last(&ours.said),
                last(&theirs.said)
            ));
        }
        match (&ours.answer, &theirs.answer) {
            (Some(ours), Some(theirs)) => {
                let differences = exceptions.compare(&at, &Shape::of(ours), &Shape::of(theirs));
                found.extend(differences.iter().map(ToString::to_string));
            }
            (None, None) => {}
            (ours, _) => {
                found.push(format!("JSON only from {}", if ours.is_some() { "ours" } else { "theirs" }));
            }
        }
        println!("{:28} {:>5} {:>7}  {}", row.name, code(ours), code(theirs), found.len());
        problems.extend(found.into_iter().map(|problem| format!("{at}: {problem}")));
    }
    let unneeded = exceptions.unneeded().into_iter();
    problems.extend(unneeded.map(|one| format!("this exception is needed no more: {one}")));
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}
