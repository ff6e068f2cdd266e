//! `bulkhead channels remove`

use std::cell::Cell;
use std::io::IsTerminal as _;

use bulkhead_config::ConfigPath;
use bulkhead_secrets::SecretId;
use serde_json::json;

use crate::commands::config::edit;
use crate::commands::secrets;
use crate::context::{Context, config};
use crate::error::{FAILED, Failure};
use crate::grammar::channels::Account;
use crate::output::paint;

/// The configuration changes first: the running gateway follows and stops the account before its token is gone.
pub(super) fn run(context: &Context, account: &Account, delete: bool, yes: bool) -> Result<(), Failure> {
    let place = context.place_for_writing()?;
    let telegram = config(&place)?.config.channels.telegram;
    let name = account.name();
    let named = telegram.accounts.contains_key(name);
    let first = !named && name == "default" && telegram.bot_token.is_some();
    if !named && !first {
        let mut known: Vec<&str> = telegram.accounts.keys().map(String::as_str).collect();
        known.extend(telegram.bot_token.is_some().then_some("default"));
        return Err(Failure::usage(format!(
            "no account {name:?} of telegram is configured: expected one of {}; see `bulkhead channels list`",
            if known.is_empty() { "none".to_owned() } else { known.join(", ") }
        )));
    }
    if !delete && !yes {
        confirm(context, name)?;
    }
    let base = ConfigPath::root().key("channels").key("telegram");
    let entry = if named { base.key("accounts").key(name) } else { base.clone() };
    let changed = Cell::new(false);
    edit(context, &place, |document| {
        if !delete {
            document.set_at(&entry.key("enabled"), false.into())?;
            changed.set(true);
        } else if named {
            changed.set(document.unset_at(&entry)?);
        } else {
            // What holds for all accounts stays: only the first one's own go.
            changed.set(document.unset_at(&base.key("botToken"))?);
            document.unset_at(&base.key("name"))?;
        }
        Ok(())
    })?;
    let id = if first { SecretId::telegram_bot_token() } else { SecretId::telegram_account_token(name) };
    let forgotten = delete && secrets::forget(context, &place, &id)?;
    let result = json!({
        "channel": "telegram", "accountId": name, "deleted": delete, "changed": changed.get(), "secretDeleted": forgotten,
    });
    context.out.result(&result, || {
        let account = paint::strong(&format!("telegram {name}"));
        match (delete, forgotten) {
            (false, _) => {
                format!("{account} is off; `bulkhead config set {entry}.enabled true` switches it on")
            }
            (true, true) => format!("{account} is gone, and so is its token"),
            (true, false) => format!("{account} is gone; no token of it was stored here"),
        }
    });
    Ok(())
}

fn confirm(context: &Context, name: &str) -> Result<(), Failure> {
    if context.out.is_json() || !std::io::stdin().is_terminal() {
        return Err(Failure::usage(
            "channels remove asks first: found nobody to ask; add --yes to switch the account off, or --delete to take it out",
        ));
    }
    match cliclack::confirm(format!("Switch telegram {name} off?")).initial_value(true).interact() {
        Ok(true) => Ok(()),
        _ => Err(Failure::new(FAILED, "channels.stopped", "nothing was changed")),
    }
}
