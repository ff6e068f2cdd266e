//! An answer that is shown while it grows, and is final once.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bulkhead_killpoint::{Point, Switch, reached, switched};
use bulkhead_store::Delivery;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::api::{Api, Extras, Format};
use super::line::{CHANNEL, Line, delivery};
use super::markup::to_html;
use super::placing::place;
use super::split::split;
use crate::ChannelError;
use crate::channel::Reply;

/// Telegram shows "typing" for five seconds after each call.
const TYPING_EVERY: Duration = Duration::from_secs(4);
/// An answer that is complete sooner is sent in one piece.
const FIRST_SHOW: Duration = Duration::from_millis(400);
/// Telegram takes about one edit a second in a chat.
const SHOW_EVERY: Duration = Duration::from_secs(1);

/// Where an answer goes: the update that it answers, and its chat with the bot that received it. A reload may bring
/// another bot meanwhile, which must not answer in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) inbox_id: i64,
    pub(super) account: String,
    pub(super) chat: i64,
}

impl Address {
    fn delivery(&self) -> Delivery {
        delivery(&self.account, &self.chat.to_string())
    }

    /// The connection of the bot that received the update, if it is still the present one.
    fn api(&self, line: &Line) -> Option<Arc<Api>> {
        let setup = line.setup();
        setup.api.clone().filter(|_| setup.settings.store_account() == self.account)
    }
}

/// Records the final answer to an update, and wakes the delivery.
pub(super) async fn settle(line: &Line, to: &Address, text: &str) -> Result<(), ChannelError> {
    if switched(Switch::NoOutbox) {
        return without_outbox(line, to, text).await;
    }
    line.store.outbox().settle(to.delivery(), to.inbox_id, split(text)).await?;
    line.outbox.notify_one();
    Ok(())
}

/// What the outbox is for, seen without it: only in torture builds, to prove that a torture notices.
async fn without_outbox(line: &Line, to: &Address, text: &str) -> Result<(), ChannelError> {
    if let Some(api) = to.api(line) {
        api.send(to.chat, text, Format::Plain, Extras::default()).await?;
        reached(Point::AfterPlaceholder);
    }
    Ok(line.store.inbox().mark_done(to.inbox_id).await?)
}

/// One answer on its way to a chat.
pub(super) struct TelegramReply {
    line: Arc<Line>,
    to: Address,
    text: watch::Sender<String>,
    /// Cancelled when nothing more is to be shown.
    done: CancellationToken,
    typing: Option<JoinHandle<()>>,
    showing: Option<JoinHandle<()>>,
    finished: CancellationToken,
    answered: CancellationToken,
}

impl TelegramReply {
    pub(super) fn begin(line: Arc<Line>, to: Address) -> Self {
        let done = line.stop.child_token();
        let mut reply = Self {
            line,
            to,
            text: watch::Sender::new(String::new()),
            done,
            typing: None,
            showing: None,
            finished: CancellationToken::new(),
            answered: CancellationToken::new(),
        };
        reply.begin_typing();
        reply
    }

    /// Cancelled as soon as there is an answer, and as soon as it is on record.
    pub(super) fn outcome(&self) -> (CancellationToken, CancellationToken) {
        (self.finished.clone(), self.answered.clone())
    }

    fn begin_typing(&mut self) {
        if self.typing.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        let (line, to, done) = (self.line.clone(), self.to.clone(), self.done.clone());
        self.typing = Some(self.line.tasks.spawn(async move {
            let _ = done.run_until_cancelled(keep_typing(&line, &to)).await;
        }));
    }

    fn begin_showing(&mut self) {
        let shows = self.line.setup().settings.streaming && !switched(Switch::NoOutbox);
        if self.showing.is_some() || !shows {
            return;
        }
        let (line, to) = (self.line.clone(), self.to.clone());
        let (text, done) = (self.text.subscribe(), self.done.clone());
        self.showing = Some(self.line.tasks.spawn(async move {
            show(&line, &to, text, &done).await;
        }));
    }
}

#[async_trait]
impl Reply for TelegramReply {
    async fn typing(&mut self) {
        self.begin_typing();
    }

    async fn stream(&mut self, text_so_far: &str) {
        self.text.send_modify(|text| text_so_far.clone_into(text));
        self.begin_showing();
    }

    async fn finish(mut self: Box<Self>, text: &str) -> Result<(), ChannelError> {
        self.done.cancel();
        // What is being shown at this moment must be through: it would overwrite the final text.
        if let Some(showing) = self.showing.take() {
            let _ = showing.await;
        }
        self.finished.cancel();
        settle(&self.line, &self.to, text).await?;
        self.answered.cancel();
        Ok(())
    }
}

impl Drop for TelegramReply {
    fn drop(&mut self) {
        self.done.cancel();
    }
}

async fn keep_typing(line: &Line, to: &Address) {
    loop {
        if line.quiet_for().is_none()
            && let Some(api) = to.api(line)
            && let Err(error) = api.typing(to.chat).await
        {
            tracing::debug!(channel = CHANNEL, code = error.code(), "{error}");
            if let ChannelError::TooMany { seconds, .. } = error {
                line.keep_quiet(seconds);
            }
        }
        tokio::time::sleep(TYPING_EVERY).await;
    }
}

/// Shows the newest text about once a second until `done`. A call that was begun is waited for.
async fn show(line: &Line, to: &Address, mut text: watch::Receiver<String>, done: &CancellationToken) {
    let mut shown: Vec<String> = Vec::new();
    let mut pause = FIRST_SHOW;
    loop {
        tokio::select! {
            () = done.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = SHOW_EVERY;
        if let Some(quiet) = line.quiet_for() {
            pause = quiet;
            continue;
        }
        let parts = split(&text.borrow_and_update());
        if let Some(api) = to.api(line)
            && let Err(error) = show_parts(line, &api, to, &parts, &mut shown).await
        {
            tracing::debug!(channel = CHANNEL, inbox = to.inbox_id, code = error.code(), "{error}");
            if let ChannelError::TooMany { seconds, .. } = error {
                line.keep_quiet(seconds);
            }
        }
        tokio::select! {
            () = done.cancelled() => return,
            changed = text.changed() => if changed.is_err() { return },
        }
    }
}

async fn show_parts(
    line: &Line,
    api: &Api,
    to: &Address,
    parts: &[String],
    shown: &mut Vec<String>,
) -> Result<(), ChannelError> {
    let outbox = line.store.outbox();
    for (index, part) in parts.iter().enumerate() {
        if shown.get(index) == Some(part) {
            continue;
        }
        let part_number = i64::try_from(index).unwrap_or(i64::MAX);
        let row = outbox.open_part(to.delivery(), to.inbox_id, part_number).await?;
        let message_id = place(line, api, to.chat, &row).await?;
        let html = to_html(part);
        if !html.trim().is_empty() {
            outbox.note_shown(row.id, part).await?;
            match api.edit(to.chat, message_id, &html, Format::Html, &[]).await {
                Err(error) if !super::delivery::is_unmodified(&error) => return Err(error),
                _ => {}
            }
        }
        shown.truncate(index);
        shown.push(part.clone());
    }
    Ok(())
}
