//! Messages that go out once for a key, and what became of them.

use std::time::Duration;

use bulkhead_store::NewOutbox;
use serde_json::Value;

use super::TelegramHandle;
use super::delivered::Delivered;
use super::line::CHANNEL;
use super::split;
use crate::ChannelError;

impl TelegramHandle {
    /// A text as the messages that it takes in a chat. Whoever records them in the outbox [`wake`]s the account then.
    ///
    /// [`wake`]: TelegramHandle::wake
    pub fn parts(&self, chat: &str, text: &str) -> Vec<NewOutbox> {
        let to = self.line.delivery(chat);
        let part = |text| NewOutbox { to: to.clone(), text, options: Value::Null };
        split::split(text).into_iter().map(part).collect()
    }

    /// Something was put into the outbox for this account.
    pub fn wake(&self) {
        self.line.outbox.notify_one();
    }

    /// Records a message under a key, so that it goes out once however often this is called, and waits at most `patience`
    /// until it is out. Of a text that needs several messages, the last one is told of.
    pub async fn send_once(
        &self,
        key: &str,
        chat: &str,
        text: &str,
        patience: Duration,
    ) -> Result<Delivered, ChannelError> {
        let enqueued = self.line.store.outbox().enqueue_once(key, self.parts(chat, text)).await?;
        self.outcome_of(&enqueued.rows, enqueued.new, patience).await
    }

    /// What became of the messages that were recorded under a key: how many they are, and how the last one did. Waits at
    /// most `patience` for it. `None`: nothing was recorded under it within a day.
    pub async fn sent_once(
        &self,
        key: &str,
        patience: Duration,
    ) -> Result<Option<(usize, Delivered)>, ChannelError> {
        let Some(rows) = self.line.store.outbox().sent_under(key).await? else { return Ok(None) };
        let outcome = self.outcome_of(&rows, false, patience).await?;
        Ok(Some((rows.len(), outcome)))
    }

    async fn outcome_of(
        &self,
        rows: &[i64],
        new: bool,
        patience: Duration,
    ) -> Result<Delivered, ChannelError> {
        let Some(last) = rows.last().copied() else { return Ok(Delivered::Out(None)) };
        let outcome = self.line.outcomes.of(last);
        self.wake();
        let waiting = match outcome {
            Ok(outcome) => return Ok(outcome),
            Err(waiting) => waiting,
        };
        let pending = self.line.store.outbox().pending(CHANNEL, &self.line.settings_account()).await?;
        if !new && pending.iter().all(|row| row.id != last) {
            return Ok(Delivered::Out(None));
        }
        let ended = async {
            tokio::select! {
                outcome = waiting => outcome.unwrap_or(Delivered::Waiting),
                () = self.line.stop.cancelled() => Delivered::Waiting,
            }
        };
        Ok(tokio::time::timeout(patience, ended).await.unwrap_or(Delivered::Waiting))
    }
}
