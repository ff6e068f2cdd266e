//! Telling operators by this gateway's own bot, past the database: an alert must go out on a full disk too.

use std::sync::Weak;
use std::time::Duration;

use async_trait::async_trait;
use bulkhead_channels::{Button, ChannelError, DirectMessage, TelegramHandle};
use bulkhead_rescue::{Message, MessageRef, Recipient, TellError, Teller};

use crate::gateway::Gateway;

/// As the engine knows this way.
pub(super) const NAME: &str = "telegram";
/// Stands before what our buttons carry, so that a press is known as one of ours.
pub(super) const PREFIX: &str = "rescue:";
/// How long a 429 may hold one message up; the engine tries again after that.
const PATIENCE: Duration = Duration::from_secs(10);

/// This gateway's bot.
pub(super) struct TelegramTeller {
    gateway: Weak<Gateway>,
}

impl TelegramTeller {
    pub(super) fn new(gateway: Weak<Gateway>) -> Self {
        Self { gateway }
    }
}

/// The buttons as the channel has them.
pub(super) fn keyboard(rows: &[Vec<bulkhead_rescue::Button>]) -> Vec<Vec<Button>> {
    let button = |button: &bulkhead_rescue::Button| Button {
        label: button.label.clone(),
        data: format!("{PREFIX}{}", button.nonce.as_str()),
    };
    rows.iter().map(|row| row.iter().map(button).collect()).collect()
}

/// Sends to one person's private chat. Their id is the chat's id there.
pub(super) async fn send(
    handle: &TelegramHandle,
    chat: i64,
    text: &str,
    rows: &[Vec<bulkhead_rescue::Button>],
    silent: bool,
) -> Result<i64, ChannelError> {
    let buttons = keyboard(rows);
    handle.send_direct(chat, DirectMessage { text, buttons: &buttons, silent }, PATIENCE).await
}

/// Where a message stands: which bot, which chat, which message.
#[derive(Debug, PartialEq, Eq)]
struct Stands {
    bot: String,
    chat: i64,
    message_id: i64,
}

impl Stands {
    fn write(&self) -> MessageRef {
        MessageRef(format!("{}/{}/{}", self.bot, self.chat, self.message_id))
    }

    fn read(reference: &MessageRef) -> Option<Self> {
        let mut parts = reference.0.rsplitn(3, '/');
        let (message_id, chat, bot) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self { bot: bot.to_owned(), chat: chat.parse().ok()?, message_id: message_id.parse().ok()? })
    }
}

fn explain(error: &ChannelError, who: &str) -> TellError {
    if error.is_message_gone() {
        return TellError::Gone;
    }
    if error.is_person_out_of_reach() {
        return TellError::Never {
            why: format!(
                "the bot may not write to {who}: they have to open a chat with it and press Start ({error})"
            ),
        };
    }
    let after = match error {
        ChannelError::TooMany { seconds, .. } => Some(Duration::from_secs(*seconds)),
        _ => None,
    };
    if error.may_pass() {
        TellError::Later { why: error.to_string(), after }
    } else {
        TellError::Never { why: error.to_string() }
    }
}

#[async_trait]
impl Teller for TelegramTeller {
    fn name(&self) -> &str {
        NAME
    }

    fn recipients(&self) -> Vec<Recipient> {
        let Some(gateway) = self.gateway.upgrade() else { return Vec::new() };
        let rescue = &gateway.settings.now().config.rescue;
        if !rescue.notify.telegram || !gateway.channels.has_telegram() {
            return Vec::new();
        }
        let numbers = super::operators::telegram_ids(&rescue.operators);
        let recipient = |id: i64| Recipient { teller: NAME.to_owned(), operator: id.to_string() };
        numbers.into_iter().map(recipient).collect()
    }

    async fn tell(
        &self,
        to: &Recipient,
        message: &Message,
        existing: Option<&MessageRef>,
    ) -> Result<MessageRef, TellError> {
        let gone = || TellError::Later { why: "this gateway is on its way down".to_owned(), after: None };
        let gateway = self.gateway.upgrade().ok_or_else(gone)?;
        let Some((handle, bot)) = gateway.channels.telegram_for_alerts() else {
            let why = "no Telegram account runs here; see `bulkhead channels status`".to_owned();
            return Err(TellError::Later { why, after: None });
        };
        let Ok(chat) = to.operator.parse::<i64>() else {
            return Err(TellError::Never { why: format!("{:?} is no user id of Telegram", to.operator) });
        };
        if let Some(reference) = existing {
            let stands = Stands::read(reference).filter(|stands| stands.bot == bot).ok_or(TellError::Gone)?;
            let buttons = keyboard(&message.buttons);
            let changed = DirectMessage { text: &message.text, buttons: &buttons, silent: true };
            return match handle.edit_direct(stands.chat, stands.message_id, changed, PATIENCE).await {
                Ok(()) => Ok(reference.clone()),
                Err(error) => Err(explain(&error, &to.operator)),
            };
        }
        match send(&handle, chat, &message.text, &message.buttons, message.silent).await {
            Ok(message_id) => Ok(Stands { bot, chat, message_id }.write()),
            Err(error) => Err(explain(&error, &to.operator)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_message_stands_reads_back() {
        let stands = Stands { bot: "default#777".into(), chat: 42, message_id: 9 };
        assert_eq!(Stands::read(&stands.write()), Some(stands));
        assert_eq!(Stands::read(&MessageRef("app".into())), None);
        assert_eq!(Stands::read(&MessageRef("a/b/c".into())), None);
    }

    #[test]
    fn errors_are_told_apart() {
        let refused = |status, description: &str| ChannelError::Refused {
            server: "s".into(),
            method: "sendMessage",
            status,
            description: description.into(),
        };
        assert_eq!(explain(&refused(400, "Bad Request: message to edit not found"), "42"), TellError::Gone);
        assert!(matches!(
            explain(&refused(403, "Forbidden: bot was blocked"), "42"),
            TellError::Never { .. }
        ));
        let limit = ChannelError::TooMany { server: "s".into(), method: "sendMessage", seconds: 60 };
        let TellError::Later { after, .. } = explain(&limit, "42") else { panic!() };
        assert_eq!(after, Some(Duration::from_mins(1)));
        assert!(matches!(explain(&ChannelError::MalformedToken, "42"), TellError::Never { .. }));
    }

    #[test]
    fn buttons_fit_into_what_telegram_takes() {
        let nonce = bulkhead_rescue::Nonce::generate().unwrap();
        let row = vec![bulkhead_rescue::Button {
            label: "Restart".into(),
            remedy: bulkhead_rescue::RemedyKind::Restart,
            nonce: nonce.clone(),
        }];
        let made = keyboard(&[row]);
        assert!(made[0][0].data.len() <= bulkhead_channels::BUTTON_DATA_LIMIT);
        assert_eq!(made[0][0].data.strip_prefix(PREFIX), Some(nonce.as_str()));
    }
}
