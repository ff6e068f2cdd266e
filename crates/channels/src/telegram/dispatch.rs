//! From an update in the inbox to an answer: access, commands, then the handler, one message of a chat at a time.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bulkhead_store::{InboxRow, NewOutbox, NewPairing};
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

use super::access::{Access, access};
use super::commands;
use super::line::{CHANNEL, Line, delivery};
use super::reply::{Address, TelegramReply, settle};
use super::update::{self, Message, Update};
use crate::ChannelError;
use crate::channel::InboundMessage;

/// Updates that may be held in memory at once; the poll waits when there are more.
const HELD: usize = 256;
/// How often an answer is begun before it is given up.
const TRIES: i64 = 5;

type Queued = (InboxRow, Message, Held);

/// Hands updates to whoever answers, in order within a chat.
pub(super) struct Dispatch {
    line: Arc<Line>,
    held: Arc<Semaphore>,
    chats: Mutex<HashMap<i64, VecDeque<Queued>>>,
    /// Updates that were taken over and not finished: a second delivery of one is left alone.
    taken: Mutex<HashSet<i64>>,
    /// Answers that are being written.
    pub(super) answers: TaskTracker,
}

/// One update's place among those that are held.
struct Held {
    dispatch: Arc<Dispatch>,
    inbox_id: i64,
    _room: OwnedSemaphorePermit,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.dispatch.taken().remove(&self.inbox_id);
    }
}

impl Dispatch {
    pub(super) fn new(line: Arc<Line>) -> Self {
        Self {
            line,
            held: Arc::new(Semaphore::new(HELD)),
            chats: Mutex::default(),
            taken: Mutex::default(),
            answers: TaskTracker::new(),
        }
    }

    fn chats(&self) -> MutexGuard<'_, HashMap<i64, VecDeque<Queued>>> {
        self.chats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn taken(&self) -> MutexGuard<'_, HashSet<i64>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over an update. Returns once it is decided and queued; waits while too many are held.
    pub(super) async fn hand_out(self: &Arc<Self>, row: InboxRow) {
        let Ok(room) = self.held.clone().acquire_owned().await else { return };
        let id = row.id;
        if !self.taken().insert(id) {
            return;
        }
        let held = Held { dispatch: self.clone(), inbox_id: id, _room: room };
        if let Err(error) = self.admit(row, held).await {
            // It stays pending, and is taken up again at the next start.
            tracing::error!(channel = CHANNEL, inbox = id, code = error.code(), "{error}");
        }
    }

    async fn admit(self: &Arc<Self>, row: InboxRow, held: Held) -> Result<(), ChannelError> {
        let line = &self.line;
        let Update::Message(message) = update::read(&row.payload) else {
            return Ok(line.store.inbox().mark_done(row.id).await?);
        };
        let setup = line.setup();
        let account = setup.settings.account.clone();
        let sender = message.sender.to_string();
        let paired = line.store.pairings().is_allowed(CHANNEL, &account, &sender).await?;
        match access(&setup.settings, message.who(paired)) {
            Access::Ignore(reason) => {
                tracing::info!(channel = CHANNEL, inbox = row.id, reason, "a message was ignored");
                line.store.inbox().mark_done(row.id).await?;
            }
            Access::Pair => self.pair(&row, &message, account, setup.settings.profile.clone()).await?,
            Access::Allow => {
                let bot = line.bot();
                let username = bot.as_ref().and_then(|bot| bot.username.as_deref());
                let command = message.text.as_deref().and_then(|text| update::command(text, username));
                let addressed = message.is_addressed_to(bot.as_ref().map(|bot| bot.id), username);
                if !addressed && command.is_none() {
                    line.store.inbox().mark_done(row.id).await?;
                } else if let Some(command) = command {
                    let dispatch = self.clone();
                    self.answers.spawn(async move { dispatch.command(row, message, command, held).await });
                } else {
                    self.queue((row, message, held));
                }
            }
        }
        Ok(())
    }

    async fn pair(
        &self,
        row: &InboxRow,
        message: &Message,
        account: String,
        profile: Option<String>,
    ) -> Result<(), ChannelError> {
        let to = delivery(&row.account, &message.chat.to_string());
        let sender = message.sender;
        let pairing = NewPairing {
            channel: CHANNEL.into(),
            account,
            sender: sender.to_string(),
            meta: json!({"name": message.name, "username": message.username}),
            inbox_id: Some(row.id),
            notice: Some(Box::new(move |code| NewOutbox {
                to,
                text: commands::pairing_notice(profile.as_deref(), sender, code),
                // A stranger gets this and nothing else, so no placeholder comes before it.
                options: json!({"direct": true}),
            })),
        };
        let outcome = self.line.store.pairings().request(pairing).await?;
        tracing::info!(channel = CHANNEL, sender, outcome = outcome.word(), "a stranger wrote");
        self.line.outbox.notify_one();
        Ok(())
    }

    /// Commands do not wait for the answer that is being written in the same chat.
    async fn command(self: Arc<Self>, row: InboxRow, message: Message, command: crate::Command, held: Held) {
        let inbound = self.inbound(&row, &message, 1);
        let answer = match self.line.handler.command(&command, &inbound).await {
            Some(answer) => Some(answer),
            None => commands::answer(&self.line, &command),
        };
        let Some(answer) = answer else { return self.queue((row, message, held)) };
        let settled = self.settle(&row, &message, &answer).await;
        if let Err(error) = settled {
            tracing::error!(channel = CHANNEL, inbox = row.id, code = error.code(), "{error}");
        }
    }

    fn queue(self: &Arc<Self>, queued: Queued) {
        let chat = queued.1.chat;
        let mut chats = self.chats();
        if let Some(queue) = chats.get_mut(&chat) {
            queue.push_back(queued);
            return;
        }
        chats.insert(chat, VecDeque::from([queued]));
        drop(chats);
        let dispatch = self.clone();
        self.answers.spawn(async move { dispatch.work_off(chat).await });
    }

    /// Answers the messages of one chat, one after the other, until none is left.
    async fn work_off(self: Arc<Self>, chat: i64) {
        loop {
            let Some((row, message, _held)) = self.next_of(chat) else { return };
            let id = row.id;
            while !self.line.stop.is_cancelled() {
                // On a task of its own, so that a panic ends this try and nothing else; tries are counted.
                let (dispatch, row, message) = (self.clone(), row.clone(), message.clone());
                match tokio::spawn(async move { dispatch.answer(row, message).await }).await {
                    Ok(Ok(())) => break,
                    Ok(Err(error)) => {
                        tracing::error!(channel = CHANNEL, inbox = id, code = error.code(), "{error}");
                        break;
                    }
                    Err(_) => tracing::error!(channel = CHANNEL, inbox = id, "answering ended in a panic"),
                }
            }
        }
    }

    /// The next message of a chat; the chat is forgotten when there is none.
    fn next_of(&self, chat: i64) -> Option<Queued> {
        let mut chats = self.chats();
        let next = chats.get_mut(&chat).and_then(VecDeque::pop_front);
        if next.is_none() {
            chats.remove(&chat);
        }
        next
    }

    async fn answer(&self, row: InboxRow, message: Message) -> Result<(), ChannelError> {
        if message.text.is_none() {
            return self.settle(&row, &message, commands::ONLY_TEXT).await;
        }
        let attempt = self.line.store.inbox().begin_attempt(row.id).await?;
        if attempt > TRIES {
            return self.settle(&row, &message, &commands::given_up(TRIES)).await;
        }
        let inbound = self.inbound(&row, &message, attempt);
        let reply = TelegramReply::begin(self.line.clone(), address(&row, &message));
        let answered = reply.answered();
        self.line.handler.handle(inbound, Box::new(reply)).await;
        // Cut off by a stop, it stays pending and is answered after the next start.
        if !answered.is_cancelled() && !self.line.stop.is_cancelled() {
            self.settle(&row, &message, "").await?;
        }
        Ok(())
    }

    async fn settle(&self, row: &InboxRow, message: &Message, text: &str) -> Result<(), ChannelError> {
        settle(&self.line, &address(row, message), text).await
    }

    fn inbound(&self, row: &InboxRow, message: &Message, attempt: i64) -> InboundMessage {
        InboundMessage {
            inbox_id: row.id,
            channel: CHANNEL,
            account: self.line.setup().settings.account.clone(),
            run_id: format!("{CHANNEL}:{}:{}", row.account, row.update_id),
            peer: message.chat.to_string(),
            is_group: message.is_group,
            sender: message.sender(),
            text: message.text.clone().unwrap_or_default(),
            sent_at: message.date.saturating_mul(1000),
            attempt,
        }
    }
}

fn address(row: &InboxRow, message: &Message) -> Address {
    Address { inbox_id: row.id, account: row.account.clone(), chat: message.chat }
}
