//! A pressed button on its way to whoever handles it, and its coming to rest.

use std::sync::Arc;

use bulkhead_store::InboxRow;

use super::dispatch::{Dispatch, Held, TRIES};
use super::line::{CHANNEL, Line};
use super::update::Press;
use crate::channel::{ButtonPress, PressAnswer};

impl Dispatch {
    /// Hands out a press that is on record. It is done with only after it was handled: one that a crash cut off comes
    /// again, with a higher count.
    pub(super) async fn press(self: Arc<Self>, row: InboxRow, press: Press, _held: Held) {
        let line = &self.line;
        let inbox = line.store.inbox();
        // A disk that filled up since must not keep a button from working; it only cannot be counted.
        let attempt = inbox.begin_attempt(row.id).await.unwrap_or_else(|error| {
            tracing::warn!(channel = CHANNEL, inbox = row.id, code = error.code(), "{error}");
            0
        });
        if attempt <= TRIES {
            let handed = handed(line, &row.account, row.update_id, &press, attempt);
            let answer = line.handler.press(handed).await;
            rest(line, &row.account, &press, &answer).await;
        }
        if let Err(error) = inbox.mark_done(row.id).await {
            tracing::error!(channel = CHANNEL, inbox = row.id, code = error.code(), "{error}");
        }
    }

    /// Hands out a press that could not be recorded.
    pub(super) async fn press_unrecorded(self: Arc<Self>, account: String, update_id: i64, press: Press) {
        let line = &self.line;
        let answer = line.handler.press(handed(line, &account, update_id, &press, 0)).await;
        rest(line, &account, &press, &answer).await;
    }
}

fn handed(line: &Line, account: &str, update_id: i64, press: &Press, attempt: i64) -> ButtonPress {
    ButtonPress {
        channel: CHANNEL,
        account: line.setup().settings.account.clone(),
        press_id: format!("{CHANNEL}:{account}:{update_id}"),
        peer: press.chat.to_string(),
        // A bot that presses buttons has no private chat with us.
        is_private: press.is_private && !press.sender_is_bot,
        message_id: press.message_id,
        sender: press.sender(),
        data: press.data.clone(),
        attempt,
    }
}

/// Lets the button come to rest. After a minute or a restart Telegram does not know the press any more: that is no harm.
async fn rest(line: &Line, account: &str, press: &Press, answer: &PressAnswer) {
    let setup = line.setup();
    let Some(api) = setup.api.as_ref().filter(|_| setup.settings.store_account() == account) else { return };
    if let Err(error) = api.answer_press(&press.query, answer).await {
        tracing::debug!(channel = CHANNEL, code = error.code(), "{error}");
    }
}
