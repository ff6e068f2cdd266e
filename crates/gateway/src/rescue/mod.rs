//! The watch over another gateway: the engine of the rescue crate, put together with this gateway's bot, its database
//! and the supervisor of the one that is watched.

pub(crate) mod chat;
mod desk;
mod journal;
mod keeper;
mod notice;
mod operators;
mod probes;
mod target;
mod telegram;
pub(crate) mod tools;
mod words;

use bulkhead_config::AutoRemedy;

use crate::gateway::Gateway;

pub(crate) use desk::RescueDesk;
pub(crate) use operators::telegram_ids;
pub(crate) use words::{summary, word};

/// What operators may say to the bot, besides what everybody may.
pub(crate) const COMMANDS: &[(&str, &str)] = &[
    ("rescue", "Show how the watched gateway is"),
    ("status", "Show how both gateways are"),
    ("restart", "Restart the watched gateway"),
    ("rollback", "Put its last good configuration back"),
    ("logs", "Show its last log lines"),
    ("doctor", "Look at everything there"),
    ("safemode", "Restart it without channels and answers"),
    ("drill", "Take it down to see it noticed and told"),
];

/// The word of the configuration.
pub(crate) fn auto_word(auto: AutoRemedy) -> &'static str {
    match auto {
        AutoRemedy::Off => "off",
        AutoRemedy::Restart => "restart",
        AutoRemedy::Rollback => "rollback",
    }
}

/// Everything that keeps somebody from being told, with what to do; nothing where nothing is watched.
pub(crate) async fn warnings(gateway: &Gateway) -> Vec<String> {
    let settings = gateway.settings.now();
    let rescue = &settings.config.rescue;
    if !rescue.is_watching() {
        return Vec::new();
    }
    let paired = gateway.store.pairings().allowed(Some(telegram::NAME)).await.unwrap_or_default();
    let paired: Vec<(String, String)> = paired
        .into_iter()
        .map(|one| {
            let name = one.meta["name"].as_str().unwrap_or_default().to_owned();
            (one.sender, name)
        })
        .collect();
    operators::warnings(&operators::Reach {
        profile: gateway.place.name().as_str(),
        operators: &rescue.operators,
        paired: &paired,
        telegram_wanted: rescue.notify.telegram,
        telegram_problem: gateway.channels.alert_problem(),
        has_bot: gateway.channels.has_telegram(),
    })
}
