//! Telling: texts, quiet hours, limits against storms.

mod message;

pub use message::{Button, Message, MessageKind, MessageRef, Recipient};
