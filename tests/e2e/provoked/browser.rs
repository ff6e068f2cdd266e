//! Browsers that can't be started or reached.

use super::{ROW, Row, provoke};

const FILE: &str = ".bulkhead/bulkhead.json";

const ROWS: &[Row] = &[
    Row {
        name: "browser-path-wrong",
        trigger: "a browser's path where nothing is",
        files: &[(
            FILE,
            "{ gateway: { port: {base}, auth: { mode: \"token\" } }, secrets: { default: \"file\" }, browser: { executablePath: \"~/no-such-browser\" } }",
        )],
        running: &[&["gateway", "run"]],
        run: &["browser", "start"],
        // The seat opens a moment after the gateway.
        until: Some("answered"),
        ..ROW
    },
    Row {
        name: "browser-attach-refused",
        trigger: "a running browser to attach to that isn't there",
        files: &[(
            FILE,
            "{ gateway: { port: {base}, auth: { mode: \"token\" } }, secrets: { default: \"file\" }, browser: { cdpUrl: \"http://127.0.0.1:{dead}\" } }",
        )],
        running: &[&["gateway", "run"]],
        run: &["browser", "start"],
        // The seat opens a moment after the gateway.
        until: Some("answered"),
        ..ROW
    },
    Row {
        name: "browser-attach-encrypted",
        trigger: "a running browser behind an encrypted address",
        files: &[(
            FILE,
            "{ gateway: { port: {base}, auth: { mode: \"token\" } }, secrets: { default: \"file\" }, browser: { cdpUrl: \"https://127.0.0.1:{dead}\" } }",
        )],
        running: &[&["gateway", "run"]],
        run: &["browser", "start"],
        // The seat opens a moment after the gateway.
        until: Some("answered"),
        ..ROW
    },
    Row {
        name: "browser-attach-malformed",
        trigger: "a running browser's address that is none",
        files: &[(FILE, "{ gateway: { port: {base} }, browser: { cdpUrl: \"nine-two-two-two\" } }")],
        run: &["gateway", "run"],
        exit: 78,
        ..ROW
    },
    Row {
        name: "browser-attach-web-server",
        trigger: "an address to attach to where another web server answers",
        files: &[(
            FILE,
            "{ gateway: { port: {base}, auth: { mode: \"token\" } }, secrets: { default: \"file\" }, browser: { cdpUrl: \"{api}\" } }",
        )],
        running: &[&["gateway", "run"]],
        run: &["browser", "start"],
        // The seat opens a moment after the gateway.
        until: Some("answered"),
        ..ROW
    },
    Row {
        name: "browser-profile-unknown",
        trigger: "a browser of this profile that isn't configured",
        files: &[(
            FILE,
            "{ gateway: { port: {base}, auth: { mode: \"token\" } }, secrets: { default: \"file\" } }",
        )],
        running: &[&["gateway", "run"]],
        run: &["browser", "start", "--browser-profile", "nobody"],
        until: Some("answered"),
        ..ROW
    },
    Row {
        name: "browser-port-outside",
        trigger: "a browser's port in another profile's range: allowed, and told",
        before: &[&["setup", "--port", "{base}"], &["--profile", "rescue", "setup", "--port", "{other}"]],
        run: &["--profile", "rescue", "config", "set", "browser.profiles.work.cdpPort", "{near}"],
        exit: 0,
        ..ROW
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn browsers_that_cannot_be_had() {
    provoke(ROWS).await;
}
