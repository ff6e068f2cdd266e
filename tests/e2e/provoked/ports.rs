//! Ports that are somebody else's, or too close.

use super::{ROW, Row, provoke};

const FILE: &str = ".bulkhead/bulkhead.json";
const GOOD: &str =
    "{ gateway: { port: {base}, auth: { mode: \"none\" } }, secrets: { default: \"file\" } }\n";

const ROWS: &[Row] = &[
    Row {
        name: "port-of-a-stranger",
        trigger: "another program listens on the base port",
        files: &[(FILE, GOOD)],
        run: &["gateway", "run", "--port", "{stranger}"],
        ..ROW
    },
    Row {
        name: "port-of-a-stranger-force",
        trigger: "the same with --force: a stranger is never ended",
        files: &[(FILE, GOOD)],
        run: &["gateway", "run", "--force", "--port", "{stranger}"],
        ..ROW
    },
    Row {
        name: "port-of-another-profile",
        trigger: "another profile's gateway listens on the base port",
        files: &[(FILE, GOOD), (".bulkhead-second/bulkhead.json", GOOD)],
        running: &[&["--profile", "main", "gateway", "run"]],
        run: &["--profile", "second", "gateway", "run"],
        ..ROW
    },
    Row {
        name: "gateway-twice",
        trigger: "this profile's gateway runs already",
        files: &[(FILE, GOOD)],
        running: &[&["gateway", "run"]],
        run: &["gateway", "run"],
        ..ROW
    },
    Row {
        name: "base-too-close",
        trigger: "a second profile 16 ports above the first",
        before: &[&["setup", "--port", "{base}"]],
        run: &["--profile", "rescue", "setup", "--port", "{near}"],
        exit: 78,
        ..ROW
    },
    Row {
        name: "base-overlaps",
        trigger: "a second profile 31 ports above the first: allowed, and told",
        before: &[&["setup", "--port", "{base}"]],
        run: &["--profile", "rescue", "setup", "--port", "{far}"],
        exit: 0,
        ..ROW
    },
    Row {
        name: "base-edit-too-close",
        trigger: "an edit that moves a profile's base port into another's",
        before: &[&["setup", "--port", "{base}"], &["--profile", "rescue", "setup", "--port", "{other}"]],
        run: &["--profile", "rescue", "config", "set", "gateway.port", "{near}"],
        exit: 78,
        ..ROW
    },
    Row {
        name: "not-a-gateway",
        trigger: "what listens there is a web server",
        run: &["health", "--url", "{api}"],
        ..ROW
    },
    Row {
        name: "tls-without-a-server",
        trigger: "an encrypted address where nobody listens",
        run: &["health", "--url", "wss://127.0.0.1:{dead}"],
        ..ROW
    },
    Row {
        name: "tls-to-a-plain-gateway",
        trigger: "an encrypted address of a gateway that isn't",
        files: &[(FILE, GOOD)],
        running: &[&["gateway", "run"]],
        run: &["health", "--url", "wss://127.0.0.1:{base}"],
        ..ROW
    },
    Row {
        name: "no-such-host",
        trigger: "an address without a machine behind it",
        run: &["health", "--url", "ws://no-such-host.invalid:18789"],
        ..ROW
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn ports_of_others() {
    provoke(ROWS).await;
}
