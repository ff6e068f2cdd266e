//! Plays the people and the network: writes to bots, presses buttons, plans faults, waits for what bots say.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::sync::watch;

use super::bot::{ApiCall, Bot, BotMessage, PressAnswer, message_object};
use super::fault::{Fault, PlannedFault};

/// How long the waits of this module wait before they give up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Handle on a server: every bot on it.
#[derive(Debug, Clone)]
pub struct TelegramControl {
    pub(super) bots: Arc<Mutex<BTreeMap<String, Bot>>>,
    pub(super) changed: watch::Sender<u64>,
}

impl TelegramControl {
    pub(super) fn new() -> Self {
        Self { bots: Arc::default(), changed: watch::Sender::new(0) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Bot>> {
        self.bots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells everybody who waits that something changed.
    pub(super) fn touch(&self) {
        self.changed.send_modify(|version| *version += 1);
    }

    /// Adds a bot. The number before the colon of its token is its id.
    pub fn add_bot(&self, token: &str, username: &str) -> BotControl {
        self.lock().insert(token.to_owned(), Bot::new(token, username));
        self.touch();
        BotControl { server: self.clone(), token: token.to_owned() }
    }

    /// The bot with this token or id.
    pub fn bot(&self, token_or_id: &str) -> Option<BotControl> {
        let token = self
            .lock()
            .values()
            .find(|bot| bot.token == token_or_id || bot.id.to_string() == token_or_id)?
            .token
            .clone();
        Some(BotControl { server: self.clone(), token })
    }

    /// Every bot.
    pub fn bots(&self) -> Vec<BotControl> {
        let tokens: Vec<_> = self.lock().keys().cloned().collect();
        tokens.into_iter().map(|token| BotControl { server: self.clone(), token }).collect()
    }

    /// Waits until `ready` gives something; `None` after `patience`.
    pub async fn wait<T>(&self, patience: Duration, ready: impl Fn(&Self) -> Option<T>) -> Option<T> {
        let mut changes = self.changed.subscribe();
        let waiting = async {
            loop {
                changes.borrow_and_update();
                if let Some(found) = ready(self) {
                    return found;
                }
                // The sender lives in `self`, so this can only end with a change.
                let _ = changes.changed().await;
            }
        };
        tokio::time::timeout(patience, waiting).await.ok()
    }
}

/// Handle on one bot: what people do to it, and what it did.
#[derive(Debug, Clone)]
pub struct BotControl {
    server: TelegramControl,
    token: String,
}

impl BotControl {
    /// Its token.
    pub fn token(&self) -> &str {
        &self.token
    }

    fn with<T>(&self, work: impl FnOnce(&mut Bot) -> T) -> T {
        let result = work(
            self.server.lock().entry(self.token.clone()).or_insert_with(|| Bot::new(&self.token, "bot")),
        );
        self.server.touch();
        result
    }

    fn read<T>(&self, work: impl FnOnce(&Bot) -> T) -> T {
        work(self.server.lock().entry(self.token.clone()).or_insert_with(|| Bot::new(&self.token, "bot")))
    }

    /// A person writes to the bot in private. Returns the update's number.
    pub fn say(&self, user: i64, text: &str) -> i64 {
        self.say_as(user, &format!("user{user}"), text)
    }

    /// A person with a name writes to the bot in private.
    pub fn say_as(&self, user: i64, name: &str, text: &str) -> i64 {
        let chat = json!({"id": user, "type": "private", "first_name": name, "username": name});
        self.message(user, name, &chat, text)
    }

    /// A person writes in a group that the bot is in.
    pub fn say_in_group(&self, user: i64, group: i64, text: &str) -> i64 {
        let chat = json!({"id": group, "type": "supergroup", "title": "a group"});
        self.message(user, &format!("user{user}"), &chat, text)
    }

    fn message(&self, user: i64, name: &str, chat: &Value, text: &str) -> i64 {
        self.with(|bot| {
            bot.chats.insert(chat["id"].as_i64().unwrap_or_default(), chat.clone());
            let mut message = json!({
                "message_id": bot.new_message_id(),
                "date": now() / 1000,
                "from": {"id": user, "is_bot": false, "first_name": name, "username": name, "language_code": "en"},
                "chat": chat,
                "text": text,
            });
            if text.starts_with('/') {
                let length = text.split_whitespace().next().unwrap_or_default().encode_utf16().count();
                message["entities"] = json!([{"type": "bot_command", "offset": 0, "length": length}]);
            }
            bot.queue(json!({"message": message}))
        })
    }

    /// A person presses a button under a message of the bot, in private. Returns the update's number.
    pub fn press(&self, user: i64, message_id: i64, data: &str) -> i64 {
        let chat = json!({"id": user, "type": "private", "first_name": format!("user{user}")});
        self.press_in(user, &chat, message_id, data)
    }

    /// A person presses a button in a group that the bot is in.
    pub fn press_in_group(&self, user: i64, group: i64, message_id: i64, data: &str) -> i64 {
        let chat = json!({"id": group, "type": "supergroup", "title": "a group"});
        self.press_in(user, &chat, message_id, data)
    }

    /// A person presses the button with this label, as the message stands now. Returns what the button carries.
    ///
    /// # Panics
    /// If there is no such button.
    pub fn press_label(&self, user: i64, message_id: i64, label: &str) -> String {
        let message = self.all_messages().into_iter().find(|message| message.message_id == message_id);
        let button = message.as_ref().and_then(|message| message.now.button(label));
        let Some(data) = button else { panic!("no button {label:?} under {message:#?}") };
        self.press(user, message_id, &data);
        data
    }

    fn press_in(&self, user: i64, chat: &Value, message_id: i64, data: &str) -> i64 {
        self.with(|bot| {
            let id = format!("{}{}", bot.id, bot.next_update);
            // Telegram sends the message along, unless it is too old to be known any more.
            let known =
                bot.messages.iter().find(|message| message.message_id == message_id && !message.deleted);
            let mut message = match known {
                Some(message) => message_object(bot, message),
                None => json!({"message_id": message_id, "date": 0}),
            };
            message["chat"] = chat.clone();
            let update = json!({"callback_query": {
                "id": id,
                "from": {"id": user, "is_bot": false, "first_name": format!("user{user}")},
                "message": message,
                "chat_instance": "1",
                "data": data,
            }});
            let wanted =
                bot.allowed.as_ref().is_none_or(|kinds| kinds.iter().any(|kind| kind == "callback_query"));
            if !wanted {
                return bot.next_update;
            }
            bot.queries.insert(id, user);
            bot.queue(update)
        })
    }

    /// What the bot answered to those who pressed buttons, in order.
    pub fn press_answers(&self) -> Vec<PressAnswer> {
        self.read(|bot| bot.answers.clone())
    }

    /// The commands that a person sees in private.
    pub fn commands_for(&self, user: i64) -> Value {
        self.read(|bot| {
            let own = bot.commands.get(&format!("chat:{user}"));
            own.or_else(|| bot.commands.get("default")).cloned().unwrap_or_default()
        })
    }

    /// Puts any update in the queue, as it is; a number is given to it unless it has one.
    pub fn push_update(&self, update: Value) -> i64 {
        self.with(|bot| bot.queue(update))
    }

    /// Makes a chat known without a word, so that the bot may write there.
    pub fn open_chat(&self, user: i64) {
        self.with(|bot| bot.chats.insert(user, json!({"id": user, "type": "private", "first_name": "user"})));
    }

    /// The person blocks the bot, or takes it back.
    pub fn block(&self, user: i64, blocked: bool) {
        self.with(|bot| if blocked { bot.blocked.insert(user) } else { bot.blocked.remove(&user) });
    }

    /// The token is withdrawn (401), or good again.
    pub fn revoke(&self, revoked: bool) {
        self.with(|bot| bot.revoked = revoked);
    }

    /// A message is deleted by a person.
    pub fn delete(&self, message_id: i64) {
        self.with(|bot| {
            for message in bot.messages.iter_mut().filter(|message| message.message_id == message_id) {
                message.deleted = true;
            }
        });
    }

    /// Plans a fault.
    pub fn plan(&self, fault: PlannedFault) {
        self.with(|bot| bot.faults.push(fault));
    }

    /// The next call of `method` goes wrong.
    pub fn fail_next(&self, method: &str, fault: Fault) {
        self.plan(PlannedFault::next(method, fault));
    }

    /// Forgets every planned fault.
    pub fn clear_faults(&self) {
        self.with(|bot| bot.faults.clear());
    }

    /// Lets every held call go on.
    pub fn release(&self) {
        self.with(|bot| bot.released += 1);
    }

    /// Every message that the bot sent and did not delete, in order.
    pub fn messages(&self) -> Vec<BotMessage> {
        self.read(|bot| bot.messages.iter().filter(|message| !message.deleted).cloned().collect())
    }

    /// Those of one chat.
    pub fn messages_to(&self, chat: i64) -> Vec<BotMessage> {
        self.messages().into_iter().filter(|message| message.chat_id == chat).collect()
    }

    /// Every message that the bot ever sent, deleted ones too.
    pub fn all_messages(&self) -> Vec<BotMessage> {
        self.read(|bot| bot.messages.clone())
    }

    /// Every call that the bot made.
    pub fn calls(&self) -> Vec<ApiCall> {
        self.read(|bot| bot.calls.clone())
    }

    /// Those of one method.
    pub fn calls_of(&self, method: &str) -> Vec<ApiCall> {
        self.calls().into_iter().filter(|call| call.method == method).collect()
    }

    /// How many updates the bot was handed, repeated ones each time.
    pub fn handed_out(&self) -> u64 {
        self.read(|bot| bot.handed_out)
    }

    /// Forgets what was said and called so far, so that long runs stay cheap; updates and chats stay.
    pub fn forget_past(&self) {
        self.with(|bot| {
            bot.messages.clear();
            bot.calls.clear();
            // Enough to be handed out again by a fault.
            let old = bot.confirmed.len().saturating_sub(100);
            bot.confirmed.drain(..old);
        });
    }

    /// Updates that wait for the bot.
    pub fn waiting_updates(&self) -> usize {
        self.read(|bot| bot.updates.len())
    }

    /// Whether the bot waits in `getUpdates` at this moment.
    pub fn is_polled(&self) -> bool {
        self.read(|bot| bot.waiting > 0)
    }

    /// The commands in the bot's menu.
    pub fn commands(&self) -> Value {
        self.read(|bot| bot.commands.get("default").cloned().unwrap_or_default())
    }

    /// Waits until `ready` gives something; `None` after `patience`.
    pub async fn wait<T>(&self, patience: Duration, ready: impl Fn(&Self) -> Option<T>) -> Option<T> {
        self.server.wait(patience, |_| ready(self)).await
    }

    /// Waits for `ready`, and ends the test with everything that was said if it does not come.
    pub async fn expect<T>(&self, what: &str, ready: impl Fn(&Self) -> Option<T>) -> T {
        match self.wait(PATIENCE, ready).await {
            Some(found) => found,
            None => panic!(
                "no {what} within {PATIENCE:?}; messages: {:#?}; calls: {:#?}",
                self.messages(),
                self.calls()
            ),
        }
    }

    /// Waits until the bot waits in `getUpdates`.
    pub async fn expect_poll(&self) {
        self.expect("poll", |bot| bot.is_polled().then_some(())).await;
    }

    /// Waits until the queue is empty and confirmed.
    pub async fn expect_drained(&self) {
        self.expect("confirmed queue", |bot| (bot.waiting_updates() == 0 && bot.is_polled()).then_some(()))
            .await;
    }

    /// Waits until a chat has at least `count` messages from the bot.
    pub async fn wait_for_messages(&self, chat: i64, count: usize) -> Vec<BotMessage> {
        self.expect("messages", |bot| Some(bot.messages_to(chat)).filter(|messages| messages.len() >= count))
            .await
    }

    /// Waits for a message whose text contains `part`.
    pub async fn wait_for_text(&self, chat: i64, part: &str) -> BotMessage {
        let found =
            |bot: &Self| bot.messages_to(chat).into_iter().find(|message| message.now.text.contains(part));
        self.expect(&format!("message with {part:?}"), found).await
    }

    /// Waits until a method was called at least `count` times and answered.
    pub async fn wait_for_calls(&self, method: &str, count: usize) -> Vec<ApiCall> {
        let done = |bot: &Self| {
            Some(bot.calls_of(method))
                .filter(|calls| calls.iter().filter(|call| call.status != 0).count() >= count)
        };
        self.expect(&format!("{count} calls of {method}"), done).await
    }
}

pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
