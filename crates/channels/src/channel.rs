//! What every channel offers, and what it asks of whoever answers.

use async_trait::async_trait;
use serde::Serialize;
use tokio::sync::watch;

use crate::ChannelError;
use crate::telegram::BotIdentity;

/// How a channel stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelState {
    /// On its way up.
    Starting,
    /// Receives and sends.
    Connected,
    /// Trouble that it expects to get over by itself.
    Degraded,
    /// Trouble that a person must solve.
    Failed,
    /// Off.
    Stopped,
}

/// How a channel stands, for people and programs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChannelStatus {
    /// The channel, such as `telegram`.
    pub channel: &'static str,
    /// Account on it.
    pub account: String,
    /// How it stands.
    pub state: ChannelState,
    /// Stable name of the trouble, if any.
    pub code: Option<&'static str>,
    /// One sentence: what, where, the next step.
    pub detail: String,
    /// Who it is there, once known.
    pub bot: Option<BotIdentity>,
    /// Since when it stands so, in milliseconds since 1970.
    pub since: i64,
    /// When it was last found to be connected after it was not.
    pub connected_at: Option<i64>,
    /// When its server last answered.
    pub last_activity_at: Option<i64>,
    /// How often it was tried again in vain since it was connected.
    pub retries: u32,
    /// When the last message came in.
    pub last_inbound_at: Option<i64>,
    /// When the last message went out.
    pub last_outbound_at: Option<i64>,
}

/// Somebody on a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sender {
    /// Id there.
    pub id: String,
    /// Name there.
    pub name: String,
    /// Handle there, if any.
    pub username: Option<String>,
}

/// One message that may be answered: access was decided before.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InboundMessage {
    /// Its row in the inbox.
    pub inbox_id: i64,
    /// The channel, such as `telegram`.
    pub channel: &'static str,
    /// Account on it.
    pub account: String,
    /// The same for every delivery of this message, also after a crash: use it as run id and idempotency key.
    pub run_id: String,
    /// The chat to answer in.
    pub peer: String,
    /// Whether the chat is a group.
    pub is_group: bool,
    /// Who wrote.
    pub sender: Sender,
    /// What they wrote.
    pub text: String,
    /// When, in milliseconds since 1970.
    pub sent_at: i64,
    /// How often an answer was begun; more than 1 after a crash.
    pub attempt: i64,
    /// What the chat was shown of an earlier attempt that was cut off. Another answer in its place would be a second one.
    pub shown: Option<String>,
}

/// A command such as `/new`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Its name, without the slash, in lower case.
    pub name: String,
    /// What follows.
    pub arguments: String,
}

/// Bytes that a button may carry, by the Bot API.
pub const BUTTON_DATA_LIMIT: usize = 64;

/// A button under a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    /// What stands on it.
    pub label: String,
    /// What comes back when it is pressed: 1 to [`BUTTON_DATA_LIMIT`] bytes. Whoever receives it must check it: anybody
    /// can send any text in its place.
    pub data: String,
}

/// A message that goes out at once, as plain text.
#[derive(Debug, Clone, Copy, Default)]
pub struct DirectMessage<'a> {
    /// The text, without markup.
    pub text: &'a str,
    /// Rows of buttons under it.
    pub buttons: &'a [Vec<Button>],
    /// Without a sound.
    pub silent: bool,
}

/// Somebody pressed a button. Nothing was decided yet: whoever handles it checks who pressed, where, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ButtonPress {
    /// The channel, such as `telegram`.
    pub channel: &'static str,
    /// Account on it.
    pub account: String,
    /// The same for every delivery of this press, also after a crash.
    pub press_id: String,
    /// The chat in which the message stands.
    pub peer: String,
    /// Whether that is the private chat of bot and sender.
    pub is_private: bool,
    /// The message with the button.
    pub message_id: i64,
    /// Who pressed.
    pub sender: Sender,
    /// What the button carries, or what somebody sent in its place.
    pub data: String,
    /// How often it was handed out; more than 1 after a crash, 0 if that could not be recorded.
    pub attempt: i64,
}

/// What the person who pressed a button is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PressAnswer {
    /// A few words; without them the button just comes to rest.
    pub text: Option<String>,
    /// In a window that must be closed, instead of for a moment.
    pub alert: bool,
}

impl PressAnswer {
    /// Words for a moment.
    pub fn brief(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), alert: false }
    }

    /// Words that must be closed.
    pub fn alert(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), alert: true }
    }
}

/// Whoever answers.
#[async_trait]
pub trait InboundHandler: Send + Sync {
    /// Answers a message through `reply`. Messages of one chat come one after the other; the next one waits until this
    /// returns. Returning without [`Reply::finish`] means that no answer is wanted.
    async fn handle(&self, message: InboundMessage, reply: Box<dyn Reply>);

    /// Answers a command at once, even while an answer in the same chat is being written. `None` hands it to
    /// [`InboundHandler::handle`] as a message.
    async fn command(&self, _command: &Command, _message: &InboundMessage) -> Option<String> {
        None
    }

    /// A message that is to be handled at once, as this command, although it is none: the answer to what was asked in the
    /// same chat, while that one waits.
    fn as_command(&self, _message: &InboundMessage) -> Option<Command> {
        None
    }

    /// Somebody pressed a button. The button spins until this returns, so long work goes on elsewhere. It may be handed
    /// out again after a crash: what must happen once, the handler secures.
    async fn press(&self, _press: ButtonPress) -> PressAnswer {
        PressAnswer::default()
    }
}

/// An answer on its way.
#[async_trait]
pub trait Reply: Send {
    /// Shows that an answer is being worked on.
    async fn typing(&mut self);

    /// Shows the answer as far as it is written. Cheap: it returns at once, and the channel shows the newest text about
    /// once a second.
    async fn stream(&mut self, text_so_far: &str);

    /// Records the final answer. When this returns `Ok`, the answer reaches the chat whatever happens, and the message
    /// is never handed out again. Text without content removes what was shown.
    async fn finish(self: Box<Self>, text: &str) -> Result<(), ChannelError>;
}

/// The usual way to hold a [`Reply`].
pub type ReplySink = Box<dyn Reply>;

/// A running channel.
#[async_trait]
pub trait Channel: Send + Sync {
    /// The channel, such as `telegram`.
    fn name(&self) -> &'static str;

    /// Account on it.
    fn account(&self) -> &str;

    /// How it stands, now and whenever that changes.
    fn status(&self) -> watch::Receiver<ChannelStatus>;

    /// Records a message to a chat; it goes out as soon as the channel takes it.
    async fn send(&self, target: &str, text: &str) -> Result<(), ChannelError>;

    /// Stops. What is not finished goes on at the next start.
    async fn stop(&self);
}
