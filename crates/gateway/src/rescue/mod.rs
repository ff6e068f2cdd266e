//! The watch over another gateway: the engine of the rescue crate, put together with this gateway's bot, its database
//! and the supervisor of the one that is watched.
#![allow(dead_code)] // until the engine is composed below

mod journal;
mod keeper;
mod notice;
mod operators;
mod telegram;

pub(crate) use operators::telegram_ids;

/// What operators may say to the bot, besides what everybody may.
pub(crate) const COMMANDS: &[(&str, &str)] = &[
    ("rescue", "Show the watched gateway, with buttons"),
    ("status", "Show how both gateways are"),
    ("restart", "Restart the watched gateway"),
    ("rollback", "Put its last good configuration back"),
    ("logs", "Show its last log lines"),
    ("doctor", "Look at everything there"),
    ("safemode", "Restart it without channels and answers"),
    ("drill", "Take it down to see it noticed and told"),
];
