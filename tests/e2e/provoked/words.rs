//! Wrong words on the command line: exit 2, and nothing done.

use super::{ROW, Row, provoke};

const ROWS: &[Row] = &[
    Row {
        name: "flag-unknown",
        trigger: "a flag that no command knows",
        run: &["status", "--nope"],
        exit: 2,
        ..ROW
    },
    Row {
        name: "flag-unknown-json",
        trigger: "a flag that no command knows, asked for as JSON",
        run: &["status", "--json", "--nope"],
        exit: 2,
        ..ROW
    },
    Row { name: "command-unknown", trigger: "a misspelt command", run: &["statsu"], exit: 2, ..ROW },
    Row {
        name: "port-no-number",
        trigger: "a port that is a word",
        run: &["gateway", "run", "--port", "many"],
        exit: 2,
        ..ROW
    },
    Row {
        name: "port-privileged",
        trigger: "a base port below 1024",
        run: &["setup", "--port", "80"],
        exit: 2,
        ..ROW
    },
    Row {
        name: "port-too-high",
        trigger: "a base port whose interval ends above 65535",
        run: &["setup", "--port", "65500"],
        exit: 2,
        ..ROW
    },
    Row {
        name: "profile-name",
        trigger: "a profile name with capitals and spaces",
        run: &["--profile", "Not A Name", "status"],
        exit: 2,
        ..ROW
    },
    Row {
        name: "profile-name-reserved",
        trigger: "a profile name that a unit file would collide with",
        run: &["--profile", "gateway", "status"],
        exit: 2,
        ..ROW
    },
    Row {
        name: "profile-name-device",
        trigger: "a profile name that is a device on some system",
        run: &["--profile", "con", "status"],
        exit: 2,
        ..ROW
    },
    Row {
        name: "profile-and-dev",
        trigger: "two profiles at once",
        run: &["--profile", "main", "--dev", "status"],
        exit: 2,
        ..ROW
    },
    Row {
        name: "params-no-json",
        trigger: "parameters that are no JSON",
        run: &["gateway", "call", "health", "--params", "{nope"],
        exit: 2,
        ..ROW
    },
    Row {
        name: "secret-file-missing",
        trigger: "a secret from a file that isn't there",
        run: &["gateway", "health", "--token", "@no-such-file"],
        exit: 2,
        ..ROW
    },
    Row {
        name: "secret-stdin-empty",
        trigger: "a secret from an empty standard input",
        run: &["secrets", "set", "telegram/bot-token", "-"],
        exit: 2,
        ..ROW
    },
    Row {
        name: "url-scheme",
        trigger: "a gateway address with a scheme that is none, and with secrets in it",
        run: &["health", "--url", "ftp://user:hush@host/?token=hush"],
        exit: 2,
        ..ROW
    },
    Row {
        name: "url-malformed",
        trigger: "a gateway address that cannot be parsed",
        run: &["health", "--url", "ws://[::1"],
        exit: 2,
        ..ROW
    },
    Row {
        name: "bind-unknown",
        trigger: "an address to listen on that is no choice",
        run: &["gateway", "run", "--bind", "everywhere"],
        exit: 2,
        ..ROW
    },
    Row {
        name: "nobody-to-ask",
        trigger: "a command with questions, and no terminal",
        run: &["onboard"],
        exit: 2,
        ..ROW
    },
    Row {
        name: "risk-not-accepted",
        trigger: "onboarding without questions and without the word that the risk is known",
        run: &["onboard", "--non-interactive"],
        exit: 2,
        ..ROW
    },
    Row {
        name: "onboard-model-incomplete",
        trigger: "a custom provider without an address",
        run: &[
            "onboard",
            "--non-interactive",
            "--accept-risk",
            "--auth-choice",
            "custom-api-key",
            "--custom-model-id",
            "m",
            "--secrets",
            "file",
        ],
        exit: 2,
        ..ROW
    },
    Row {
        name: "plan-no-json",
        trigger: "a plan that is no JSON",
        input: "{nope",
        run: &["onboard", "--plan", "-", "--json"],
        exit: 2,
        ..ROW
    },
    Row {
        name: "remove-nobody-to-ask",
        trigger: "a removal that nobody confirmed",
        before: &[&["setup", "--port", "{base}"]],
        run: &["profiles", "remove", "main"],
        exit: 2,
        ..ROW
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn wrong_words() {
    provoke(ROWS).await;
}
