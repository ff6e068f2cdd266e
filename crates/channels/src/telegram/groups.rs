//! Which groups the bot answers in, whom there, and whether it must be spoken to. Pure.

use std::collections::BTreeMap;

use bulkhead_config::{GroupPolicy, TelegramGroup};

use super::access::is_listed;

/// Stands for every group that has no entry of its own.
const ANY: &str = "*";

/// What the configuration says of groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Groups {
    /// By chat id, or `*`.
    pub entries: BTreeMap<String, TelegramGroup>,
    /// Who is answered where an entry does not say.
    pub policy: GroupPolicy,
    /// The people that are answered; unset: those that may write in private without pairing.
    pub allow_from: Option<Vec<String>>,
}

impl Groups {
    /// What holds for one group: its own entry, whole, else that of all others. `None`: it is not one of ours.
    fn of(&self, chat: i64) -> Option<TelegramGroup> {
        if let Some(entry) = self.entries.get(&chat.to_string()).or_else(|| self.entries.get(ANY)) {
            return Some(entry.clone());
        }
        // Without any entry, an open policy is open to all groups.
        let open = self.entries.is_empty() && self.policy == GroupPolicy::Open;
        open.then(TelegramGroup::default)
    }

    /// Whether somebody is answered in a group; if not, why. `private` are those that may write in private without pairing.
    /// Pairings do not count: who may speak with the bot alone need not be heard by it among others.
    pub(super) fn admits(&self, chat: i64, sender: i64, private: &[String]) -> Result<(), &'static str> {
        if self.policy == GroupPolicy::Disabled {
            return Err("groups are disabled");
        }
        let Some(group) = self.of(chat) else { return Err("the group is not configured") };
        if group.enabled == Some(false) {
            return Err("the group is switched off");
        }
        let policy = group.group_policy.unwrap_or(self.policy);
        let named = group.allow_from.as_deref();
        match policy {
            GroupPolicy::Disabled => return Err("the group is disabled"),
            GroupPolicy::Open if named.is_none() => return Ok(()),
            GroupPolicy::Open | GroupPolicy::Allowlist => {}
        }
        let listed = named.or(self.allow_from.as_deref()).unwrap_or(private);
        let everybody =
            named.or(self.allow_from.as_deref()).is_some_and(|list| list.iter().any(|id| id.trim() == ANY));
        if everybody || is_listed(listed, sender) {
            Ok(())
        } else {
            Err("the sender is unknown in this group")
        }
    }

    /// Whether only what is addressed to the bot is answered in a group. This one field of `*` holds for groups with an entry
    /// of their own, too, where that does not say.
    pub(super) fn requires_mention(&self, chat: i64) -> bool {
        let said = |name: &str| self.entries.get(name).and_then(|group| group.require_mention);
        said(&chat.to_string()).or_else(|| said(ANY)).unwrap_or(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(json: serde_json::Value) -> Groups {
        Groups { entries: serde_json::from_value(json).unwrap(), ..Groups::default() }
    }

    fn ids(ids: &[&str]) -> Vec<String> {
        ids.iter().map(ToString::to_string).collect()
    }

    const ADA: i64 = 42;

    #[test]
    fn a_group_needs_an_entry_and_the_sender_a_place_in_a_list() {
        let none = Groups::default();
        assert_eq!(none.admits(-1, ADA, &ids(&["42"])), Err("the group is not configured"));
        let open = Groups { policy: GroupPolicy::Open, ..Groups::default() };
        assert_eq!(open.admits(-1, ADA, &[]), Ok(()));
        let off = Groups { policy: GroupPolicy::Disabled, ..groups(serde_json::json!({"-1": {}})) };
        assert!(off.admits(-1, ADA, &ids(&["42"])).is_err());
        let named = groups(
            serde_json::json!({"-1": {}, "-2": {"allowFrom": [7]}, "-3": {"groupPolicy": "open"}, "-4": {"enabled": false}}),
        );
        assert_eq!(named.admits(-1, ADA, &ids(&["tg:42"])), Ok(()));
        assert!(named.admits(-1, ADA, &[]).is_err());
        assert!(named.admits(-1, ADA, &ids(&["*"])).is_err(), "in private * needs the policy open");
        assert!(named.admits(-2, ADA, &ids(&["42"])).is_err(), "its own list holds");
        assert_eq!(named.admits(-2, 7, &[]), Ok(()));
        assert_eq!(named.admits(-3, ADA, &[]), Ok(()));
        assert!(named.admits(-4, ADA, &ids(&["42"])).is_err());
        assert!(named.admits(-9, ADA, &ids(&["42"])).is_err());
        let people = Groups { allow_from: Some(ids(&["*"])), ..named };
        assert_eq!(people.admits(-1, ADA, &[]), Ok(()), "any member of a group that is ours");
    }

    #[test]
    fn an_entry_of_its_own_goes_over_that_of_all_others() {
        let groups = groups(
            serde_json::json!({"*": {"requireMention": false, "allowFrom": ["42"]}, "-1": {"requireMention": true}, "-3": {"groupPolicy": "open"}}),
        );
        assert!(groups.requires_mention(-1) && !groups.requires_mention(-2) && !groups.requires_mention(-3));
        assert!(groups.admits(-1, ADA, &[]).is_err(), "the list of the others is not its own");
        assert_eq!(groups.admits(-2, ADA, &[]), Ok(()));
        assert_eq!(groups.admits(-3, ADA, &[]), Ok(()), "its own entry says who");
        assert!(Groups::default().requires_mention(-1));
    }
}
