//! The menus of commands: one for private chats, one for groups, and those of owners' and operators' private chats, which
//! show more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::commands::MENU;
use super::line::{CHANNEL, Line};
use super::settings::TelegramSettings;

/// Commands with their descriptions.
pub type Menu = &'static [(&'static str, &'static str)];

/// What the menus show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Menus {
    /// In private chats.
    pub private: Menu,
    /// In groups.
    pub groups: Menu,
    /// In owners' private chats, beside those of everybody.
    pub owners: Menu,
}

impl Default for Menus {
    fn default() -> Self {
        Self { private: MENU, groups: MENU, owners: &[] }
    }
}

/// What was told to which bot.
#[derive(Debug, Default)]
struct Told {
    account: String,
    everybody: Option<Menus>,
    chats: BTreeMap<i64, Vec<(&'static str, &'static str)>>,
    /// The bot did not know somebody's chat yet: the person has to write first.
    incomplete: bool,
}

/// Keeps the menus as the settings want them, until the line stops.
pub(super) async fn run(line: Arc<Line>) {
    let mut setups = line.setup.subscribe();
    let mut statuses = line.status.subscribe();
    let mut told = Told::default();
    loop {
        setups.mark_unchanged();
        statuses.mark_unchanged();
        if line.bot().is_some() {
            tell(&line, &mut told).await;
        }
        loop {
            tokio::select! {
                () = line.drain.cancelled() => return,
                () = line.operator_wrote.notified() => if told.incomplete { break },
                changed = setups.changed() => if changed.is_ok() { break } else { return },
                // The status changes with every message; only whose bot it is matters.
                changed = statuses.changed() => {
                    if changed.is_err() { return }
                    statuses.mark_unchanged();
                    if line.bot().is_some() && line.settings_account() != told.account { break }
                }
            }
        }
    }
}

async fn tell(line: &Line, told: &mut Told) {
    let setup = line.setup();
    let Some(api) = &setup.api else { return };
    let settings = &setup.settings;
    let account = settings.store_account();
    if told.account != account {
        // The first menus of a bot are set when it connects.
        *told = Told { account, everybody: Some(settings.menus), ..Told::default() };
    }
    if told.everybody != Some(settings.menus) {
        match api.set_commands(settings.menus.private, settings.menus.groups).await {
            Ok(()) => told.everybody = Some(settings.menus),
            Err(error) => tracing::debug!(channel = CHANNEL, code = error.code(), "{error}"),
        }
    }
    let wanted = wanted(settings);
    let former: Vec<i64> = told.chats.keys().filter(|chat| !wanted.contains_key(chat)).copied().collect();
    for chat in former {
        told.chats.remove(&chat);
        if let Err(error) = api.forget_commands_of(chat).await {
            tracing::debug!(channel = CHANNEL, chat, code = error.code(), "{error}");
        }
    }
    told.incomplete = false;
    for (chat, menu) in wanted {
        if told.chats.get(&chat) == Some(&menu) {
            continue;
        }
        match api.set_commands_of(chat, &menu).await {
            Ok(()) => drop(told.chats.insert(chat, menu)),
            Err(error) => {
                tracing::debug!(channel = CHANNEL, chat, code = error.code(), "{error}");
                told.incomplete = true;
            }
        }
    }
}

/// The private chats that see more than everybody, with what they see.
fn wanted(settings: &TelegramSettings) -> BTreeMap<i64, Vec<(&'static str, &'static str)>> {
    let Menus { private, owners, .. } = settings.menus;
    let none = BTreeSet::new();
    let owning = if owners.is_empty() { &none } else { &settings.owners };
    let operating = if settings.operator_commands.is_empty() { &none } else { &settings.operators };
    let menu = |chat: i64| {
        let more: Menu = if owning.contains(&chat) { owners } else { &[] };
        let repairs: Menu = if operating.contains(&chat) { settings.operator_commands } else { &[] };
        joined(&[private, more, repairs])
    };
    owning.union(operating).map(|chat| (*chat, menu(*chat))).collect()
}

/// Menus one behind the other; a name that several have is described as the last has it, and stands there.
fn joined(menus: &[Menu]) -> Vec<(&'static str, &'static str)> {
    let later = |at: usize, name: &str| {
        menus[at + 1..].iter().any(|menu| menu.iter().any(|(other, _)| *other == name))
    };
    let kept = |(at, menu): (usize, &Menu)| {
        menu.iter().filter(move |(name, _)| !later(at, name)).copied().collect::<Vec<_>>()
    };
    menus.iter().enumerate().flat_map(kept).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_and_operators_see_everything_once() {
        let mut settings = TelegramSettings {
            operators: [1, 2].into(),
            operator_commands: &[("rescue", "Show how the other gateway is"), ("status", "Both gateways")],
            owners: [2, 3].into(),
            ..TelegramSettings::new("7:x".into())
        };
        settings.menus.owners = &[("send", "Take messages, or not")];
        let names = |chat: i64| wanted(&settings)[&chat].iter().map(|(name, _)| *name).collect::<Vec<_>>();
        assert_eq!(names(1), ["help", "new", "stop", "rescue", "status"]);
        assert_eq!(names(2), ["help", "new", "stop", "send", "rescue", "status"]);
        assert_eq!(names(3), ["help", "status", "new", "stop", "send"]);
        assert!(wanted(&settings)[&1].contains(&("status", "Both gateways")));
        let plain = TelegramSettings {
            operators: [1].into(),
            owners: [2].into(),
            ..TelegramSettings::new("7:x".into())
        };
        assert!(wanted(&plain).is_empty(), "nobody sees more");
    }
}
