//! `bulkhead channels list` and `capabilities`: what the configuration has, and what the program can. Asks nobody.

use std::collections::BTreeMap;

use bulkhead_config::Telegram;
use serde_json::{Value, json};

use crate::context::{Context, config};
use crate::error::Failure;
use crate::grammar::channels::Channel;
use crate::output::table;

/// What can be done in a Telegram chat.
const TELEGRAM: &[(&str, &str)] = &[
    ("edit", "answers appear while they are written"),
    ("reply", "an answer stands under the message that it is for"),
    ("groups", "groups that the configuration names, when the bot is mentioned"),
    ("pictures", "pictures that somebody sends are shown to models that see"),
    ("nativeCommands", "a menu of commands"),
    ("buttons", "approvals and remedies by a tap"),
];

/// One account as the configuration has it.
struct Row {
    account: String,
    name: Option<String>,
    configured: bool,
    enabled: bool,
}

fn rows(telegram: &Telegram) -> Vec<Row> {
    let on = telegram.enabled.unwrap_or(true);
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    if telegram.bot_token.is_some() {
        rows.insert(
            "default",
            Row { account: "default".to_owned(), name: telegram.name.clone(), configured: true, enabled: on },
        );
    }
    for (account, own) in &telegram.accounts {
        rows.insert(
            account,
            Row {
                account: account.clone(),
                name: own.name.clone(),
                configured: own.bot_token.is_some(),
                enabled: on && own.enabled.unwrap_or(true),
            },
        );
    }
    rows.into_values().collect()
}

pub(super) fn run(context: &Context, all: bool) -> Result<(), Failure> {
    let rows = rows(&config(&context.place()?)?.config.channels.telegram);
    let mut chat = json!({});
    if !rows.is_empty() || all {
        let ids: Vec<&str> = rows.iter().map(|row| row.account.as_str()).collect();
        let details: Vec<Value> = rows
            .iter()
            .map(|row| {
                json!({"accountId": row.account, "name": row.name, "configured": row.configured, "enabled": row.enabled})
            })
            .collect();
        chat["telegram"] = json!({
            "accounts": ids, "label": "Telegram", "installed": true,
            "origin": if ids.is_empty() { "available" } else { "configured" }, "accountDetails": details,
        });
    }
    context.out.result(&json!({"chat": chat}), || {
        if rows.is_empty() {
            return "No channel is configured; `bulkhead channels add telegram` adds a bot.".to_owned();
        }
        let lines = rows.iter().map(|row| {
            let state = match (row.configured, row.enabled) {
                (false, _) => "no token",
                (true, false) => "off",
                (true, true) => "on",
            };
            [
                "Telegram".to_owned(),
                row.account.clone(),
                row.name.clone().unwrap_or_default(),
                state.to_owned(),
            ]
        });
        table::rows(["channel", "account", "name", "state"], lines)
    });
    Ok(())
}

pub(super) fn capabilities(context: &Context, channel: Option<Channel>) -> Result<(), Failure> {
    let telegram = &config(&context.place()?)?.config.channels.telegram;
    let rows = rows(telegram);
    let support: serde_json::Map<String, Value> =
        TELEGRAM.iter().map(|(name, _)| ((*name).to_owned(), true.into())).collect();
    let named: Vec<&Row> = rows.iter().collect();
    let accounts: Vec<Value> = named
        .iter()
        .map(|row| {
            json!({
                "channel": "telegram", "accountId": row.account, "configured": row.configured,
                "enabled": row.enabled, "support": support, "actions": ["send"],
            })
        })
        .collect();
    // A channel that was asked for by name is told of without an account, too.
    let shown = if accounts.is_empty() && channel.is_some() {
        vec![json!({"channel": "telegram", "configured": false, "support": support, "actions": ["send"]})]
    } else {
        accounts
    };
    context.out.result(&json!({"channels": shown}), || {
        if shown.is_empty() {
            return "No channel is configured; `bulkhead channels list --all` shows what there is."
                .to_owned();
        }
        let lines = TELEGRAM.iter().map(|(name, what)| [(*name).to_owned(), (*what).to_owned()]);
        format!("Telegram\n{}", table::rows(["can", "that is"], lines))
    });
    Ok(())
}
