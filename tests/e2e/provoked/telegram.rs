//! Bots that are refused.

use super::{ROW, Row, Scene, provoke};

const BOT_CONFIG: &str = "{ gateway: { port: {base}, auth: { mode: \"none\" } }, secrets: { default: \"file\" },
  channels: { telegram: { apiRoot: \"{api}\", botToken: { source: \"file\", id: \"telegram/bot-token\" } } } }\n";
const DEAD_CONFIG: &str = "{ gateway: { port: {base}, auth: { mode: \"none\" } }, secrets: { default: \"file\" },
  channels: { telegram: { apiRoot: \"http://127.0.0.1:{dead}\", botToken: { source: \"file\", id: \"telegram/bot-token\" } } } }\n";
const FILE: &str = ".bulkhead/bulkhead.json";

fn store(scene: &Scene, token: &str) {
    let out = scene.world.bulkhead_with_input(&["secrets", "set", "telegram/bot-token", "-"], token);
    assert!(out.status.success(), "{}", bulkhead_tests::world::text(&out));
}

const ROWS: &[Row] = &[
    Row {
        name: "bot-token-refused",
        trigger: "onboarding with a token that the Bot API refuses",
        input: "123456789:AAnotABotAtAllButLongEnoughToLookRi",
        run: &[
            "onboard",
            "--non-interactive",
            "--accept-risk",
            "--auth-choice",
            "skip",
            "--telegram-bot-token",
            "-",
            "--telegram-api-root",
            "{api}",
            "--gateway-port",
            "{base}",
            "--secrets",
            "file",
            "--no-install-daemon",
        ],
        ..ROW
    },
    Row {
        name: "bot-token-no-token",
        trigger: "onboarding with something that is no bot token",
        input: "@my_bot",
        run: &[
            "onboard",
            "--non-interactive",
            "--accept-risk",
            "--auth-choice",
            "skip",
            "--telegram-bot-token",
            "-",
            "--telegram-api-root",
            "{api}",
            "--gateway-port",
            "{base}",
            "--secrets",
            "file",
            "--no-install-daemon",
        ],
        ..ROW
    },
    Row {
        name: "bot-api-unreachable",
        trigger: "onboarding with a Bot API that isn't there: told, and set up, because a network comes back",
        input: "{bot}",
        run: &[
            "onboard",
            "--non-interactive",
            "--accept-risk",
            "--auth-choice",
            "skip",
            "--telegram-bot-token",
            "-",
            "--telegram-api-root",
            "http://127.0.0.1:{dead}",
            "--gateway-port",
            "{base}",
            "--secrets",
            "file",
            "--no-install-daemon",
        ],
        exit: 0,
        ..ROW
    },
    Row {
        name: "bot-twice",
        trigger: "one bot in two profiles",
        input: r#"{"version":1,"action":"create","plan":{"secrets":"file","model":null,"profiles":[
            {"name":"one","telegram":{"botToken":"123456789:AAHsecretsecretsecretsecretsecretse"}},
            {"name":"two","telegram":{"botToken":"123456789:AAHsecretsecretsecretsecretsecretse"}}]}}"#,
        run: &["onboard", "--plan", "-"],
        exit: 78,
        ..ROW
    },
    Row {
        name: "bot-of-another-profile",
        trigger: "a bot token that another profile's bot has",
        before: &[
            &[
                "onboard",
                "--non-interactive",
                "--accept-risk",
                "--auth-choice",
                "skip",
                "--telegram-bot-token",
                "{bot}",
                "--telegram-api-root",
                "{api}",
                "--gateway-port",
                "{base}",
                "--secrets",
                "file",
                "--no-install-daemon",
            ],
            &["--profile", "second", "setup", "--port", "{other}"],
        ],
        input: "{bot}",
        run: &["--profile", "second", "secrets", "set", "telegram/bot-token", "-"],
        exit: 78,
        ..ROW
    },
    Row {
        name: "bot-revoked",
        trigger: "a running gateway whose bot was revoked",
        files: &[(FILE, BOT_CONFIG)],
        arrange: |scene| {
            store(scene, &scene.bot.token);
            scene.bot.control.revoke(true);
        },
        running: &[&["gateway", "run"]],
        run: &["channels", "status"],
        until: Some("refused"),
        exit: 0,
        ..ROW
    },
    Row {
        name: "bot-api-away",
        trigger: "a running gateway whose Bot API isn't there",
        files: &[(FILE, DEAD_CONFIG)],
        arrange: |scene| store(scene, &scene.bot.token),
        running: &[&["gateway", "run"]],
        run: &["channels", "status"],
        until: Some("refused"),
        exit: 0,
        ..ROW
    },
    Row {
        name: "pairing-unknown-code",
        trigger: "a pairing code that nobody was given",
        files: &[(FILE, BOT_CONFIG)],
        run: &["pairing", "approve", "telegram", "ABCD2345"],
        ..ROW
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn bots_that_are_refused() {
    provoke(ROWS).await;
}
