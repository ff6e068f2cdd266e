//! Reading one update. Only what is used is read; whatever else an update holds can take any form.

use serde::Deserialize;
use serde_json::Value;

use super::access::WhoAsks;
use crate::channel::{BUTTON_DATA_LIMIT, Command, Sender};

/// Bytes of a text that are taken. Telegram sends far less; another server could send anything.
const TEXT_LIMIT: usize = 64 * 1024;
/// Bytes of a name that are taken.
const NAME_LIMIT: usize = 256;
/// Bytes that the id of a pressed button may have.
const QUERY_LIMIT: usize = 128;

/// An update, as far as it matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Update {
    /// Somebody wrote.
    Message(Message),
    /// Somebody pressed a button.
    Press(Press),
    /// Nothing to answer; the word says what it was.
    Other(String),
}

/// Something that somebody wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) chat: i64,
    pub(super) is_group: bool,
    pub(super) sender: i64,
    pub(super) sender_is_bot: bool,
    pub(super) name: String,
    pub(super) username: Option<String>,
    /// Text or caption; `None` for a message of another kind (a voice, a picture without words).
    pub(super) text: Option<String>,
    /// When, in seconds since 1970.
    pub(super) date: i64,
    /// Whether it answers a message of this sender (the bot's id is compared by the caller).
    pub(super) answers: Option<i64>,
}

/// A button that somebody pressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Press {
    /// By which the press is answered.
    pub(super) query: String,
    pub(super) chat: i64,
    /// The private chat of the bot with the one who pressed.
    pub(super) is_private: bool,
    pub(super) message_id: i64,
    pub(super) sender: i64,
    pub(super) sender_is_bot: bool,
    pub(super) name: String,
    pub(super) username: Option<String>,
    pub(super) data: String,
}

#[derive(Deserialize)]
struct RawQuery {
    id: String,
    from: RawUser,
    #[serde(default)]
    message: Option<RawQueryMessage>,
    #[serde(default)]
    data: Option<String>,
}

#[derive(Deserialize)]
struct RawQueryMessage {
    chat: RawChat,
    message_id: i64,
}

#[derive(Deserialize)]
struct RawMessage {
    chat: RawChat,
    #[serde(default)]
    from: Option<RawUser>,
    #[serde(default)]
    date: i64,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    caption: Option<String>,
    #[serde(default)]
    reply_to_message: Option<RawAnswered>,
}

#[derive(Deserialize)]
struct RawChat {
    id: i64,
    #[serde(rename = "type", default)]
    kind: String,
}

#[derive(Deserialize)]
struct RawUser {
    id: i64,
    #[serde(default)]
    is_bot: bool,
    #[serde(default)]
    first_name: String,
    #[serde(default)]
    last_name: Option<String>,
    #[serde(default)]
    username: Option<String>,
}

#[derive(Deserialize)]
struct RawAnswered {
    #[serde(default)]
    from: Option<RawUser>,
}

fn shorten(text: &mut String, limit: usize) {
    if text.len() > limit {
        text.truncate(text.floor_char_boundary(limit));
    }
}

/// The update's number; without one it cannot be acknowledged.
pub(super) fn number(update: &Value) -> Option<i64> {
    update.get("update_id")?.as_i64()
}

/// Reads an update of any kind.
pub(super) fn read(update: &Value) -> Update {
    if let Some(query) = update.get("callback_query") {
        return RawQuery::deserialize(query)
            .map_or_else(|_| Update::Other("a pressed button of unknown form".into()), Update::from);
    }
    let Some(message) = update.get("message") else {
        let kind = update
            .as_object()
            .and_then(|object| object.keys().find(|key| *key != "update_id"))
            .map_or("nothing", String::as_str);
        return Update::Other(kind.chars().take(40).collect());
    };
    match RawMessage::deserialize(message) {
        Ok(raw) => raw.into(),
        Err(_) => Update::Other("a message of unknown form".into()),
    }
}

impl From<RawQuery> for Update {
    fn from(raw: RawQuery) -> Self {
        let (Some(message), Some(data)) = (raw.message, raw.data) else {
            return Self::Other("a pressed button that is not ours".into());
        };
        let fits = raw.id.len() <= QUERY_LIMIT && data.len() <= BUTTON_DATA_LIMIT;
        if !fits {
            return Self::Other("a pressed button of unknown form".into());
        }
        let kind = message.chat.kind.as_str();
        Self::Press(Press {
            query: raw.id,
            chat: message.chat.id,
            is_private: matches!(kind, "private" | "") && message.chat.id == raw.from.id,
            message_id: message.message_id,
            sender: raw.from.id,
            sender_is_bot: raw.from.is_bot,
            name: raw.from.name(),
            username: raw.from.username,
            data,
        })
    }
}

impl RawUser {
    fn name(&self) -> String {
        let mut name = match &self.last_name {
            Some(last) => format!("{} {last}", self.first_name),
            None => self.first_name.clone(),
        };
        shorten(&mut name, NAME_LIMIT);
        name
    }
}

impl Press {
    pub(super) fn sender(&self) -> Sender {
        Sender { id: self.sender.to_string(), name: self.name.clone(), username: self.username.clone() }
    }
}

impl From<RawMessage> for Update {
    fn from(raw: RawMessage) -> Self {
        // Channel posts and anonymous admins have no person behind them whom a policy could know.
        let Some(from) = raw.from else { return Self::Other("a message without sender".into()) };
        if raw.chat.kind == "channel" {
            return Self::Other("a channel post".into());
        }
        let mut text = raw.text.or(raw.caption).filter(|text| !text.trim().is_empty());
        if let Some(text) = &mut text {
            shorten(text, TEXT_LIMIT);
        }
        Self::Message(Message {
            chat: raw.chat.id,
            is_group: matches!(raw.chat.kind.as_str(), "group" | "supergroup") || raw.chat.id < 0,
            sender: from.id,
            sender_is_bot: from.is_bot,
            name: from.name(),
            username: from.username,
            text,
            date: raw.date,
            answers: raw.reply_to_message.and_then(|answered| answered.from).map(|user| user.id),
        })
    }
}

impl Message {
    /// What the access policy asks about.
    pub(super) fn who(&self, paired: bool) -> WhoAsks {
        WhoAsks {
            group: self.is_group.then_some(self.chat),
            sender: self.sender,
            is_bot: self.sender_is_bot,
            paired,
        }
    }

    pub(super) fn sender(&self) -> Sender {
        Sender { id: self.sender.to_string(), name: self.name.clone(), username: self.username.clone() }
    }

    /// In a group only what is addressed to the bot is answered: a mention, an answer to it, a command.
    pub(super) fn is_addressed_to(&self, bot_id: Option<u64>, username: Option<&str>) -> bool {
        let answers_bot =
            self.answers.is_some_and(|id| bot_id.is_some_and(|bot| i64::try_from(bot) == Ok(id)));
        let mentioned = username.is_some_and(|username| {
            let text = self.text.as_deref().unwrap_or_default().to_lowercase();
            text.contains(&format!("@{}", username.to_lowercase()))
        });
        !self.is_group || answers_bot || mentioned
    }
}

/// A command, unless it is addressed to another bot (`/status@other_bot`).
pub(super) fn command(text: &str, username: Option<&str>) -> Option<Command> {
    let rest = text.trim_start().strip_prefix('/')?;
    let (word, arguments) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let (name, addressee) = word.split_once('@').map_or((word, None), |(name, to)| (name, Some(to)));
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let for_us =
        addressee.is_none_or(|to| username.is_some_and(|username| username.eq_ignore_ascii_case(to)));
    (for_us && !name.is_empty() && name.len() <= 32 && name.chars().all(good))
        .then(|| Command { name: name.to_ascii_lowercase(), arguments: arguments.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn message(update: &Value) -> Message {
        match read(update) {
            Update::Message(message) => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_least_and_the_most() {
        let least = message(&json!({"message": {"chat": {"id": 42}, "from": {"id": 42}, "text": "hi"}}));
        assert_eq!((least.chat, least.is_group, least.text.as_deref()), (42, false, Some("hi")));
        let photo = message(&json!({"message": {
            "chat": {"id": 42, "type": "private"}, "from": {"id": 42, "first_name": "A", "last_name": "B"},
            "date": 5, "photo": "a form that nobody knows", "caption": "look",
        }}));
        assert_eq!((photo.text.as_deref(), photo.name.as_str()), (Some("look"), "A B"));
        let voice = message(&json!({"message": {"chat": {"id": 42}, "from": {"id": 42}, "voice": {}}}));
        assert_eq!(voice.text, None);
    }

    #[test]
    fn what_is_no_message_of_a_person() {
        for (update, kind) in [
            (json!({"update_id": 1, "brand_new_kind": {}}), "brand_new_kind"),
            (json!({"update_id": 1}), "nothing"),
            (json!([]), "nothing"),
            (json!({"message": 7}), "a message of unknown form"),
            (
                json!({"message": {"chat": {"id": -1, "type": "channel"}, "from": {"id": 1}}}),
                "a channel post",
            ),
            (json!({"message": {"chat": {"id": 1}}}), "a message without sender"),
        ] {
            assert_eq!(read(&update), Update::Other(kind.into()), "{update}");
        }
    }

    #[test]
    fn presses_in_private_in_groups_and_broken_ones() {
        let query = |query: Value| read(&json!({"update_id": 1, "callback_query": query}));
        let press = |chat: Value| match query(json!({
            "id": "9", "from": {"id": 42, "first_name": "A"}, "chat_instance": "1", "data": "r:1",
            "message": {"message_id": 5, "date": 0, "chat": chat},
        })) {
            Update::Press(press) => press,
            other => panic!("{other:?}"),
        };
        let private = press(json!({"id": 42, "type": "private"}));
        assert_eq!((private.is_private, private.message_id, private.data.as_str()), (true, 5, "r:1"));
        assert!(!press(json!({"id": 43, "type": "private"})).is_private, "somebody else's chat");
        assert!(!press(json!({"id": -42, "type": "group"})).is_private);
        for broken in [
            json!({"id": "9", "from": {"id": 42}, "data": "r:1"}),
            json!({"id": "9", "from": {"id": 42}, "message": {"message_id": 5, "chat": {"id": 42}}}),
            json!({"id": "9", "from": {"id": 42}, "data": "x".repeat(65), "message": {"message_id": 5, "chat": {"id": 42}}}),
            json!({"id": 9}),
            json!("x"),
        ] {
            assert!(matches!(query(broken.clone()), Update::Other(_)), "{broken}");
        }
    }

    #[test]
    fn groups_are_answered_when_addressed() {
        let said = |text: &str, answers: Option<i64>| {
            let mut update =
                json!({"message": {"chat": {"id": -5, "type": "group"}, "from": {"id": 1}, "text": text}});
            if let Some(id) = answers {
                update["message"]["reply_to_message"] = json!({"from": {"id": id}});
            }
            message(&update).is_addressed_to(Some(777), Some("Ref_bot"))
        };
        assert!(said("hey @ref_bot", None) && said("yes", Some(777)));
        assert!(!said("hey all", None) && !said("yes", Some(778)));
    }

    #[test]
    fn commands_and_what_only_looks_like_one() {
        let name = |text| command(text, Some("ref_bot")).map(|command| (command.name, command.arguments));
        assert_eq!(name("/status"), Some(("status".into(), String::new())));
        assert_eq!(name("/New@Ref_Bot  again please "), Some(("new".into(), "again please".into())));
        assert_eq!(name("/status@other_bot"), None);
        assert_eq!(name("/etc/passwd is a file"), None);
        assert_eq!(name("/"), None);
        assert_eq!(name("no / command"), None);
    }

    proptest! {
        #[test]
        fn no_update_ends_the_program(text in "\\PC*", id in any::<i64>()) {
            let _ = command(&text, Some("b"));
            let _ = read(&json!({"update_id": id, "message": {"chat": {"id": id, "type": text}, "from": {"id": id}, "text": text}}));
        }
    }
}
