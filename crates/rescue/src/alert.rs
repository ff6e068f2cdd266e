//! Telling: texts, quiet hours, limits against storms.

mod desk;
mod message;
mod quiet;
pub mod text;

pub use desk::{Desk, Errand};
pub use message::{Button, Message, MessageKind, MessageRef, Recipient};
pub use quiet::QuietHours;
