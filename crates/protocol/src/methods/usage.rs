//! `usage.*` and `sessions.usage*`: what answers took, in tokens and money.

use super::MethodSpec;
use crate::Scope;

pub(super) const ROWS: &[MethodSpec] = &[
    MethodSpec::new("usage.status", Scope::OperatorRead, "What providers say about their limits."),
    MethodSpec::new("usage.cost", Scope::OperatorRead, "Tokens and cost by day."),
    MethodSpec::new(
        "sessions.usage",
        Scope::OperatorRead,
        "Tokens and cost by session, model, agent and day.",
    ),
    MethodSpec::new("sessions.usage.timeseries", Scope::OperatorRead, "What one session took, over time."),
    MethodSpec::new("sessions.usage.logs", Scope::OperatorRead, "What one session took, message by message."),
];
