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
            let (part, left) = cut(rest, TEXT_LIMIT);
            let buttons = if left.is_empty() { message.buttons } else { &[] };
            let extras = Extras { buttons, silent: message.silent };
            let sent = obeying(&self.line, deadline, async |api: &Api| {
                api.send(chat, part, Format::Plain, extras).await
            });
            let sent = sent.await?;
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
        let deadline = Instant::now() + patience;
        let text = shortened(message.text);
        let edited = obeying(&self.line, deadline, async |api: &Api| {
            api.edit(chat, message_id, &text, Format::Plain, message.buttons).await
        });
        unmodified_is_fine(edited.await)
    }

    /// Gives a message exactly these buttons; its text stays.
    pub async fn edit_buttons_direct(
        &self,
        chat: i64,
        message_id: i64,
        buttons: &[Vec<Button>],
        patience: Duration,
    ) -> Result<(), ChannelError> {
        let deadline = Instant::now() + patience;
        let edited = obeying(&self.line, deadline, async |api: &Api| {
            api.edit_buttons(chat, message_id, buttons).await
        });
        unmodified_is_fine(edited.await)
    }
}

fn unmodified_is_fine(outcome: Result<(), ChannelError>) -> Result<(), ChannelError> {
    match outcome {
        Err(error) if is_unmodified(&error) => Ok(()),
        outcome => outcome,
    }
}

/// Calls, and calls again as often as the server asks to wait for less than what is left.
async fn obeying<T>(
    line: &Line,
    deadline: Instant,
    call: impl AsyncFn(&Api) -> Result<T, ChannelError>,
) -> Result<T, ChannelError> {
    loop {
        let setup = line.setup();
        let Some(api) = &setup.api else {
            let detail = line.status.borrow().detail.clone();
            return Err(ChannelError::NotConnected { account: setup.settings.account.clone(), detail });
        };
        let error = match call(api).await {
            Err(error @ ChannelError::TooMany { .. }) => error,
            outcome => return outcome,
        };
        let ChannelError::TooMany { seconds, .. } = &error else { return Err(error) };
        line.keep_quiet(*seconds);
        let wait = Duration::from_secs(*seconds);
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
