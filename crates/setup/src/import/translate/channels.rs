//! `channels`: Telegram comes along with its bots and people, others stay where they are.

use bulkhead_profile::bot_id_of_token;
use bulkhead_secrets::SecretId;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value};

use super::Draft;
use crate::import::line::{ImportArea, ImportLine};

impl Draft<'_, '_> {
    pub(super) fn channels(&mut self) {
        let legacy = self.config.remove("telegram");
        let channels = self.section("channels").map(std::mem::take).unwrap_or_default();
        self.config.remove("channels");
        let mut telegram = legacy;
        for (name, section) in channels {
            match name.as_str() {
                "telegram" => telegram = Some(section),
                "defaults" => {}
                _ => self.say(
                    ImportLine::skipped(
                        ImportArea::Channels,
                        format!("channels.{name}"),
                        "Bulkhead speaks Telegram only; settings and credentials stay in OpenClaw.",
                    )
                    .then(format!("keep OpenClaw running for {name}, or use the app and the web UI")),
                ),
            }
        }
        let mut telegram = match telegram {
            Some(Value::Object(telegram)) => telegram,
            _ => Map::new(),
        };
        self.bots(&mut telegram);
        if telegram.is_empty() {
            return;
        }
        let mut channels = Map::new();
        channels.insert("telegram".to_owned(), Value::Object(telegram));
        self.config.insert("channels".to_owned(), Value::Object(channels));
    }

    fn bots(&mut self, telegram: &mut Map<String, Value>) {
        let before = self.done.secrets.len();
        let given = self.terms.credentials.variables.of_openclaw("TELEGRAM_BOT_TOKEN").is_some();
        let has_bot = telegram.contains_key("botToken") || telegram.contains_key("tokenFile");
        if given && !has_bot {
            telegram.insert("botToken".to_owned(), "${TELEGRAM_BOT_TOKEN}".into());
        }
        self.bot(telegram, "channels.telegram", SecretId::telegram_bot_token());
        people(telegram, "channels.telegram", &mut self.done.lines);
        let accounts = telegram.get_mut("accounts").and_then(Value::as_object_mut).map(std::mem::take);
        if let Some(mut accounts) = accounts {
            for (name, account) in &mut accounts {
                let Some(account) = account.as_object_mut() else { continue };
                let at = format!("channels.telegram.accounts.{name}");
                let id = match name.as_str() {
                    "default" => SecretId::telegram_bot_token(),
                    name => SecretId::telegram_account_token(name),
                };
                self.bot(account, &at, id);
                people(account, &at, &mut self.done.lines);
            }
            telegram.insert("accounts".to_owned(), Value::Object(accounts));
        }
        let bots: Vec<u64> = self.done.secrets[before..]
            .iter()
            .filter_map(|secret| bot_id_of_token(secret.value.expose_secret()))
            .collect();
        if bots.is_empty() {
            return;
        }
        if telegram.get("enabled") == Some(&Value::Bool(false)) {
            return;
        }
        self.handled.insert("channels.telegram.enabled".to_owned());
        if self.terms.take_over {
            self.done.bots = bots;
            self.say(
                ImportLine::taken(ImportArea::Channels, "channels.telegram", "The profile answers its bots from now on.")
                    .then("do not start OpenClaw again with these bots: take them out of it with `openclaw config set channels.telegram.enabled false`"),
            );
        } else {
            telegram.insert("enabled".to_owned(), false.into());
            self.say(
                ImportLine::changed(
                    ImportArea::Channels,
                    "channels.telegram.enabled",
                    "Off for now: Telegram lets only one program answer a bot, and OpenClaw has it.",
                )
                .then(
                    "when OpenClaw is stopped and has `channels.telegram.enabled` false, turn it on with: bulkhead config set channels.telegram.enabled true",
                ),
            );
        }
    }

    fn bot(&mut self, section: &mut Map<String, Value>, at: &str, id: SecretId) {
        let item = format!("{at}.botToken");
        let file = section.remove("tokenFile");
        let given = section.remove("botToken").filter(|token| token.as_str() != Some(""));
        let reference = match (given, file.as_ref().and_then(Value::as_str)) {
            (Some(token), _) => self.secret(&item, &token, id),
            (None, Some(file)) => {
                let found = self.terms.credentials.token_file(file);
                Some(self.found(&item, found, id))
            }
            (None, None) => None,
        };
        if let Some(reference) = reference {
            section.insert("botToken".to_owned(), reference);
        }
    }
}

/// User ids without the channel's name in front; names cannot be proven and are left out.
fn people(section: &mut Map<String, Value>, at: &str, lines: &mut Vec<ImportLine>) {
    let Some(Value::Array(list)) = section.get("allowFrom") else { return };
    let item = format!("{at}.allowFrom");
    let mut kept: Vec<Value> = Vec::new();
    for entry in list {
        let text = match entry {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => continue,
        };
        match user_id(&text) {
            Some(id) => kept.push(id.into()),
            None => lines.push(
                ImportLine::skipped(
                    ImportArea::People,
                    format!("{item}: {text}"),
                    "A name is no proof of who somebody is; only user ids are taken.",
                )
                .then("let that person write to the bot, and approve the code"),
            ),
        }
    }
    section.insert("allowFrom".to_owned(), Value::Array(kept));
}

/// The Telegram user id in an entry of OpenClaw's (`42`, `tg:42`, `telegram:42`), or `*`.
pub(in crate::import) fn user_id(entry: &str) -> Option<String> {
    let id = entry.trim();
    let id = ["telegram:", "tg:"].iter().find_map(|prefix| id.strip_prefix(prefix)).unwrap_or(id);
    let numeric = !id.is_empty()
        && id.len() <= 20
        && id.strip_prefix('-').unwrap_or(id).bytes().all(|b| b.is_ascii_digit());
    (numeric || id == "*").then(|| id.to_owned())
}
