//! Configurations that cannot be used: exit 78, and the file untouched.

use super::{ROW, Row, provoke};

const FILE: &str = ".bulkhead/bulkhead.json";
const GOOD: &str =
    "{ gateway: { port: {base}, auth: { mode: \"none\" } }, secrets: { default: \"file\" } }\n";

const ROWS: &[Row] = &[
    Row {
        name: "config-missing",
        trigger: "no configuration",
        run: &["config", "validate"],
        exit: 78,
        ..ROW
    },
    Row {
        name: "config-missing-run",
        trigger: "a gateway without a configuration",
        run: &["gateway", "run"],
        exit: 78,
        ..ROW
    },
    Row {
        name: "config-empty",
        trigger: "an empty configuration",
        files: &[(FILE, "")],
        run: &["gateway", "run"],
        exit: 78,
        ..ROW
    },
    Row {
        name: "config-truncated",
        trigger: "a configuration that was cut off while it was written",
        files: &[(FILE, "{\n  gateway: {\n    port: {base},\n    auth: { mode: \"none\"")],
        run: &["gateway", "run"],
        exit: 78,
        ..ROW
    },
    Row {
        name: "config-syntax",
        trigger: "a comma that is missing",
        files: &[(FILE, "{\n  gateway: {\n    port: {base}\n    bind: \"loopback\"\n  }\n}\n")],
        run: &["gateway", "run"],
        exit: 78,
        ..ROW
    },
    Row {
        name: "config-syntax-validate",
        trigger: "the same, looked at by hand",
        files: &[(FILE, "{\n  gateway: {\n    port: {base}\n    bind: \"loopback\"\n  }\n}\n")],
        run: &["config", "validate"],
        exit: 78,
        ..ROW
    },
    Row {
        name: "config-type",
        trigger: "a port that is a text",
        files: &[(FILE, "{ gateway: { port: \"often\" } }\n")],
        run: &["gateway", "run"],
        exit: 78,
        ..ROW
    },
    Row {
        name: "config-choice",
        trigger: "a word that is none of the choices",
        files: &[(FILE, "{ gateway: { port: {base}, bind: \"everywhere\" } }\n")],
        run: &["gateway", "run"],
        exit: 78,
        ..ROW
    },
    Row {
        name: "config-range",
        trigger: "a port below 1024",
        files: &[(FILE, "{ gateway: { port: 80 } }\n")],
        run: &["config", "validate"],
        exit: 78,
        ..ROW
    },
    Row {
        name: "config-redacted",
        trigger: "a configuration that was saved from a blanked view",
        files: &[(FILE, "{ gateway: { port: {base}, auth: { token: \"__OPENCLAW_REDACTED__\" } } }\n")],
        run: &["gateway", "run"],
        exit: 78,
        ..ROW
    },
    Row {
        name: "config-no-object",
        trigger: "a configuration that is a list",
        files: &[(FILE, "[1, 2]\n")],
        run: &["gateway", "run"],
        exit: 78,
        ..ROW
    },
    Row {
        name: "config-no-text",
        trigger: "a configuration that is no text",
        arrange: |scene| {
            std::fs::create_dir_all(scene.path(".bulkhead")).expect("folder");
            std::fs::write(scene.path(FILE), [0xff, 0xfe, 0, 7]).expect("file");
        },
        run: &["gateway", "run"],
        exit: 78,
        ..ROW
    },
    Row {
        name: "config-folder",
        trigger: "a folder where the configuration should be",
        arrange: |scene| std::fs::create_dir_all(scene.path(FILE)).expect("folder"),
        run: &["gateway", "run"],
        exit: 78,
        ..ROW
    },
    Row {
        name: "config-variable-leads-nowhere",
        trigger: "a variable that names a file which isn't there",
        vars: &[("OPENCLAW_CONFIG_PATH", "{home}/elsewhere.json")],
        run: &["gateway", "run"],
        exit: 78,
        ..ROW
    },
    Row {
        name: "config-port-variable",
        trigger: "a variable that is no port",
        files: &[(FILE, GOOD)],
        vars: &[("BULKHEAD_GATEWAY_PORT", "many")],
        run: &["gateway", "run"],
        exit: 78,
        ..ROW
    },
    Row {
        name: "config-bind-without-host",
        trigger: "an address of one's own that isn't given",
        files: &[(
            FILE,
            "{ gateway: { port: {base}, bind: \"custom\", auth: { mode: \"none\" } }, secrets: { default: \"file\" } }\n",
        )],
        run: &["gateway", "run"],
        exit: 78,
        ..ROW
    },
    Row {
        name: "config-open-to-all",
        trigger: "a gateway for the whole network without a token",
        files: &[(
            FILE,
            "{ gateway: { port: {base}, bind: \"lan\", auth: { mode: \"none\" } }, secrets: { default: \"file\" } }\n",
        )],
        run: &["gateway", "run"],
        exit: 78,
        ..ROW
    },
    Row {
        name: "config-edit-of-broken",
        trigger: "an edit of a broken configuration",
        files: &[(FILE, "{ gateway: { port: 18789 ")],
        run: &["config", "set", "gateway.bind", "lan"],
        exit: 78,
        ..ROW
    },
    Row {
        name: "config-edit-refused",
        trigger: "an edit with a value that can't be",
        files: &[(FILE, GOOD)],
        run: &["config", "set", "gateway.port", "99999"],
        exit: 78,
        ..ROW
    },
    Row {
        name: "config-edit-path",
        trigger: "an edit at a path that is none",
        files: &[(FILE, GOOD)],
        run: &["config", "get", "gateway..port"],
        exit: 2,
        ..ROW
    },
    Row {
        name: "config-not-set",
        trigger: "a value that isn't set",
        files: &[(FILE, GOOD)],
        run: &["config", "get", "gateway.bind"],
        ..ROW
    },
    Row {
        name: "config-no-good-version",
        trigger: "a way back without a version to go back to",
        files: &[(FILE, "{ broken")],
        run: &["config", "rollback"],
        exit: 78,
        ..ROW
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn broken_configurations() {
    provoke(ROWS).await;
}
