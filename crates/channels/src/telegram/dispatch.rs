//! From an update in the inbox to an answer: access, commands, then the handler, one message of a chat at a time.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bulkhead_store::{InboxRow, NewOutbox, NewPairing};
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

use super::access::{Access, access};
use super::commands;
use super::delivery::{Place, put};
use super::line::{CHANNEL, Line, delivery, waits};
use super::reply::{Address, TelegramReply, settle};
use super::split::split;
use super::update::{self, Message, Update};
use crate::ChannelError;
use crate::channel::InboundMessage;

/// Updates that may be held in memory at once; the poll waits when there are more.
const HELD: usize = 256;
/// How often an answer is begun before it is given up.
pub(super) const TRIES: i64 = 5;

/// Longest wait before an answer that the disk did not take is offered to it again.
pub(super) const RECORD_WAIT: Duration = Duration::from_secs(2);

type Queued = (InboxRow, Message, Held);

/// Hands updates to whoever answers, in order within a chat.
pub(super) struct Dispatch {
    pub(super) line: Arc<Line>,
    held: Arc<Semaphore>,
    chats: Mutex<HashMap<i64, VecDeque<Queued>>>,
    /// Updates that were taken over and not finished: a second delivery of one is left alone.
    taken: Mutex<HashSet<i64>>,
    /// Answers that are being written.
    pub(super) answers: TaskTracker,
}

/// One update's place among those that are held.
pub(super) struct Held {
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
        let mut held = Some(Held { dispatch: self.clone(), inbox_id: id, _room: room });
        let mut waiting = waits();
        while let Err(error) = self.admit(&row, &mut held).await {
            // Given up, it stays pending and is taken up again at the next start.
            if held.is_none() || !worth_waiting(id, &error) || self.line.stop.is_cancelled() {
                return;
            }
            let wait = waiting.next().unwrap_or(RECORD_WAIT).min(RECORD_WAIT);
            let _ = self.line.drain.run_until_cancelled(tokio::time::sleep(wait)).await;
            if self.line.drain.is_cancelled() {
                return;
            }
        }
    }

    /// Decides about an update, and takes `held` if it goes on from there.
    async fn admit(self: &Arc<Self>, row: &InboxRow, held: &mut Option<Held>) -> Result<(), ChannelError> {
        let line = &self.line;
        let message = match update::read(&row.payload) {
            Update::Message(message) => message,
            Update::Press(press) => {
                let (dispatch, row) = (self.clone(), row.clone());
                if let Some(held) = held.take() {
                    self.answers.spawn(async move { dispatch.press(row, press, held).await });
                }
                return Ok(());
            }
            Update::Other(_) => return Ok(line.store.inbox().mark_done(row.id).await?),
        };
        let setup = line.setup();
        if let Some(command) = self.operators_command(&message) {
            let (dispatch, row) = (self.clone(), row.clone());
            if let Some(held) = held.take() {
                self.answers.spawn(async move { dispatch.command(row, message, command, held).await });
            }
            return Ok(());
        }
        let account = setup.settings.account.clone();
        let sender = message.sender.to_string();
        let paired = line.store.pairings().is_allowed(CHANNEL, &account, &sender).await?;
        match access(&setup.settings, message.who(paired)) {
            Access::Ignore(reason) => {
                tracing::info!(channel = CHANNEL, inbox = row.id, reason, "a message was ignored");
                line.store.inbox().mark_done(row.id).await?;
            }
            Access::Pair => self.pair(row, &message, account, setup.settings.profile.clone()).await?,
            Access::Allow => {
                let bot = line.bot();
                let username = bot.as_ref().and_then(|bot| bot.username.as_deref());
                let command = message.text.as_deref().and_then(|text| update::command(text, username));
                let command = command.or_else(|| {
                    let inbound = self.inbound(row.id, &row.account, row.update_id, &message, 1);
                    self.line
                        .handler
                        .as_command(&inbound)
                        .filter(|_| message.text.is_some() && !message.is_group)
                });
                let addressed = message.is_addressed_to(bot.as_ref().map(|bot| bot.id), username)
                    || !setup.settings.groups.requires_mention(message.chat);
                if !addressed && command.is_none() {
                    line.store.inbox().mark_done(row.id).await?;
                } else if let Some(command) = command {
                    let (dispatch, row) = (self.clone(), row.clone());
                    if let Some(held) = held.take() {
                        self.answers
                            .spawn(async move { dispatch.command(row, message, command, held).await });
                    }
                } else if let Some(held) = held.take() {
                    self.queue((row.clone(), message, held));
                }
            }
        }
        Ok(())
    }

    /// A command of an operator in private: taken whatever the policy says of their messages.
    fn operators_command(&self, message: &Message) -> Option<crate::Command> {
        let setup = self.line.setup();
        if message.is_group || message.sender_is_bot {
            return None;
        }
        let operates = setup.settings.is_operator(message.sender);
        if operates || setup.settings.owners.contains(&message.sender) {
            self.line.operator_wrote.notify_one();
        }
        if !operates {
            return None;
        }
        let bot = self.line.bot();
        let username = bot.as_ref().and_then(|bot| bot.username.as_deref());
        let command = update::command(message.text.as_deref()?, username)?;
        setup.settings.is_operator_command(&command.name).then_some(command)
    }

    /// Hands out what must work although nothing can be recorded: presses, and commands of operators. Says whether it
    /// did. It was handed out once, and must not be again: the caller remembers it.
    pub(super) fn hand_out_unrecorded(
        self: &Arc<Self>,
        account: &str,
        update_id: i64,
        update: Update,
    ) -> bool {
        let dispatch = self.clone();
        let account = account.to_owned();
        match update {
            Update::Press(press) => {
                self.answers.spawn(dispatch.press_unrecorded(account, update_id, press));
                true
            }
            Update::Message(message) => match self.operators_command(&message) {
                Some(command) => {
                    self.answers.spawn(dispatch.command_unrecorded(account, update_id, message, command));
                    true
                }
                None => false,
            },
            Update::Other(_) => false,
        }
    }

    async fn command_unrecorded(
        self: Arc<Self>,
        account: String,
        update_id: i64,
        message: Message,
        command: crate::Command,
    ) {
        let inbound = self.inbound(0, &account, update_id, &message, 0);
        let answer = self.line.handler.command(&command, &inbound).await.filter(|text| !text.is_empty());
        let setup = self.line.setup();
        let (Some(answer), Some(api)) = (answer, &setup.api) else { return };
        for part in split(&answer) {
            if let Err(error) = put(api, message.chat, Place::New, &part).await {
                tracing::warn!(channel = CHANNEL, code = error.code(), "{error}");
                return;
            }
        }
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
            // A code that another bot told is of no use to somebody who writes to this one.
            bot: Some(row.account.clone()),
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
        let inbound = self.inbound(row.id, &row.account, row.update_id, &message, 1);
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
            self.see_through(row, message).await;
        }
    }

    /// Tries until the answer is on record. While the disk takes nothing it waits; what was answered meanwhile is not
    /// answered again.
    async fn see_through(self: &Arc<Self>, row: InboxRow, message: Message) {
        let id = row.id;
        let mut counted = None;
        let mut waiting = waits();
        while !self.line.stop.is_cancelled() {
            // On a task of its own, so that a panic ends this try and nothing else; such tries are counted.
            let (dispatch, row, message) = (self.clone(), row.clone(), message.clone());
            let tried = tokio::spawn(async move {
                let attempt = match counted {
                    Some(attempt) => attempt,
                    None => dispatch.line.store.inbox().begin_attempt(row.id).await?,
                };
                Ok((attempt, dispatch.answer(row, message, attempt).await))
            });
            match tried.await {
                Ok(Ok((_, Ok(true)))) => return,
                Ok(Ok((attempt, Ok(false)))) => counted = Some(attempt),
                Ok(Ok((attempt, Err(error)))) => {
                    counted = Some(attempt);
                    if !worth_waiting(id, &error) {
                        return;
                    }
                }
                Ok(Err(error)) => {
                    if !worth_waiting(id, &error) {
                        return;
                    }
                }
                Err(_) => {
                    tracing::error!(channel = CHANNEL, inbox = id, "answering ended in a panic");
                    counted = None;
                    continue;
                }
            }
            let wait = waiting.next().unwrap_or(RECORD_WAIT).min(RECORD_WAIT);
            let _ = self.line.stop.run_until_cancelled(tokio::time::sleep(wait)).await;
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

    /// Answers, or lets the handler answer. False: there is an answer, and it could not be recorded.
    async fn answer(&self, row: InboxRow, message: Message, attempt: i64) -> Result<bool, ChannelError> {
        if message.text.is_none() {
            self.settle(&row, &message, commands::ONLY_TEXT).await?;
            return Ok(true);
        }
        if attempt > TRIES {
            self.settle(&row, &message, &commands::given_up(TRIES)).await?;
            return Ok(true);
        }
        let mut inbound = self.inbound(row.id, &row.account, row.update_id, &message, attempt);
        if attempt > 1 {
            inbound.shown = self.shown(row.id).await?;
        }
        let reply = TelegramReply::begin(self.line.clone(), address(&row, &message));
        let (finished, answered) = reply.outcome();
        self.line.handler.handle(inbound, Box::new(reply)).await;
        // Cut off by a stop, it stays pending and is answered after the next start.
        if answered.is_cancelled() || self.line.stop.is_cancelled() {
            return Ok(true);
        }
        if finished.is_cancelled() {
            return Ok(false);
        }
        self.settle(&row, &message, "").await?;
        Ok(true)
    }

    /// What the chat was shown of an answer that was cut off.
    async fn shown(&self, inbox_id: i64) -> Result<Option<String>, ChannelError> {
        let rows = self.line.store.outbox().of_update(inbox_id).await?;
        let parts: Vec<String> =
            rows.into_iter().map(|row| row.text).filter(|text| !text.is_empty()).collect();
        Ok((!parts.is_empty()).then(|| parts.join("\n\n")))
    }

    async fn settle(&self, row: &InboxRow, message: &Message, text: &str) -> Result<(), ChannelError> {
        settle(&self.line, &address(row, message), text).await
    }

    fn inbound(
        &self,
        inbox_id: i64,
        account: &str,
        update_id: i64,
        message: &Message,
        attempt: i64,
    ) -> InboundMessage {
        InboundMessage {
            inbox_id,
            channel: CHANNEL,
            account: self.line.setup().settings.account.clone(),
            run_id: format!("{CHANNEL}:{account}:{update_id}"),
            peer: message.chat.to_string(),
            is_group: message.is_group,
            sender: message.sender(),
            text: message.text.clone().unwrap_or_default(),
            sent_at: message.date.saturating_mul(1000),
            attempt,
            shown: None,
        }
    }
}

fn address(row: &InboxRow, message: &Message) -> Address {
    Address { inbox_id: row.id, account: row.account.clone(), chat: message.chat }
}

/// Tells of trouble, and whether it may pass. If not, the update stays pending until the next start.
fn worth_waiting(inbox: i64, error: &ChannelError) -> bool {
    tracing::error!(channel = CHANNEL, inbox, code = error.code(), "{error}");
    matches!(error, ChannelError::Store(error) if error.may_pass())
}
