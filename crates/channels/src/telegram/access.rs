//! Who may talk to the agent: a pure decision.

use bulkhead_config::DmPolicy;

use super::settings::TelegramSettings;

/// Who wrote, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WhoAsks {
    /// The chat, if it is a group.
    pub group: Option<i64>,
    /// The person's id.
    pub sender: i64,
    /// Whether the sender is a bot.
    pub is_bot: bool,
    /// Whether a person approved this sender's code before.
    pub paired: bool,
}

/// What to do with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Answer it.
    Allow,
    /// Tell the stranger a code, once.
    Pair,
    /// Say nothing; the reason is for the log.
    Ignore(&'static str),
}

/// Decides. Pairings count in private and under `pairing` only; `open` needs an explicit `*`; groups have rules of their own.
pub fn access(settings: &TelegramSettings, who: WhoAsks) -> Access {
    if who.is_bot {
        return Access::Ignore("the sender is a bot");
    }
    if let Some(group) = who.group {
        return match settings.groups.admits(group, who.sender, &settings.allow_from) {
            Ok(()) => Access::Allow,
            Err(why) => Access::Ignore(why),
        };
    }
    let listed = is_listed(&settings.allow_from, who.sender);
    match settings.dm_policy {
        DmPolicy::Disabled => Access::Ignore("private messages are disabled"),
        _ if listed => Access::Allow,
        DmPolicy::Allowlist => Access::Ignore("the sender is not in allowFrom"),
        DmPolicy::Open if settings.allow_from.iter().any(|entry| entry.trim() == "*") => Access::Allow,
        DmPolicy::Open => Access::Ignore("dmPolicy is open, but allowFrom does not say [\"*\"]"),
        DmPolicy::Pairing if who.paired => Access::Allow,
        DmPolicy::Pairing => Access::Pair,
    }
}

/// Entries are user ids, also written `telegram:42` or `tg:42`. User names are no ids: they change hands.
pub(super) fn is_listed(allow_from: &[String], sender: i64) -> bool {
    allow_from.iter().any(|entry| {
        let entry = entry.trim();
        let id = entry.strip_prefix("telegram:").or_else(|| entry.strip_prefix("tg:")).unwrap_or(entry);
        id.parse() == Ok(sender)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(dm_policy: DmPolicy, allow_from: &[&str]) -> TelegramSettings {
        TelegramSettings {
            dm_policy,
            allow_from: allow_from.iter().map(ToString::to_string).collect(),
            ..TelegramSettings::new("1:x".into())
        }
    }

    const STRANGER: WhoAsks = WhoAsks { group: None, sender: 42, is_bot: false, paired: false };
    const PAIRED: WhoAsks = WhoAsks { paired: true, ..STRANGER };

    #[test]
    fn in_private() {
        use DmPolicy::{Allowlist, Disabled, Open, Pairing};
        for (policy, allow_from, who, allowed) in [
            (Pairing, &[][..], PAIRED, true),
            (Pairing, &["42"], STRANGER, true),
            (Pairing, &["*"], PAIRED, true),
            (Allowlist, &["tg:42"], STRANGER, true),
            (Allowlist, &["telegram:42"], STRANGER, true),
            (Allowlist, &["7"], PAIRED, false),
            (Allowlist, &["*"], STRANGER, false),
            (Allowlist, &["alice"], STRANGER, false),
            (Open, &["*"], STRANGER, true),
            (Open, &[], STRANGER, false),
            (Open, &[], PAIRED, false),
            (Open, &["42"], STRANGER, true),
            (Disabled, &["42"], PAIRED, false),
        ] {
            let decided = access(&settings(policy, allow_from), who);
            assert_eq!(decided == Access::Allow, allowed, "{policy:?} {allow_from:?} {who:?}: {decided:?}");
        }
        assert_eq!(access(&settings(Pairing, &[]), STRANGER), Access::Pair);
        assert_eq!(
            access(&settings(Pairing, &["*"]), STRANGER),
            Access::Pair,
            "* means nothing under pairing"
        );
    }

    #[test]
    fn in_groups_and_from_bots() {
        let mut configured = settings(DmPolicy::Pairing, &["42"]);
        let in_group = WhoAsks { group: Some(-100), ..STRANGER };
        assert!(matches!(access(&configured, in_group), Access::Ignore(_)));
        configured.groups.entries.insert("-100".to_owned(), bulkhead_config::TelegramGroup::default());
        assert_eq!(access(&configured, in_group), Access::Allow);
        let stranger = WhoAsks { sender: 43, ..in_group };
        assert!(matches!(access(&configured, stranger), Access::Ignore(_)), "no code is told in a group");
        let paired = WhoAsks { paired: true, ..stranger };
        assert!(
            matches!(access(&configured, paired), Access::Ignore(_)),
            "a pairing is for private messages"
        );
        assert!(matches!(access(&configured, WhoAsks { is_bot: true, ..PAIRED }), Access::Ignore(_)));
    }
}
