//! One Telegram bot in two profiles: each poll of one ends the other's, with 409 for ever.

use super::{Finding, Severity, pair, profile_flag, to_change};
use crate::facts::{FactsKind, ProfileFacts};

pub(super) fn between(a: &ProfileFacts, b: &ProfileFacts) -> Vec<Finding> {
    let shared = a.bot_ids.iter().filter(|id| b.bot_ids.contains(id));
    shared.map(|id| bot_shared(a, b, *id)).collect()
}

fn bot_shared(a: &ProfileFacts, b: &ProfileFacts, id: u64) -> Finding {
    let change = to_change(a, b);
    let flag = profile_flag(change);
    let with_openclaw = a.kind == FactsKind::OpenClaw || b.kind == FactsKind::OpenClaw;
    let otherwise = if with_openclaw { ", or take the bot out of that OpenClaw" } else { "" };
    Finding {
        code: "bot-shared".to_owned(),
        severity: Severity::Error,
        profiles: pair(a, b),
        what: format!("Telegram bot {id} of {} and {}", a.name, b.name),
        found: "both would fetch the same bot's messages, and Telegram lets only one (error 409)".to_owned(),
        expected: "a bot of its own for each profile".to_owned(),
        next_step: format!(
            "make another bot with @BotFather and give its token to {}: bulkhead{flag} secrets set telegram/bot-token -{otherwise}",
            change.name
        ),
    }
}
