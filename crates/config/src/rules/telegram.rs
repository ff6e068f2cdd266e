//! Rules about the accounts of Telegram.

use serde_json::Value;

use super::path;
use crate::path::ConfigPath;
use crate::validate::Checker;

pub(super) fn check(checker: &mut Checker<'_>, value: &Value) {
    let base = path(&["channels", "telegram"]);
    let Some(telegram) = value.pointer("/channels/telegram") else { return };
    dm_policy(checker, &base, telegram, None);
    let accounts = telegram.get("accounts").and_then(Value::as_object);
    for (name, account) in accounts.into_iter().flatten() {
        dm_policy(checker, &base.key("accounts").key(name), account, Some(telegram));
    }
    one_bot_each(checker, &base, telegram);
    default_account(checker, &base, telegram);
}

/// Two accounts with one bot would take each other's messages away. Bots are told apart by where their token is; that
/// two secrets hold the same one is found when they are read.
fn one_bot_each(checker: &mut Checker<'_>, base: &ConfigPath, telegram: &Value) {
    let accounts = telegram.get("accounts").and_then(Value::as_object);
    let mut seen: Vec<(&Value, String)> = Vec::new();
    let own = accounts.is_none_or(|accounts| !accounts.contains_key("default"));
    seen.extend(
        own.then(|| telegram.get("botToken")).flatten().map(|token| (token, "channels.telegram".to_owned())),
    );
    for (name, account) in accounts.into_iter().flatten() {
        let on = account.get("enabled").and_then(Value::as_bool) != Some(false);
        let Some(token) = account.get("botToken").filter(|_| on) else { continue };
        let at = base.key("accounts").key(name);
        match seen.iter().find(|(known, _)| same_secret(known, token)) {
            Some((_, first)) => checker.error(
                &at.key("botToken"),
                format!("the bot that {first} has too"),
                "a bot of its own for every account",
                "Make another bot with @BotFather, or switch one of the accounts off with enabled: false.",
            ),
            None => seen.push((token, at.to_string())),
        }
    }
}

fn same_secret(a: &Value, b: &Value) -> bool {
    let part = |value: &Value, key: &str| value.get(key).cloned();
    if !a.is_object() || !b.is_object() {
        return a == b;
    }
    ["source", "id"].iter().all(|key| part(a, key) == part(b, key))
        && part(a, "provider").unwrap_or_default() == part(b, "provider").unwrap_or_default()
}

fn default_account(checker: &mut Checker<'_>, base: &ConfigPath, telegram: &Value) {
    let Some(named) = telegram.get("defaultAccount").and_then(Value::as_str) else { return };
    let known = telegram.get("accounts").and_then(|accounts| accounts.get(named)).is_some();
    if !known && named != "default" {
        checker.warn(
            &base.key("defaultAccount"),
            format!("the account `{named}`, which is not there"),
            "the name of an account in channels.telegram.accounts",
            "Correct the name, or leave it out.",
        );
    }
}

fn dm_policy(checker: &mut Checker<'_>, at: &ConfigPath, account: &Value, parent: Option<&Value>) {
    let inherited = |key: &str| account.get(key).or_else(|| parent.and_then(|parent| parent.get(key)));
    let ids = inherited("allowFrom").and_then(Value::as_array);
    let count = ids.map_or(0, Vec::len);
    let star = ids.is_some_and(|ids| ids.iter().any(|id| id.as_str() == Some("*")));
    match inherited("dmPolicy").and_then(Value::as_str) {
        Some("allowlist") if count == 0 => checker.error(
            &at.key("allowFrom"),
            "no user id under dmPolicy \"allowlist\"".to_owned(),
            "at least one user id in allowFrom",
            "Add your Telegram user id to allowFrom, or use dmPolicy \"pairing\".",
        ),
        Some("open") if !star => checker.error(
            &at.key("allowFrom"),
            "dmPolicy \"open\" without \"*\" in allowFrom".to_owned(),
            "allowFrom: [\"*\"], which says plainly that everybody may write",
            "Write allowFrom: [\"*\"], or use dmPolicy \"pairing\".",
        ),
        _ => {}
    }
}
