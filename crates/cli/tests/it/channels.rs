//! `bulkhead channels …` and `bulkhead message …`, without a Telegram.

use serde_json::json;

use crate::home::{Home, free_base};

const BOT: &str = "123456789:AAHplantedplantedplantedplantedplant";
const OTHER: &str = "987654321:AAHplantedplantedplantedplantedplant";

fn home() -> Home {
    let home = Home::new();
    home.run(&["setup", "--port", &free_base().to_string()]).ok();
    home.run(&["config", "set", "secrets.default", "file"]).ok();
    home
}

fn shown(name: &str, home: &Home, words: &[&str]) {
    insta::assert_snapshot!(format!("channels-{name}"), home.run(words).shown());
}

fn add(home: &Home, token: &str, more: &[&str]) -> crate::home::Done {
    let words = [&["channels", "add", "telegram", "--token", "-", "--no-check", "--json"], more].concat();
    home.run_with_input(&words, token)
}

#[test]
fn accounts_are_added_listed_switched_off_and_taken_out() {
    let home = home();
    shown("list-none", &home, &["channels", "list"]);
    let added = add(&home, BOT, &["--name", "Front desk"]).ok();
    assert_eq!(added.json()["secret"], json!({"id": "telegram/bot-token", "source": "file"}));
    add(&home, OTHER, &["--account", "ops"]).ok();
    assert!(!home.read(".bulkhead/bulkhead.json").contains("AAHplanted"));
    shown("list", &home, &["channels", "list"]);
    let list = home.run(&["channels", "list", "--json"]).ok().json();
    assert_eq!(list["chat"]["telegram"]["accounts"], json!(["default", "ops"]));
    shown("remove-nobody-to-ask", &home, &["channels", "remove", "telegram", "--account", "ops"]);
    shown("remove-off", &home, &["channels", "remove", "telegram", "--account", "ops", "--yes"]);
    shown(
        "remove-deleted",
        &home,
        &["channels", "remove", "--channel", "telegram", "--account", "ops", "--delete"],
    );
    shown("remove-unknown", &home, &["channels", "remove", "telegram", "--account", "ops", "--delete"]);
    let secrets = home.run(&["secrets", "list", "--json"]).ok().out;
    assert!(!secrets.contains("telegram/ops") && secrets.contains("telegram/bot-token"), "{secrets}");
    shown("capabilities", &home, &["channels", "capabilities"]);
    let told = home.run(&["channels", "status", "--json"]).ok().json();
    assert_eq!(
        (&told["gatewayReachable"], &told["configuredChannels"]),
        (&json!(false), &json!(["telegram"]))
    );
}

#[test]
fn no_two_accounts_and_no_two_profiles_have_one_bot() {
    let home = home();
    add(&home, BOT, &[]).ok();
    let twice = add(&home, BOT, &["--account", "ops"]);
    assert_eq!((twice.code, &twice.json()["error"]["code"]), (78, &json!("bot-twice")), "{twice:?}");
    add(&home, OTHER, &["--account", "ops"]).ok();

    home.run(&["--profile", "rescue", "setup"]).ok();
    // Whichever account of the neighbour has the bot, and however the token comes.
    for (token, id) in [(BOT, "telegram/bot-token"), (OTHER, "telegram/two/bot-token")] {
        let words = ["--profile", "rescue", "secrets", "set", id, "-", "--store", "file", "--json"];
        let shared = home.run_with_input(&words, token);
        assert_eq!((shared.code, &shared.json()["error"]["code"]), (78, &json!("bot-shared")), "{shared:?}");
    }
    let words =
        ["--profile", "rescue", "config", "set", "channels.telegram.accounts.two.botToken", "-", "--json"];
    let shared = home.run_with_input(&words, OTHER);
    assert_eq!(shared.json()["error"]["code"], "bot-shared", "{shared:?}");
    assert!(!shared.shown().contains("AAHplanted"));
}

#[test]
fn wrong_words_about_channels_and_messages() {
    let home = home();
    shown("add-nobody-to-ask", &home, &["channels", "add", "telegram"]);
    shown("add-account-name", &home, &["channels", "add", "telegram", "--account", "Ops!"]);
    shown("add-env-missing", &home, &["channels", "add", "telegram", "--use-env"]);
    shown("unknown-channel", &home, &["channels", "add", "discord"]);
    shown("message-empty", &home, &["message", "send", "--target", "1", "--message", " "]);
    shown("message-dry-run", &home, &["message", "send", "-t", "telegram:-100", "-m", "hello", "--dry-run"]);
}

#[test]
fn a_gateway_without_that_channel_says_so() {
    let home = Home::new();
    let port = free_base();
    home.write(
        ".bulkhead/bulkhead.json",
        &format!("{{ gateway: {{ port: {port} }}, secrets: {{ default: \"file\" }} }}\n"),
    );
    let _gateway = home.gateway(&["gateway"]);
    for words in [
        &["channels", "start", "telegram"][..],
        &["channels", "stop", "telegram"],
        &["channels", "logout", "telegram"],
    ] {
        let refused = home.run(&[words, &["--json"]].concat());
        assert_eq!(
            (refused.code, &refused.json()["error"]["details"]["code"]),
            (1, &json!("INVALID_REQUEST"))
        );
    }
    let refused = home.run(&["message", "send", "-t", "42", "-m", "hello", "--json"]);
    assert_eq!(refused.code, 1, "{refused:?}");
}
