//! Which commands there are: data.

use serde::Deserialize;
use serde_json::{Value, json};

/// One command.
#[derive(Debug)]
pub(crate) struct CommandSpec {
    /// Its name, without the slash.
    pub(crate) name: &'static str,
    /// Other names of it.
    pub(crate) aliases: &'static [&'static str],
    /// `session`, `options` or `status`.
    pub(crate) category: &'static str,
    /// For people.
    pub(crate) description: &'static str,
    /// The words that may follow: name, description, the choices if they are fixed.
    pub(crate) words: &'static [Word],
}

/// A word that follows a command: name, description, choices.
type Word = (&'static str, &'static str, &'static [&'static str]);

/// Where commands are offered: written as text, or in a channel's own menu.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Surface {
    /// Written as text.
    Text,
    /// In a channel's menu.
    Native,
    /// Either.
    #[default]
    Both,
}

impl CommandSpec {
    /// Whether words may follow.
    pub(crate) fn takes_words(&self) -> bool {
        !self.words.is_empty()
    }

    /// Every command is offered everywhere.
    #[allow(clippy::unused_self, reason = "which surface has which command is this table's to say")]
    pub(crate) fn is_on(&self, _surface: Surface) -> bool {
        true
    }

    /// As the protocol lists it.
    pub(crate) fn to_wire(&self, with_words: bool) -> Value {
        let aliases: Vec<String> =
            std::iter::once(&self.name).chain(self.aliases).map(|name| format!("/{name}")).collect();
        let mut wire = json!({
            "name": self.name,
            "nativeName": self.name,
            "textAliases": aliases,
            "description": self.description,
            "category": self.category,
            "source": "native",
            "scope": "both",
            "acceptsArgs": self.takes_words(),
        });
        if with_words && self.takes_words() {
            wire["args"] = self.words.iter().map(word).collect();
        }
        wire
    }
}

fn word((name, description, choices): &Word) -> Value {
    let mut word = json!({"name": name, "description": description, "type": "string"});
    if !choices.is_empty() {
        word["choices"] = choices.iter().map(|choice| json!({"value": choice, "label": choice})).collect();
    }
    word
}

const fn plain(
    name: &'static str,
    category: &'static str,
    description: &'static str,
    words: &'static [Word],
) -> CommandSpec {
    CommandSpec { name, aliases: &[], category, description, words }
}

impl CommandSpec {
    const fn or(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }
}

/// Every command, in the order in which help shows them.
pub(crate) const COMMANDS: &[CommandSpec] = &[
    plain("help", "status", "Show what can be asked for.", &[]),
    plain("commands", "status", "List every command.", &[]),
    plain("status", "status", "Show how the gateway and this conversation are.", &[]),
    plain("whoami", "status", "Show who you are here.", &[]).or(&["id"]),
    plain("stop", "session", "Stop the answer that is being written.", &[]).or(&["abort"]),
    plain("new", "session", "Begin a new conversation.", &[("message", "what to begin with", &[])]),
    plain("reset", "session", "Begin this conversation anew.", &[("message", "what to begin with", &[])]),
    plain(
        "compact",
        "session",
        "Summarise what was said, so that more fits.",
        &[("instructions", "what the summary should keep", &[])],
    ),
    plain("name", "session", "Give this conversation a name.", &[("title", "its name", &[])]),
    plain(
        "model",
        "options",
        "Show or choose the model of this conversation.",
        &[("model", "provider/model, or default", &[])],
    ),
    plain("models", "options", "List the models that can be chosen.", &[]),
    plain("think", "options", "Show or set how hard the model thinks.", &[("level", "the level", &[])])
        .or(&["thinking", "t"]),
    plain(
        "verbose",
        "options",
        "Show or set whether tools are shown at work.",
        &[("mode", "on, off or full", &["on", "off", "full"])],
    )
    .or(&["v"]),
    plain(
        "reasoning",
        "options",
        "Show or set whether reasoning is shown.",
        &[("mode", "on, off or stream", &["on", "off", "stream"])],
    )
    .or(&["reason"]),
    plain(
        "usage",
        "options",
        "Show what this conversation used, or set the line under answers.",
        &[("mode", "off, tokens or full", &["off", "tokens", "full"])],
    ),
    plain(
        "send",
        "options",
        "Show or set whether this conversation takes messages.",
        &[("mode", "on, off or inherit", &["on", "off", "inherit"])],
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_name_means_two_commands() {
        let mut seen = HashSet::new();
        for name in COMMANDS.iter().flat_map(|spec| std::iter::once(&spec.name).chain(spec.aliases)) {
            assert!(seen.insert(name), "{name}");
        }
    }
}
