//! Commands such as `/status`: answered by the gateway itself, without a model, in chat windows and channels alike.
//!
//! [`table`] says which there are; [`read`] recognises one in what somebody wrote; [`answer`] does it and says so. A chat
//! window keeps question and answer in the transcript ([`in_chat`]), where no model reads them; a channel only shows the
//! answer.

mod answer;
mod in_chat;
pub(crate) mod table;
mod words;

pub(crate) use answer::{Context, answer};
pub(crate) use in_chat::{InChat, in_chat};
use table::{COMMANDS, CommandSpec};

/// A command that somebody wrote.
#[derive(Debug, Clone)]
pub(crate) struct Typed {
    pub(crate) spec: &'static CommandSpec,
    /// What follows its name.
    pub(crate) arguments: String,
}

impl Typed {
    /// It stops what is being answered, and waits for nothing.
    pub(crate) fn is_stop(&self) -> bool {
        self.spec.name == "stop"
    }

    /// It begins the conversation anew.
    pub(crate) fn is_new(&self) -> bool {
        matches!(self.spec.name, "new" | "reset")
    }
}

/// The command that a message is, if it is one and nothing else.
pub(crate) fn read(message: &str) -> Option<Typed> {
    let rest = message.trim().strip_prefix('/')?;
    let end = rest.find(|c: char| c.is_whitespace() || c == ':').unwrap_or(rest.len());
    let (name, arguments) = rest.split_at(end);
    named(&name.to_lowercase(), arguments.trim_start_matches(':'))
}

/// A command by its name, without the slash. One that takes no words is none when words follow.
pub(crate) fn named(name: &str, arguments: &str) -> Option<Typed> {
    let spec = COMMANDS.iter().find(|spec| spec.name == name || spec.aliases.contains(&name))?;
    let arguments = arguments.trim();
    (arguments.is_empty() || spec.takes_words()).then(|| Typed { spec, arguments: arguments.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_the_whole_message() {
        let read = |text| read(text).map(|typed| (typed.spec.name, typed.arguments));
        assert_eq!(read("/status"), Some(("status", String::new())));
        assert_eq!(read(" /Model: fake/one "), Some(("model", "fake/one".to_owned())));
        assert_eq!(read("/abort"), Some(("stop", String::new())));
        assert_eq!(read("/status please"), None);
        assert_eq!(read("/nosuch thing"), None);
        assert_eq!(read("look at /status"), None);
        assert_eq!(read("/"), None);
    }
}
