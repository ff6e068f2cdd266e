//! Channels: how people reach the agent from elsewhere, and how its answers reach them although anything may crash.
//!
//! A [`Channel`] receives messages, records each in the inbox in the transaction that acknowledges it, asks the access
//! policy, and hands it to an [`InboundHandler`] with a [`Reply`] to answer through. What must go out is a row of the
//! outbox until it is out. After `kill -9` no message is lost and no answer is given twice; at most one empty
//! placeholder is left behind.
//!
//! [`Telegram`] is the one channel so far: long polling, pairing, answers that grow while they are written, buttons
//! under messages, and a way to send that needs no database, for what must be said on a full disk.
//!
//! This crate never runs a model, never decides what an answer says, and never lets a bot token into an error, a log
//! or a status.
//!
//! ```no_run
//! # async fn example(store: bulkhead_store::Store, token: secrecy::SecretString) {
//! use std::sync::Arc;
//! use bulkhead_channels::{InboundHandler, InboundMessage, Reply, Telegram, TelegramSettings};
//!
//! struct Echo;
//!
//! #[async_trait::async_trait]
//! impl InboundHandler for Echo {
//!     async fn handle(&self, message: InboundMessage, mut reply: Box<dyn Reply>) {
//!         reply.stream("Let me think …").await;
//!         let _ = reply.finish(&format!("You said: {}", message.text)).await;
//!     }
//! }
//!
//! let telegram = Telegram::start(TelegramSettings::new(token), store, Arc::new(Echo));
//! println!("{}", telegram.status().borrow().detail);
//! # }
//! ```

mod channel;
mod error;
mod telegram;

pub use channel::{
    BUTTON_DATA_LIMIT, Button, ButtonPress, Channel, ChannelState, ChannelStatus, Command, DirectMessage,
    InboundHandler, InboundMessage, PressAnswer, Reply, ReplySink, Sender,
};
pub use error::ChannelError;
#[cfg(feature = "fuzzing")]
pub use telegram::fuzzing;
pub use telegram::{
    Access, BotIdentity, DEFAULT_API_ROOT, Delivered, Groups, Menu, Menus, Telegram, TelegramHandle,
    TelegramSettings, WhoAsks, access, check_token,
};
