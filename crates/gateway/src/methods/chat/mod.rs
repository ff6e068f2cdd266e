//! `chat.*`: open a conversation, read it, write into it, stop the answer.

mod history;
mod inject;
pub(in crate::methods) mod metadata;
mod origin;
mod send;
mod timing;

pub(super) use send::{Said, check_message, check_run_id, say};

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "chat.startup" => history::startup,
    "chat.history" => history::history,
    "chat.message.get" => history::message,
    "chat.metadata" => metadata::chat_metadata,
    "chat.send" => send::send,
    "chat.inject" => inject::inject,
    "chat.abort" => send::abort,
    "commands.list" => metadata::commands_list,
};
