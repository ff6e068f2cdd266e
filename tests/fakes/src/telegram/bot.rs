//! One bot: who it is, what waits for it, what it said.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Serialize;
use serde_json::{Value, json};

use super::fault::PlannedFault;

/// One state of a message.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Revision {
    /// The text that people see.
    pub text: String,
    /// The text as it was sent, with its markup.
    pub source: String,
    /// `HTML`, or nothing for plain text.
    pub parse_mode: Option<String>,
    /// `MessageEntity` objects.
    pub entities: Vec<Value>,
    /// Buttons.
    pub reply_markup: Option<Value>,
    /// When, in milliseconds since 1970.
    pub at: u64,
}

impl Revision {
    /// What the button with this label carries.
    pub fn button(&self, label: &str) -> Option<String> {
        let rows = self.reply_markup.as_ref()?["inline_keyboard"].as_array()?;
        let mut buttons = rows.iter().flat_map(|row| row.as_array().into_iter().flatten());
        let button = buttons.find(|button| button["text"] == label)?;
        button["callback_data"].as_str().map(str::to_owned)
    }

    /// The labels of all buttons, in order.
    pub fn labels(&self) -> Vec<String> {
        let rows = self.reply_markup.as_ref().and_then(|markup| markup["inline_keyboard"].as_array());
        let buttons = rows.into_iter().flatten().flat_map(|row| row.as_array().into_iter().flatten());
        buttons.filter_map(|button| button["text"].as_str().map(str::to_owned)).collect()
    }
}

/// One message that a bot sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BotMessage {
    /// Its id.
    pub message_id: i64,
    /// Where it went.
    pub chat_id: i64,
    /// As it stands now.
    #[serde(flatten)]
    pub now: Revision,
    /// As it stood at first and after every edit.
    pub revisions: Vec<Revision>,
    /// Whether the bot deleted it.
    pub deleted: bool,
}

/// What the bot answered to somebody who pressed a button.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PressAnswer {
    /// The query that was answered.
    pub query: String,
    /// Who pressed.
    pub user: i64,
    /// What they were shown; nothing ends the spinner only.
    pub text: Option<String>,
    /// Whether it was shown in a window of its own.
    pub alert: bool,
}

/// One call of the API, as it arrived.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiCall {
    /// Method, as it was written.
    pub method: String,
    /// Parameters.
    pub params: Value,
    /// HTTP status of the answer; 0 while there is none.
    pub status: u16,
    /// When, in milliseconds since 1970.
    pub at: u64,
}

#[derive(Debug, Default)]
pub(super) struct Bot {
    pub(super) token: String,
    pub(super) id: i64,
    pub(super) username: String,
    pub(super) name: String,
    pub(super) revoked: bool,
    pub(super) webhook: Option<String>,
    pub(super) commands: BTreeMap<String, Value>,
    pub(super) updates: VecDeque<Value>,
    pub(super) confirmed: Vec<Value>,
    /// How many updates were handed out, repeated ones each time.
    pub(super) handed_out: u64,
    pub(super) next_update: i64,
    pub(super) next_message: i64,
    pub(super) messages: Vec<BotMessage>,
    pub(super) chats: BTreeMap<i64, Value>,
    pub(super) blocked: BTreeSet<i64>,
    pub(super) calls: Vec<ApiCall>,
    pub(super) faults: Vec<PlannedFault>,
    /// Who pressed a button, by the query's id, as long as it is not answered.
    pub(super) queries: BTreeMap<String, i64>,
    pub(super) answers: Vec<PressAnswer>,
    /// Which kinds of update the last poll asked for; all the usual ones if it did not say.
    pub(super) allowed: Option<Vec<String>>,
    /// Which poll holds the line; an older one that still waits has lost it.
    pub(super) poll: u64,
    /// How many polls wait at this moment.
    pub(super) waiting: usize,
    pub(super) released: u64,
}

impl Bot {
    pub(super) fn new(token: &str, username: &str) -> Self {
        let id = token.split(':').next().and_then(|id| id.parse().ok()).unwrap_or_default();
        Self {
            token: token.to_owned(),
            id,
            username: username.to_owned(),
            name: username.to_owned(),
            next_update: 1000,
            next_message: 1,
            ..Self::default()
        }
    }

    /// Its `User` object.
    pub(super) fn user(&self) -> Value {
        json!({
            "id": self.id,
            "is_bot": true,
            "first_name": self.name,
            "username": self.username,
            "can_join_groups": true,
            "can_read_all_group_messages": false,
            "supports_inline_queries": false,
            "can_connect_to_business": false,
            "has_main_web_app": false,
        })
    }

    /// Puts an update in the queue and returns its number.
    pub(super) fn queue(&mut self, mut update: Value) -> i64 {
        let id = update.get("update_id").and_then(Value::as_i64).unwrap_or(self.next_update);
        self.next_update = self.next_update.max(id + 1);
        update["update_id"] = id.into();
        self.updates.push_back(update);
        id
    }

    pub(super) fn new_message_id(&mut self) -> i64 {
        let id = self.next_message;
        self.next_message += 1;
        id
    }

    /// Drops what an offset confirms, and gives what is due.
    pub(super) fn due(&mut self, offset: Option<i64>, limit: usize) -> Vec<Value> {
        let offset = match offset {
            // A negative offset counts from the end of the queue.
            Some(offset) if offset < 0 => {
                let keep = usize::try_from(-offset).unwrap_or(usize::MAX);
                let first = self.updates.len().saturating_sub(keep);
                self.updates.get(first).map(number)
            }
            offset => offset,
        };
        if let Some(offset) = offset {
            while self.updates.front().is_some_and(|update| number(update) < offset) {
                self.confirmed.extend(self.updates.pop_front());
            }
        }
        self.updates.iter().take(limit).cloned().collect()
    }
}

pub(super) fn number(update: &Value) -> i64 {
    update["update_id"].as_i64().unwrap_or_default()
}

/// The `Message` object of a message that a bot sent.
pub(super) fn message_object(bot: &Bot, message: &BotMessage) -> Value {
    let chat = bot
        .chats
        .get(&message.chat_id)
        .cloned()
        .unwrap_or_else(|| json!({"id": message.chat_id, "type": "private"}));
    let mut object = json!({
        "message_id": message.message_id,
        "date": message.revisions.first().map_or(0, |first| first.at / 1000),
        "from": bot.user(),
        "chat": chat,
        "text": message.now.text,
    });
    if message.revisions.len() > 1 {
        object["edit_date"] = (message.now.at / 1000).into();
    }
    if !message.now.entities.is_empty() {
        object["entities"] = message.now.entities.clone().into();
    }
    if let Some(markup) = &message.now.reply_markup {
        object["reply_markup"] = markup.clone();
    }
    object
}
