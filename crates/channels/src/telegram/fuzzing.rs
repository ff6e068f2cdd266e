//! Entry points of the fuzz targets: what a Bot API server sends, through all that reads it.

use serde_json::Value;

use super::markup::{to_html, visible_length};
use super::split::{LIMIT, split};
use super::update::{self, Update};
use crate::BUTTON_DATA_LIMIT;

/// Reads the body of a `getUpdates` answer as the poll does, and what follows from each update.
///
/// # Panics
/// When a bound does not hold that the rest of the program relies on.
pub fn updates(body: &[u8]) {
    let Ok(answer) = serde_json::from_slice::<Value>(body) else { return };
    let list = answer.get("result").unwrap_or(&answer);
    for given in list.as_array().map_or(std::slice::from_ref(list), Vec::as_slice) {
        let _ = update::number(given);
        match update::read(given) {
            Update::Message(message) => {
                let sender = message.sender();
                assert!(sender.name.len() <= 256, "a name of {} bytes", sender.name.len());
                let _ = message.is_addressed_to(Some(7), Some("a_bot"));
                let Some(text) = &message.text else { continue };
                assert!(!text.trim().is_empty() && text.len() <= 64 * 1024, "a text of {} bytes", text.len());
                if let Some(command) = update::command(text, Some("a_bot")) {
                    assert!(!command.name.is_empty() && command.name.len() <= 32);
                }
            }
            Update::Press(press) => {
                assert!(press.data.len() <= BUTTON_DATA_LIMIT && press.query.len() <= 128);
                assert!(!press.is_private || press.chat == press.sender, "somebody else's chat is private");
            }
            Update::Other(kind) => assert!(kind.chars().count() <= 40),
        }
    }
}

/// Cuts an answer of a model into messages and makes each what Telegram takes.
///
/// # Panics
/// When a piece is longer than a message may be.
pub fn answer(markdown: &str) {
    for piece in split(markdown) {
        assert!(piece.encode_utf16().count() <= LIMIT, "a piece that is too long");
        let html = to_html(&piece);
        assert!(visible_length(&html) <= LIMIT, "HTML that is too long");
    }
}
