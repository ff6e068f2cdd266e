//! Places that cannot be written or are somebody else's.

use super::{ROW, Row, provoke};

const FILE: &str = ".bulkhead/bulkhead.json";
const GOOD: &str =
    "{ gateway: { port: {base}, auth: { mode: \"none\" } }, secrets: { default: \"file\" } }\n";

const ROWS: &[Row] = &[
    Row {
        name: "place-openclaw",
        trigger: "a state directory of an OpenClaw",
        files: &[(".openclaw/openclaw.json", "{}")],
        vars: &[("OPENCLAW_STATE_DIR", "~/.openclaw")],
        run: &["setup"],
        exit: 78,
        ..ROW
    },
    Row {
        name: "place-openclaw-run",
        trigger: "a gateway in a state directory of an OpenClaw",
        files: &[(".openclaw/openclaw.json", "{}")],
        vars: &[("OPENCLAW_STATE_DIR", "~/.openclaw")],
        run: &["gateway", "run"],
        exit: 78,
        ..ROW
    },
    Row {
        name: "place-of-another-profile",
        trigger: "a state directory that says it is another profile's",
        before: &[&["--profile", "rescue", "setup", "--port", "{base}"]],
        arrange: |_| {},
        run: &["--profile", "main", "--state-dir", "~/.bulkhead-rescue", "gateway", "run"],
        exit: 78,
        ..ROW
    },
    Row {
        name: "place-below-a-file",
        trigger: "a state directory below a file",
        files: &[("a-file", "")],
        run: &["setup", "--state-dir", "~/a-file/state"],
        exit: 78,
        ..ROW
    },
    Row {
        name: "place-read-only",
        trigger: "a state directory that the system lets nobody make",
        run: &["setup", "--state-dir", "/proc/bulkhead"],
        exit: 78,
        ..ROW
    },
    Row {
        name: "place-is-a-file",
        trigger: "a file where the state directory should be",
        files: &[(".bulkhead", "")],
        run: &["gateway", "run"],
        exit: 78,
        ..ROW
    },
    Row {
        name: "workspace-is-a-file",
        trigger: "a file where the workspace should be",
        files: &[("notes", "")],
        run: &["setup", "--port", "{base}", "--workspace", "~/notes"],
        ..ROW
    },
    Row {
        name: "database-is-a-folder",
        trigger: "a folder where the database should be",
        files: &[(FILE, GOOD)],
        arrange: |scene| std::fs::create_dir_all(scene.path(".bulkhead/bulkhead.sqlite")).expect("folder"),
        run: &["gateway", "run"],
        ..ROW
    },
    Row {
        name: "database-broken",
        trigger: "a database that is none",
        files: &[(FILE, GOOD)],
        arrange: |scene| std::fs::write(scene.path(".bulkhead/bulkhead.sqlite"), [b'x'; 8192]).expect("file"),
        run: &["gateway", "run"],
        ..ROW
    },
    Row {
        name: "profile-exists",
        trigger: "a profile that exists already",
        before: &[&["profiles", "create", "second"]],
        run: &["profiles", "create", "second"],
        ..ROW
    },
    Row {
        name: "profile-missing",
        trigger: "a profile that doesn't exist",
        run: &["profiles", "remove", "second", "--yes"],
        ..ROW
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn places_that_cannot_be() {
    provoke(ROWS).await;
}
