//! Who may answer on a channel. Pure.

use std::collections::BTreeSet;

use bulkhead_config::Config;

use crate::rescue::telegram_ids;

/// User ids on Telegram whose word counts: owners, approvers, and operators of the watch. All of them stand in parts of the
/// configuration that change on this machine only.
pub(crate) fn owners(config: &Config) -> BTreeSet<i64> {
    let mut owners = telegram_ids(&config.commands.owner_allow_from);
    owners.extend(telegram_ids(&config.channels.telegram.exec_approvals.approvers));
    owners.extend(telegram_ids(&config.rescue.operators));
    owners
}

/// Who is asked about commands of conversations that are not their own.
pub(crate) fn approvers(config: &Config) -> BTreeSet<i64> {
    let configured = &config.channels.telegram.exec_approvals;
    if configured.enabled == Some(false) { BTreeSet::new() } else { telegram_ids(&configured.approvers) }
}

/// The owner behind a chat, if it is an owner's private one: that has the id of the person, and a group's is negative.
pub(crate) fn owner_of_chat(config: &Config, peer: &str) -> Option<i64> {
    let id: i64 = peer.parse().ok()?;
    (id > 0 && owners(config).contains(&id)).then_some(id)
}
