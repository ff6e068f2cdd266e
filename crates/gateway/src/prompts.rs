//! Approvals and questions on Telegram: the message with its buttons, the press that counts, and the message that says how it
//! ended. A button is made for one person in their private chat, is good once, and only while what it asks about waits.

use std::collections::BTreeSet;
use std::time::Duration;

use bulkhead_channels::{Button, ButtonPress, ChannelState, DirectMessage, PressAnswer};
use bulkhead_store::{PromptButton, PromptPlace};
use serde_json::json;

use crate::gateway::Gateway;

/// Stands before what these buttons carry.
pub(crate) const PREFIX: &str = "ask:";
/// How long a 429 may hold a message up.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a bot that is on its way up is waited for.
const CONNECTING: Duration = Duration::from_mins(5);
const TELEGRAM: &str = "telegram";

/// Something to ask.
#[derive(Debug, Clone)]
pub(crate) struct Prompt {
    /// `approval:ID` or `question:ID`.
    pub(crate) subject: String,
    pub(crate) text: String,
    /// Rows of label and choice.
    pub(crate) rows: Vec<Vec<(String, String)>>,
    /// Milliseconds since 1970.
    pub(crate) expires_at: i64,
}

/// A private chat with a bot of this gateway.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PrivateChat {
    pub(crate) account: String,
    pub(crate) person: i64,
}

/// What a good press says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pressed {
    pub(crate) subject: String,
    pub(crate) choice: String,
}

impl Gateway {
    /// Shows something in these chats. What its buttons carry is on disk before they are out.
    pub(crate) async fn show_prompt(&self, prompt: &Prompt, chats: &BTreeSet<PrivateChat>) {
        for chat in chats {
            if let Err(error) = self.show_in(prompt, chat).await {
                tracing::warn!(%error, account = %chat.account, person = chat.person, "somebody could not be asked");
            }
        }
    }

    async fn show_in(&self, prompt: &Prompt, chat: &PrivateChat) -> Result<(), String> {
        let handle = self
            .channels
            .telegram(&chat.account)
            .ok_or_else(|| format!("Telegram account {:?} does not run", chat.account))?;
        let mut carried = Vec::new();
        let mut keyboard = Vec::new();
        for row in &prompt.rows {
            let mut buttons = Vec::new();
            for (label, choice) in row {
                let nonce = uuid::Uuid::new_v4().simple().to_string();
                buttons.push(Button { label: label.clone(), data: format!("{PREFIX}{nonce}") });
                carried.push(PromptButton {
                    nonce,
                    subject: prompt.subject.clone(),
                    choice: choice.clone(),
                    account: chat.account.clone(),
                    person: chat.person.to_string(),
                    expires_at: prompt.expires_at,
                    used_at: None,
                });
            }
            keyboard.push(buttons);
        }
        let prompts = self.store.prompts();
        prompts.add_buttons(carried).await.map_err(|error| error.to_string())?;
        let message = DirectMessage { text: &prompt.text, buttons: &keyboard, silent: false };
        let message_id =
            handle.send_direct(chat.person, message, PATIENCE).await.map_err(|error| error.to_string())?;
        let place = PromptPlace {
            subject: prompt.subject.clone(),
            channel: TELEGRAM.to_owned(),
            account: chat.account.clone(),
            chat: chat.person.to_string(),
            message_id,
        };
        prompts.add_place(place).await.map_err(|error| error.to_string())
    }

    /// Says in every message that asked how it ended, and takes the buttons away.
    pub(crate) async fn settle_prompt(&self, subject: &str, text: &str) {
        let places = match self.store.prompts().take_places(subject).await {
            Ok(places) => places,
            Err(error) => {
                tracing::warn!(%error, subject, "where this was asked is not known");
                return;
            }
        };
        for place in places {
            let Ok(chat) = place.chat.parse::<i64>() else { continue };
            let changed = DirectMessage { text, buttons: &[], silent: true };
            let Some(handle) = self.connected(&place.account).await else { continue };
            if let Err(error) = handle.edit_direct(chat, place.message_id, changed, PATIENCE).await {
                tracing::info!(%error, subject, "a message that asked could not be changed");
            }
        }
    }

    /// The account, once it is connected: right after a start it is on its way up.
    async fn connected(&self, account: &str) -> Option<bulkhead_channels::TelegramHandle> {
        self.channels.ready().await;
        let handle = self.channels.telegram(account)?;
        let mut status = handle.status();
        let connected = status.wait_for(|status| status.state == ChannelState::Connected);
        let connected = tokio::time::timeout(CONNECTING, connected);
        self.stop.run_until_cancelled(connected).await?.ok()?.ok()?;
        Some(handle)
    }

    /// Checks a press and uses its button up. What is refused is audited.
    pub(crate) async fn admit_press(&self, press: &ButtonPress) -> Result<Pressed, PressAnswer> {
        let refuse = async |why: &str, answer: PressAnswer| {
            let actor = format!("{}:{}", press.channel, press.sender.id);
            let detail = json!({"result": "refused", "detail": {"why": why}});
            if let Err(error) = self.store.audit().append(&actor, "approval.button", &detail).await {
                tracing::warn!(%error, %actor, why, "a refusal could not be recorded");
            }
            Err(answer)
        };
        if !press.is_private {
            return refuse("not-private", PressAnswer::default()).await;
        }
        let nonce = press.data.strip_prefix(PREFIX).unwrap_or_default();
        let prompts = self.store.prompts();
        let found = match prompts.button(nonce).await {
            Ok(found) => found,
            Err(error) => return Err(PressAnswer::alert(error.to_string())),
        };
        let Some(button) = found else {
            return refuse("unknown-nonce", PressAnswer::brief("This button is not known here.")).await;
        };
        if button.person != press.sender.id
            || press.peer != press.sender.id
            || button.account != press.account
        {
            return refuse("other-person", PressAnswer::brief("This button was made for somebody else."))
                .await;
        }
        if button.used_at.is_some() {
            let answer = PressAnswer::brief("This was answered already; nothing is done twice.");
            return refuse("replayed", answer).await;
        }
        match prompts.use_button(nonce).await {
            Ok(true) => Ok(Pressed { subject: button.subject, choice: button.choice }),
            Ok(false) => refuse("expired", PressAnswer::brief("It is too late for this one.")).await,
            Err(error) => Err(PressAnswer::alert(error.to_string())),
        }
    }
}
