//! Who was let in: approvals that OpenClaw keeps outside of its configuration.

use std::collections::BTreeSet;
use std::path::Path;

use bulkhead_profile::files;
use rusqlite::Connection;
use serde_json::Value;

use super::database::has_table;
use super::translate::user_id;

const LIMIT: u64 = 4 * 1024 * 1024;
const CHANNEL: &str = "telegram";

/// Somebody whom the owner approved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LetIn {
    /// The bot.
    pub(super) account: String,
    /// The Telegram user id.
    pub(super) sender: String,
}

/// Everybody who was approved on Telegram: out of the database, and out of the files of earlier versions.
pub(super) fn gather(state: Option<&Connection>, state_dir: &Path) -> BTreeSet<LetIn> {
    let mut people = BTreeSet::new();
    if let Some(state) = state.filter(|state| has_table(state, "channel_pairing_allow_entries")) {
        let read = || -> rusqlite::Result<Vec<(String, String)>> {
            let mut statement = state.prepare(
                "SELECT account_id, entry FROM channel_pairing_allow_entries WHERE channel_key = ?1",
            )?;
            let rows = statement.query_map([CHANNEL], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        };
        for (account, entry) in read().unwrap_or_default() {
            people.extend(let_in(&account, &entry));
        }
    }
    let entries = std::fs::read_dir(state_dir.join("credentials")).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let account =
            name.to_str().and_then(|name| name.strip_prefix(CHANNEL)?.strip_suffix("-allowFrom.json"));
        let Some(account) = account else { continue };
        let account = account.strip_prefix('-').filter(|account| !account.is_empty()).unwrap_or("default");
        let content: Value = files::read_limited(&entry.path(), LIMIT)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        for entry in content.get("allowFrom").and_then(Value::as_array).into_iter().flatten() {
            let text = entry.as_str().map_or_else(|| entry.to_string(), str::to_owned);
            people.extend(let_in(account, &text));
        }
    }
    people
}

fn let_in(account: &str, entry: &str) -> Option<LetIn> {
    let sender = user_id(entry).filter(|id| id != "*")?;
    Some(LetIn { account: account.to_owned(), sender })
}
