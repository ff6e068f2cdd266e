//! Which commands there are: data.

use std::sync::OnceLock;

use bulkhead_channels::Menus;
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
    /// In which menus of a channel it stands. Who writes it is answered wherever they are.
    menu: Place,
}

/// Where a command stands in the menus of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// Nowhere: it is another one's twin.
    Nowhere,
    /// In owners' private chats.
    Owners,
    /// In private chats.
    Private,
    /// In groups too.
    Everywhere,
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
    CommandSpec { name, aliases: &[], category, description, words, menu: Place::Private }
}

impl CommandSpec {
    const fn or(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    const fn shown(mut self, menu: Place) -> Self {
        self.menu = menu;
        self
    }
}

/// Every command, in the order in which help shows them.
pub(crate) const COMMANDS: &[CommandSpec] = &[
    plain("help", "status", "Show what can be asked for.", &[]).shown(Place::Everywhere),
    plain("commands", "status", "List every command.", &[]).shown(Place::Nowhere),
    plain("status", "status", "Show how the gateway and this conversation are.", &[])
        .shown(Place::Everywhere),
    plain("whoami", "status", "Show who you are here.", &[]).or(&["id"]).shown(Place::Everywhere),
    plain("stop", "session", "Stop the answer that is being written.", &[])
        .or(&["abort"])
        .shown(Place::Everywhere),
    plain("new", "session", "Begin a new conversation.", &[("message", "what to begin with", &[])])
        .shown(Place::Everywhere),
    plain("reset", "session", "Begin this conversation anew.", &[("message", "what to begin with", &[])])
        .shown(Place::Nowhere),
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
    .or(&["v"])
    .shown(Place::Owners),
    plain(
        "reasoning",
        "options",
        "Show or set whether reasoning is shown.",
        &[("mode", "on, off or stream", &["on", "off", "stream"])],
    )
    .or(&["reason"])
    .shown(Place::Owners),
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
    )
    .shown(Place::Owners),
];

/// The menus of a channel.
pub(crate) fn menus() -> Menus {
    static MENUS: OnceLock<[Vec<(&'static str, &'static str)>; 3]> = OnceLock::new();
    let [private, groups, owners] = MENUS.get_or_init(|| {
        let of = |shown: fn(Place) -> bool| {
            COMMANDS
                .iter()
                .filter(|spec| shown(spec.menu))
                .map(|spec| (spec.name, spec.description))
                .collect()
        };
        [
            of(|place| place >= Place::Private),
            of(|place| place == Place::Everywhere),
            of(|place| place == Place::Owners),
        ]
    });
    Menus { private, groups, owners }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn menus_show_what_makes_sense_where_they_are() {
        let names = |menu: bulkhead_channels::Menu| menu.iter().map(|(name, _)| *name).collect::<Vec<_>>();
        let menus = menus();
        assert_eq!(names(menus.groups), ["help", "status", "whoami", "stop", "new"]);
        assert_eq!(
            names(menus.private),
            [
                "help", "status", "whoami", "stop", "new", "compact", "name", "model", "models", "think",
                "usage"
            ]
        );
        assert_eq!(names(menus.owners), ["verbose", "reasoning", "send"]);
    }

    #[test]
    fn no_name_means_two_commands() {
        let mut seen = HashSet::new();
        for name in COMMANDS.iter().flat_map(|spec| std::iter::once(&spec.name).chain(spec.aliases)) {
            assert!(seen.insert(name), "{name}");
        }
    }
}
