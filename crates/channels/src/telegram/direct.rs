//! Sending at once and past the database: what must be said although the disk is full. Nothing here is kept: whoever
//! calls sees whether it went out, and tries again.

use std::time::Duration;

use tokio::time::Instant;

use super::TelegramHandle;
use super::api::{Api, Extras, Format};
use super::delivery::is_unmodified;
use super::line::Line;
use crate::ChannelError;
use crate::channel::{Button, DirectMessage};

/// UTF-16 units that a message may have.
const TEXT_LIMIT: usize = 4096;
/// Stands where a text was cut.
const CUT: &str = "\n…";

impl TelegramHandle {
    /// Sends a message and answers its id; of a text that needs several, the last, which has the buttons. A 429 is
    /// obeyed if the wait fits into `patience`, else it is the error.
    pub async fn send_direct(
        &self,
        chat: i64,
        message: DirectMessage<'_>,
        patience: Duration,
    ) -> Result<i64, ChannelError> {
        let deadline = Instant::now() + patience;
        let mut rest = message.text;
        loop {
            let (text, left) = cut(rest, TEXT_LIMIT);
            let buttons = if left.is_empty() { message.buttons } else { &[] };
            let call = Call::Send { text, extras: Extras { buttons, silent: message.silent } };
            let sent = obeying(&self.line, deadline, chat, call).await?;
            self.line.note_outbound();
            if left.is_empty() {
                return Ok(sent);
            }
            rest = left;
        }
    }

    /// Gives a message another text (as much of it as one message takes) and exactly these buttons.
    pub async fn edit_direct(
        &self,
        chat: i64,
        message_id: i64,
        message: DirectMessage<'_>,
        patience: Duration,
    ) -> Result<(), ChannelError> {
        let text = shortened(message.text);
        let call = Call::Edit { message_id, text: &text, buttons: message.buttons };
        obeying(&self.line, Instant::now() + patience, chat, call).await.map(drop)
    }

    /// Gives a message exactly these buttons; its text stays.
    pub async fn edit_buttons_direct(
        &self,
        chat: i64,
        message_id: i64,
        buttons: &[Vec<Button>],
        patience: Duration,
    ) -> Result<(), ChannelError> {
        let call = Call::EditButtons { message_id, buttons };
        obeying(&self.line, Instant::now() + patience, chat, call).await.map(drop)
    }
}

/// One call of the API.
#[derive(Clone, Copy)]
enum Call<'a> {
    Send { text: &'a str, extras: Extras<'a> },
    Edit { message_id: i64, text: &'a str, buttons: &'a [Vec<Button>] },
    EditButtons { message_id: i64, buttons: &'a [Vec<Button>] },
}

impl Call<'_> {
    /// The id of the message.
    async fn make(self, api: &Api, chat: i64) -> Result<i64, ChannelError> {
        let (message_id, edited) = match self {
            Self::Send { text, extras } => return api.send(chat, text, Format::Plain, extras).await,
            Self::Edit { message_id, text, buttons } => {
                (message_id, api.edit(chat, message_id, text, Format::Plain, buttons).await)
            }
            Self::EditButtons { message_id, buttons } => {
                (message_id, api.edit_buttons(chat, message_id, buttons).await)
            }
        };
        match edited {
            Err(error) if is_unmodified(&error) => Ok(message_id),
            outcome => outcome.map(|()| message_id),
        }
    }
}

/// Calls, and calls again as often as the server asks to wait for less than what is left.
async fn obeying(line: &Line, deadline: Instant, chat: i64, call: Call<'_>) -> Result<i64, ChannelError> {
    loop {
        let setup = line.setup();
        let Some(api) = &setup.api else {
            let detail = line.status.borrow().detail.clone();
            return Err(ChannelError::NotConnected { account: setup.settings.account.clone(), detail });
        };
        let (error, seconds) = match call.make(api, chat).await {
            Err(error @ ChannelError::TooMany { seconds, .. }) => (error, seconds),
            outcome => return outcome,
        };
        line.keep_quiet(seconds);
        let wait = Duration::from_secs(seconds);
        if Instant::now() + wait > deadline {
            return Err(error);
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = line.stop.cancelled() => return Err(error),
        }
    }
}

/// As much as fits, cut behind a line if there is one, and the rest.
fn cut(text: &str, limit: usize) -> (&str, &str) {
    let mut units = 0;
    let over = text.char_indices().find(|(_, c)| {
        units += c.len_utf16();
        units > limit
    });
    let Some((end, _)) = over else { return (text, "") };
    match text[..end].rfind('\n') {
        Some(line) if line > 0 => (&text[..line], &text[line + 1..]),
        _ => text.split_at(end),
    }
}

fn shortened(text: &str) -> String {
    match cut(text, TEXT_LIMIT) {
        (whole, "") => whole.to_owned(),
        _ => cut(text, TEXT_LIMIT - CUT.len()).0.to_owned() + CUT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_behind_lines_and_lose_nothing() {
        assert_eq!(cut("short", 10), ("short", ""));
        assert_eq!(cut("one\ntwo\nthree", 9), ("one\ntwo", "three"));
        assert_eq!(cut("onelongline", 4), ("onel", "ongline"));
        assert_eq!(cut("😀😀😀", 4), ("😀😀", "😀"), "Telegram counts in UTF-16");
        let long = "a line of some length\n".repeat(400);
        let (mut rest, mut parts) = (long.as_str(), Vec::new());
        while !rest.is_empty() {
            let (part, left) = cut(rest, TEXT_LIMIT);
            assert!(part.encode_utf16().count() <= TEXT_LIMIT);
            parts.push(part);
            rest = left;
        }
        assert_eq!(parts.join("\n").lines().count(), 400);
        assert!(shortened(&long).encode_utf16().count() <= TEXT_LIMIT);
        assert!(shortened(&long).ends_with(CUT));
    }
}
