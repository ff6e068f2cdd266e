//! The commands that operators see in their private chats, beside those of everybody.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::commands::MENU;
use super::line::{CHANNEL, Line};

/// What was told to which bot.
#[derive(Debug, Default)]
struct Told {
    account: String,
    commands: &'static [(&'static str, &'static str)],
    operators: BTreeSet<i64>,
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
        *told = Told { account, ..Told::default() };
    }
    if told.commands != settings.operator_commands {
        told.commands = settings.operator_commands;
        told.operators.clear();
    }
    let wanted = if told.commands.is_empty() { BTreeSet::new() } else { settings.operators.clone() };
    let former: Vec<i64> = told.operators.difference(&wanted).copied().collect();
    for chat in former {
        told.operators.remove(&chat);
        if let Err(error) = api.forget_commands_of(chat).await {
            tracing::debug!(channel = CHANNEL, chat, code = error.code(), "{error}");
        }
    }
    told.incomplete = false;
    for chat in wanted {
        if told.operators.contains(&chat) {
            continue;
        }
        match api.set_commands_of(chat, &menu(told.commands)).await {
            Ok(()) => drop(told.operators.insert(chat)),
            Err(error) => {
                tracing::debug!(channel = CHANNEL, chat, code = error.code(), "{error}");
                told.incomplete = true;
            }
        }
    }
}

/// What everybody has, then what operators have; a name that both have is described as the operators have it.
fn menu(operators: &'static [(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let everybody = MENU.iter().filter(|(name, _)| !operators.iter().any(|(other, _)| other == name));
    everybody.chain(operators).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_see_everything_once() {
        let menu = menu(&[("rescue", "Show how the other gateway is"), ("status", "Both gateways")]);
        let names: Vec<_> = menu.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["help", "new", "stop", "rescue", "status"]);
        assert!(menu.contains(&("status", "Both gateways")));
    }
}
