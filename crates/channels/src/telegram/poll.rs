//! Receiving: identify, tidy up, then poll. Every batch is on disk before the next is asked for.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_store::NewUpdate;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::api::{Api, POLL_SECONDS};
use super::dispatch::{Dispatch, RECORD_WAIT};
use super::line::{CHANNEL, Line, Setup, waits};
use super::menus::Menus;
use super::update::{self, Update};
use crate::ChannelError;
use crate::channel::ChannelState;

/// How long a conflict is told after the last one: two programs that take turns would make it flicker.
const CONFLICT_SHOWN: Duration = Duration::from_mins(1);

/// Longest wait after a conflict: two programs that wait longer for each other would each believe for a while that they are
/// alone.
const CONFLICT_WAIT: Duration = Duration::from_secs(10);

/// Between two polls while nothing can be recorded.
const UNRECORDED_EVERY: Duration = Duration::from_secs(1);

/// How often a token is checked while a poll waits, where that is wanted.
const TOKEN_CHECK_EVERY: Duration = Duration::from_secs(4);

/// How often old updates are forgotten, how long they are kept, and how many of an account in any case.
const FORGET_EVERY: Duration = Duration::from_hours(24);
const KEPT_MS: i64 = 14 * 24 * 60 * 60 * 1000;
const KEPT_AT_LEAST: usize = 1000;

/// Keys of an update that is kept though nothing will answer it: its number is enough.
const NUMBER: &str = "update_id";

/// Receives until the line stops or is set up anew; then begins again with the new setup.
pub(super) async fn run(line: Arc<Line>, dispatch: Arc<Dispatch>) {
    let mut setups = line.setup.subscribe();
    loop {
        let setup = setups.borrow_and_update().clone();
        let connection = setup.settings.clone();
        tokio::select! {
            () = line.drain.cancelled() => return,
            () = receive(&line, &dispatch, &setup) => {}
            () = changed_connection(&mut setups, &connection) => {}
        }
    }
}

/// Ends when settings arrive that need another connection; mere rules are read where they are needed.
async fn changed_connection(
    setups: &mut tokio::sync::watch::Receiver<Arc<Setup>>,
    connection: &super::settings::TelegramSettings,
) {
    loop {
        if setups.changed().await.is_err() {
            return std::future::pending().await;
        }
        if !setups.borrow().settings.same_connection(connection) {
            return;
        }
    }
}

async fn receive(line: &Line, dispatch: &Arc<Dispatch>, setup: &Setup) {
    let Some(api) = &setup.api else { return std::future::pending().await };
    take_up(line, dispatch).await;
    if !identify(line, api).await {
        // Only other settings can help.
        return std::future::pending().await;
    }
    tidy_up(api, setup.settings.menus).await;
    let mut waiting = waits();
    let mut hold = 0;
    let mut conflict: Option<Instant> = None;
    let mut forgotten: Option<Instant> = None;
    let mut memory = Memory::default();
    loop {
        if forgotten.is_none_or(|at| at.elapsed() > FORGET_EVERY) {
            forgotten = Some(Instant::now());
            forget_old(line).await;
        }
        let polled = tokio::select! {
            polled = poll(line, dispatch, api, hold, &mut memory) => polled,
            error = rejected(line, api) => Err(error),
        };
        match polled {
            Ok(()) => {
                waiting = waits();
                hold = POLL_SECONDS;
                if conflict.is_none_or(|since| since.elapsed() > CONFLICT_SHOWN) {
                    conflict = None;
                    tell_connected(line);
                }
            }
            Err(error) if error.needs_a_person() => {
                line.tell_trouble(&error);
                return std::future::pending().await;
            }
            Err(error) => {
                line.tell_trouble(&error);
                if matches!(error, ChannelError::Conflict { .. }) {
                    conflict = Some(Instant::now());
                    if let Err(error) = api.delete_webhook().await {
                        tracing::debug!(channel = CHANNEL, "{error}");
                    }
                }
                let wait = match error {
                    ChannelError::TooMany { seconds, .. } => Duration::from_secs(seconds),
                    ChannelError::Conflict { .. } => {
                        waiting.next().unwrap_or(CONFLICT_WAIT).min(CONFLICT_WAIT)
                    }
                    // Presses and commands are handed out all the same, and soon.
                    ChannelError::Store(_) => UNRECORDED_EVERY,
                    _ => waiting.next().unwrap_or(Duration::from_secs(30)),
                };
                tokio::time::sleep(wait).await;
                if conflict.is_none() {
                    // Whether it works again is known at once, and not when the next message comes.
                    hold = 0;
                }
            }
        }
    }
}

/// Resolves when the server no longer takes the token, although a poll still waits. Other troubles are the poll's to
/// tell: one lost question is no outage.
async fn rejected(line: &Line, api: &Api) -> ChannelError {
    loop {
        tokio::time::sleep(TOKEN_CHECK_EVERY).await;
        if !line.setup.borrow().settings.token_check {
            continue;
        }
        match api.get_me().await {
            Err(error) if error.needs_a_person() => return error,
            _ => {}
        }
    }
}

/// What must be known of earlier polls while nothing can be recorded.
#[derive(Debug, Default)]
struct Memory {
    /// The last offset that could be read.
    offset: Option<i64>,
    /// Updates that were handed out without a record, by number.
    handed_out: BTreeSet<i64>,
}

/// Hands out what was recorded and not answered: before a crash, or before the connection changed.
async fn take_up(line: &Line, dispatch: &Arc<Dispatch>) {
    let pending = loop {
        match line.store.inbox().pending(CHANNEL, &line.settings_account()).await {
            Ok(pending) => break pending,
            Err(error) => tracing::error!(channel = CHANNEL, code = error.code(), "{error}"),
        }
        tokio::time::sleep(RECORD_WAIT).await;
    };
    for row in pending {
        dispatch.hand_out(row).await;
    }
}

/// Answered updates are kept a while, to recognise repetitions, and not for ever.
async fn forget_old(line: &Line) {
    let kept_since = line.store.now().saturating_sub(KEPT_MS);
    match line.store.inbox().prune(kept_since, KEPT_AT_LEAST).await {
        Ok(0) => {}
        Ok(count) => tracing::debug!(channel = CHANNEL, count, "old updates were forgotten"),
        Err(error) => tracing::warn!(channel = CHANNEL, code = error.code(), "{error}"),
    }
}

/// Asks who the bot is, as long as it takes; false when only a person can help.
async fn identify(line: &Line, api: &Api) -> bool {
    let mut waiting = waits();
    loop {
        match api.get_me().await {
            Ok(bot) => {
                tracing::info!(
                    channel = CHANNEL,
                    bot = bot.id,
                    username = bot.username.as_deref(),
                    "identified"
                );
                line.status.send_modify(|status| status.bot = Some(bot));
                return true;
            }
            Err(error) => {
                line.tell_trouble(&error);
                if error.needs_a_person() {
                    return false;
                }
                let wait = match error {
                    ChannelError::TooMany { seconds, .. } => Duration::from_secs(seconds),
                    _ => waiting.next().unwrap_or(Duration::from_secs(30)),
                };
                tokio::time::sleep(wait).await;
            }
        }
    }
}

/// A webhook would take the updates away; an old menu would offer commands that are gone. Neither stops the bot.
async fn tidy_up(api: &Api, menus: Menus) {
    let tidied = async {
        api.delete_webhook().await?;
        api.set_commands(menus.private, menus.groups).await
    };
    if let Err(error) = tidied.await {
        tracing::warn!(channel = CHANNEL, code = error.code(), "{error}");
    }
}

fn tell_connected(line: &Line) {
    let detail = match line.bot().and_then(|bot| bot.username) {
        Some(username) => format!("connected as @{username}"),
        None => "connected".into(),
    };
    line.tell(ChannelState::Connected, None, &detail);
}

async fn poll(
    line: &Line,
    dispatch: &Arc<Dispatch>,
    api: &Api,
    hold: u32,
    memory: &mut Memory,
) -> Result<(), ChannelError> {
    let account = line.settings_account();
    let inbox = line.store.inbox();
    if let Ok(offset) = inbox.offset(CHANNEL, &account).await {
        memory.offset = offset;
    }
    let updates = api.get_updates(memory.offset, hold).await?;
    let mut updates: Vec<NewUpdate> = updates.into_iter().filter_map(recordable).collect();
    for update in &mut updates {
        update.ignore |= memory.handed_out.contains(&update.update_id);
    }
    if updates.is_empty() {
        return Ok(());
    }
    match inbox.record_all(CHANNEL, &account, updates.clone()).await {
        Ok(rows) => {
            memory.handed_out.clear();
            for row in rows {
                line.note_inbound();
                dispatch.hand_out(row).await;
            }
            Ok(())
        }
        Err(error) => {
            // Nothing is acknowledged, so nothing is lost: the server gives all of it again. What repairs a full disk
            // must not wait for room on it.
            for update in updates.into_iter().filter(|update| !update.ignore) {
                let read = update::read(&update.payload);
                if dispatch.hand_out_unrecorded(&account, update.update_id, read) {
                    memory.handed_out.insert(update.update_id);
                }
            }
            Err(error.into())
        }
    }
}

/// What is recorded of an update. One without a number cannot be acknowledged, and is left out.
fn recordable(update: Value) -> Option<NewUpdate> {
    let Some(update_id) = update::number(&update) else {
        tracing::warn!(channel = CHANNEL, "an update without number was left out");
        return None;
    };
    Some(match update::read(&update) {
        Update::Message(_) | Update::Press(_) => NewUpdate { update_id, payload: update, ignore: false },
        Update::Other(kind) => {
            tracing::debug!(channel = CHANNEL, update_id, kind, "an update needs no answer");
            NewUpdate { update_id, payload: json!({NUMBER: update_id}), ignore: true }
        }
    })
}
