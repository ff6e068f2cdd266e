//! What people are asked: approvals, questions; and work beside conversations.

use bulkhead_protocol::Scope;
use bulkhead_server::Audience;
use bulkhead_store::Approval;
use serde_json::{Value, json};

use super::{Events, readers};
use crate::approvals::wire;

fn approvers() -> Audience {
    Audience::scope(Scope::OperatorApprovals)
}

impl Events {
    /// `exec.approval.requested`, `plugin.approval.requested`: somebody who may answer is asked.
    pub(crate) fn approval_requested(&self, approval: &Approval) {
        let event =
            if approval.kind == "plugin" { "plugin.approval.requested" } else { "exec.approval.requested" };
        self.hub.broadcast(event, &wire::requested(approval), &approvers(), None);
        self.session_approval(approval, approval.created_at);
    }

    /// `exec.approval.resolved`, `plugin.approval.resolved`: it was answered, or nobody waits for an answer any more.
    pub(crate) fn approval_resolved(&self, approval: &Approval, now: i64) {
        let event =
            if approval.kind == "plugin" { "plugin.approval.resolved" } else { "exec.approval.resolved" };
        self.hub.broadcast(event, &wire::resolved(approval, now), &approvers(), None);
        self.session_approval(approval, now);
    }

    /// `session.approval`: the same, for who looks at the session.
    fn session_approval(&self, approval: &Approval, now: i64) {
        let Some(session) = &approval.session_key else { return };
        let pending = approval.status == bulkhead_store::ApprovalStatus::Pending;
        let payload = json!({
            "sessionKey": session,
            "updatedAtMs": now,
            "phase": if pending { "pending" } else { "terminal" },
            "approval": wire::snapshot(approval),
        });
        let watchers = approvers().session(session.as_str());
        self.hub.broadcast("session.approval", &payload, &watchers, None);
    }

    /// `question.requested`: an agent asks a person.
    pub(crate) fn question_requested(&self, record: &Value) {
        self.hub.broadcast("question.requested", record, &Audience::scope(Scope::OperatorQuestions), None);
    }

    /// `question.resolved`: it was answered, or is over.
    pub(crate) fn question_resolved(&self, payload: &Value) {
        self.hub.broadcast("question.resolved", payload, &Audience::scope(Scope::OperatorQuestions), None);
    }

    /// `task`: work beside conversations began, changed or ended.
    pub(crate) fn task(&self, summary: &Value) {
        self.hub.broadcast("task", &json!({"action": "upserted", "task": summary}), &readers(), None);
    }
}
