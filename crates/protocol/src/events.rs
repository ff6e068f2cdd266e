//! The events that a gateway may send.

use crate::Scope;

/// One row of the event table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventSpec {
    /// The event's name.
    pub name: &'static str,
    /// Who may see it; `None`: everybody who is connected.
    pub scope: Option<Scope>,
    /// A slow reader may miss it.
    pub droppable: bool,
}

const fn row(name: &'static str, scope: Option<Scope>, droppable: bool) -> EventSpec {
    EventSpec { name, scope, droppable }
}

const READ: Option<Scope> = Some(Scope::OperatorRead);
const PAIRING: Option<Scope> = Some(Scope::OperatorPairing);
const QUESTIONS: Option<Scope> = Some(Scope::OperatorQuestions);
const APPROVALS: Option<Scope> = Some(Scope::OperatorApprovals);

/// Every event this gateway sends. A name that is not here is never sent.
pub const EVENTS: &[EventSpec] = &[
    row("connect.challenge", None, false),
    row("agent", READ, true),
    row("chat", READ, true),
    row("chat.metadata.changed", READ, false),
    row("chat.send_timing", READ, true),
    row("models.snapshot", READ, false),
    row("session.message", READ, false),
    row("session.operation", READ, false),
    row("session.tool", READ, true),
    row("sessions.changed", READ, false),
    row("config.changed", READ, false),
    row("skills.changed", READ, false),
    row("presence", READ, true),
    row("tick", None, true),
    row("shutdown", None, false),
    row("health", READ, true),
    row("device.pair.changed", PAIRING, false),
    row("device.pair.requested", PAIRING, false),
    row("device.pair.resolved", PAIRING, false),
    row("heartbeat", READ, true),
    row("cron", READ, false),
    row("device.pair.setup.completed", PAIRING, false),
    row("device.pair.setup.deliveryUncertain", PAIRING, false),
    row("node.pair.requested", PAIRING, false),
    row("node.pair.resolved", PAIRING, false),
    row("node.presence", READ, true),
    row("node.hostStats", READ, true),
    row("node.runnerInventory.changed", READ, true),
    row("node.invoke.request", None, false),
    row("node.invoke.cancel", None, false),
    row("rescue.incident", READ, false),
    row("exec.approval.requested", APPROVALS, false),
    row("exec.approval.resolved", APPROVALS, false),
    row("plugin.approval.requested", APPROVALS, false),
    row("plugin.approval.resolved", APPROVALS, false),
    row("session.approval", APPROVALS, false),
    row("question.requested", QUESTIONS, false),
    row("question.resolved", QUESTIONS, false),
    row("task", READ, false),
    row("canvas.changed", READ, false),
];

/// The row of an event.
pub fn spec(name: &str) -> Option<&'static EventSpec> {
    EVENTS.iter().find(|event| event.name == name)
}

/// Names for `hello-ok.features.events`.
pub fn names() -> impl Iterator<Item = &'static str> {
    EVENTS.iter().map(|event| event.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_event_twice() {
        let mut seen: Vec<_> = names().collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), EVENTS.len());
        assert!(spec("tick").is_some() && spec("tock").is_none());
    }
}
