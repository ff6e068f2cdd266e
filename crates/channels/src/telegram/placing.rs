//! Placeholders: one per row of the outbox, though the disk may refuse to remember it.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bulkhead_killpoint::{Point, reached};
use bulkhead_store::OutboxRow;

use super::api::{Api, Extras, Format};
use super::delivery::PLACEHOLDER;
use super::line::Line;
use crate::ChannelError;

/// What Telegram took and the database does not know yet, because the disk was full or read-only at that moment. Without
/// it every new try would send one more message.
#[derive(Debug, Default)]
pub(super) struct Unrecorded {
    known: Mutex<Known>,
    /// One placeholder at a time is on its way, so that a kill leaves at most one behind however many chats there are.
    one: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    /// Message ids by row.
    placed: HashMap<i64, i64>,
    /// Rows whose text is out.
    out: HashSet<i64>,
}

impl Unrecorded {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The text of this row is out; only the row is still there.
    pub(super) fn note_out(&self, row: i64) {
        self.lock().out.insert(row);
    }

    /// Whether the text of this row went out before.
    pub(super) fn is_out(&self, row: i64) -> bool {
        self.lock().out.contains(&row)
    }

    /// The row is gone, or its message is.
    pub(super) fn forget(&self, row: i64) {
        let mut known = self.lock();
        known.placed.remove(&row);
        known.out.remove(&row);
    }
}

/// The message of a row: the one that it has, or a placeholder that is sent now and recorded.
pub(super) async fn place(line: &Line, api: &Api, chat: i64, row: &OutboxRow) -> Result<i64, ChannelError> {
    if let Some(message_id) = row.message_id {
        return Ok(message_id);
    }
    let _one = line.unrecorded.one.lock().await;
    let known = line.unrecorded.lock().placed.get(&row.id).copied();
    let message_id = if let Some(message_id) = known {
        message_id
    } else {
        let message_id = api.send(chat, PLACEHOLDER, Format::Plain, Extras::default()).await?;
        reached(Point::AfterPlaceholder);
        line.unrecorded.lock().placed.insert(row.id, message_id);
        message_id
    };
    line.store.outbox().set_message_id(row.id, message_id).await?;
    line.unrecorded.lock().placed.remove(&row.id);
    Ok(message_id)
}
