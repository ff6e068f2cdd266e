//! Commands that need no model, and what strangers are told.

use super::line::Line;
use crate::channel::{ChannelState, Command};

/// The bot's menu.
pub(super) const MENU: &[(&str, &str)] = &[
    ("help", "Show what I understand"),
    ("status", "Show how I am"),
    ("new", "Begin a new conversation"),
    ("stop", "Stop the answer that is being written"),
];

/// Answers what the channel itself knows, when the handler did not answer.
pub(super) fn answer(line: &Line, command: &Command) -> Option<String> {
    match command.name.as_str() {
        "start" => {
            Some("Hello! Write to me as you would to a person. /help shows what else I understand.".into())
        }
        "help" | "commands" => Some(help()),
        "status" => Some(status(line)),
        _ => None,
    }
}

fn help() -> String {
    let mut lines =
        vec!["Write to me as you would to a person. Besides, I understand:".to_owned(), String::new()];
    lines.extend(MENU.iter().map(|(name, description)| format!("- /{name}: {description}")));
    lines.join("\n")
}

fn status(line: &Line) -> String {
    let status = line.status.borrow();
    let state = match status.state {
        ChannelState::Starting => "starting",
        ChannelState::Connected => "connected",
        ChannelState::Degraded => "in trouble",
        ChannelState::Failed => "failed",
        ChannelState::Stopped => "stopped",
    };
    format!("Bulkhead {}\nTelegram: {state}", env!("CARGO_PKG_VERSION"))
}

/// The one message that a stranger gets.
pub(super) fn pairing_notice(profile: Option<&str>, sender: i64, code: &str) -> String {
    let profile = match profile {
        None | Some("main") => String::new(),
        Some(name) => format!("--profile {name} "),
    };
    format!(
        "Bulkhead: access not configured.\n\nYour Telegram user id: {sender}\nPairing code:\n\n```\n{code}\n```\n\n\
         Ask the bot owner to approve it in the app, or with:\n\n```\nbulkhead {profile}pairing approve telegram {code}\n```"
    )
}

/// What somebody gets who sent no words.
pub(super) const ONLY_TEXT: &str = "I can read text only, so far. Please write it.";

/// What somebody gets whose message brought every try to answer it to a bad end.
pub(super) fn given_up(tries: i64) -> String {
    format!(
        "I began to answer this {tries} times and was cut off each time, so I stopped trying. Please ask again in other words."
    )
}
