//! Commands, and questions of other programs, that wait for a person's yes: asked in every client that may answer and on Telegram, answered once.
//!
//! The way of a command: [`tool`] reads what would run, [`policy`] decides, [`Gateway::ask_approval`] files the question and
//! tells it, the first answer ends it ([`Gateway::resolve_approval`]), and only the call that waited runs what was allowed,
//! once. Whatever ends before an answer (time, the run, the gateway) ends it as a no.

mod allowlist;
pub(crate) mod document;
pub(crate) mod people;
pub(crate) mod policy;
mod telegram;
pub(crate) mod tool;
pub(crate) mod wire;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bulkhead_protocol::{ErrorCode, ErrorShape};
use bulkhead_store::{Approval, ApprovalEnd, ApprovalStatus, NewApproval, Resolution};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::gateway::Gateway;
use crate::methods::store_failed;

pub(crate) use telegram::{command, press};

/// How long a person is waited for when nothing else is said.
pub(crate) const PATIENCE: Duration = Duration::from_mins(30);
/// No approval waits longer.
pub(crate) const LONGEST: Duration = Duration::from_hours(24);
/// Approvals that may wait at one time.
const MOST_WAITING: usize = 256;
/// The longest command that a person can be shown.
pub(crate) const LONGEST_SHOWN: usize = 16 * 1024;

/// The approvals that this process waits for.
#[derive(Debug, Default)]
pub(crate) struct Approvals {
    waiting: Mutex<HashMap<String, watch::Sender<Option<Approval>>>>,
    /// One change of the document at a time.
    document: tokio::sync::Mutex<()>,
}

/// Who answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resolver {
    /// `device`, `channel`, `runtime` or `system`.
    pub(crate) kind: &'static str,
    /// Which one.
    pub(crate) id: Option<String>,
    /// For people.
    pub(crate) label: Option<String>,
}

/// Something to ask.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) id: Option<String>,
    /// Who asks: `exec`, or `plugin` for other programs.
    pub(crate) kind: &'static str,
    /// As clients are shown it.
    pub(crate) request: Value,
    pub(crate) agent_id: Option<String>,
    pub(crate) session_key: Option<String>,
    pub(crate) run_id: Option<String>,
    pub(crate) patience: Duration,
}

/// The end of an approval, on its way.
pub(crate) type Waiting = watch::Receiver<Option<Approval>>;

impl Approvals {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, watch::Sender<Option<Approval>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows one that waits.
    pub(crate) fn follow(&self, id: &str) -> Option<Waiting> {
        self.lock().get(id).map(watch::Sender::subscribe)
    }

    /// How many wait.
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    fn wake(&self, over: &Approval) {
        if let Some(sender) = self.lock().remove(&over.id) {
            sender.send_replace(Some(over.clone()));
        }
    }
}

impl Gateway {
    /// Files a question, and tells everybody who may answer it. It ends by itself when its time is over.
    pub(crate) async fn ask_approval(self: &Arc<Self>, ask: Ask) -> Result<(Approval, Waiting), ErrorShape> {
        if self.approvals.count() >= MOST_WAITING {
            return Err(ErrorShape::unavailable_retryable(
                format!("{MOST_WAITING} approvals wait already; answer some, then ask again"),
                Some(5000),
            ));
        }
        let patience = ask.patience.clamp(Duration::from_millis(1), LONGEST);
        let lasts = i64::try_from(patience.as_millis()).unwrap_or(i64::MAX);
        let id = ask.id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        let approvals = self.store.approvals();
        if approvals.get(&id).await.map_err(store_failed)?.is_some() {
            return Err(ErrorShape::invalid_request("approval id already pending"));
        }
        let (sender, waiting) = watch::channel(None);
        self.approvals.lock().insert(id.clone(), sender);
        let new = NewApproval {
            id: id.clone(),
            kind: ask.kind.to_owned(),
            request: ask.request,
            agent_id: ask.agent_id,
            session_key: ask.session_key,
            run_id: ask.run_id,
            expires_at: self.store.now().saturating_add(lasts),
        };
        let filed = approvals.add(new).await.map_err(|error| {
            self.approvals.lock().remove(&id);
            store_failed(error)
        })?;
        tracing::info!(approval = %filed.id, run = filed.run_id.as_deref().unwrap_or("-"), "a person is asked");
        self.events.approval_requested(&filed);
        let (gateway, asked) = (Arc::clone(self), filed.clone());
        self.tasks.spawn(async move { telegram::show(&gateway, &asked).await });
        let (gateway, mut over, id) = (Arc::downgrade(self), waiting.clone(), filed.id.clone());
        tokio::spawn(async move {
            if tokio::time::timeout(patience, over.wait_for(Option::is_some)).await.is_err()
                && let Some(gateway) = gateway.upgrade()
            {
                gateway.end_approval(&id, ApprovalStatus::Expired, "timeout").await;
            }
        });
        Ok((filed, waiting))
    }

    /// Takes a person's answer. The first one counts; the flag says whether this was it.
    pub(crate) async fn resolve_approval(
        self: &Arc<Self>,
        id: &str,
        decision: &str,
        by: &Resolver,
    ) -> Result<(Approval, bool), ErrorShape> {
        let found = self.store.approvals().get(id).await.map_err(store_failed)?.ok_or_else(unknown)?;
        if !wire::allowed_decisions(&found).contains(&decision) {
            let known = ["allow-once", "allow-always", "deny"].contains(&decision);
            let error = if known {
                ErrorShape::invalid_request("allow-always is unavailable for this command")
                    .with_details(json!({"reason": "APPROVAL_ALLOW_ALWAYS_UNAVAILABLE"}))
            } else {
                ErrorShape::invalid_request("invalid decision")
            };
            return Err(error);
        }
        let denied = decision == "deny";
        let end = ApprovalEnd {
            status: if denied { ApprovalStatus::Denied } else { ApprovalStatus::Allowed },
            decision: Some(decision.to_owned()),
            reason: "user".to_owned(),
            resolver: Some(json!({"kind": by.kind, "id": by.id, "label": by.label})),
        };
        match self.store.approvals().resolve(id, end).await.map_err(store_failed)? {
            Resolution::Applied(approval) => {
                self.approval_is_over(&approval).await;
                Ok((approval, true))
            }
            // Its time is over, only nobody said so yet.
            Resolution::Over(approval) if approval.status == ApprovalStatus::Pending => {
                self.end_approval(id, ApprovalStatus::Expired, "timeout").await;
                Err(unknown())
            }
            Resolution::Over(approval) => Ok((approval, false)),
            Resolution::Unknown => Err(unknown()),
        }
    }

    /// Ends one without an answer, if it still waits.
    pub(crate) async fn end_approval(self: &Arc<Self>, id: &str, status: ApprovalStatus, reason: &str) {
        let end = ApprovalEnd { status, decision: None, reason: reason.to_owned(), resolver: None };
        match self.store.approvals().resolve(id, end).await {
            Ok(Resolution::Applied(approval)) => self.approval_is_over(&approval).await,
            Ok(_) => {}
            Err(error) => {
                // Whoever waits must not wait for ever because the disk is full.
                tracing::warn!(%error, approval = id, "the end of an approval could not be recorded");
                self.approvals.lock().remove(id);
            }
        }
    }

    async fn approval_is_over(self: &Arc<Self>, over: &Approval) {
        self.approvals.wake(over);
        self.events.approval_resolved(over, self.store.now());
        let by = wire::resolved_by(over).unwrap_or_else(|| "nobody".to_owned());
        let detail = json!({
            "approval": over.id, "status": over.status.as_str(), "decision": over.decision, "reason": over.reason,
            "session": over.session_key, "agent": over.agent_id,
        });
        if let Err(error) = self.store.audit().append(&by, &format!("{}.approval", over.kind), &detail).await
        {
            tracing::warn!(%error, approval = %over.id, "the end of an approval could not be audited");
        }
        let (gateway, over) = (Arc::clone(self), over.clone());
        self.tasks.spawn(async move { telegram::settle(&gateway, &over).await });
    }

    /// Ends what an earlier process asked: nobody waits for it, and nothing of it runs. Called once, before any run.
    pub(crate) async fn end_old_approvals(self: &Arc<Self>) {
        let ended = match self.store.approvals().cancel_on_start().await {
            Ok(ended) => ended,
            Err(error) => {
                tracing::warn!(%error, "approvals of an earlier run could not be ended");
                return;
            }
        };
        for over in ended {
            tracing::info!(approval = %over.id, "nobody waits for this any more: the gateway was restarted");
            let gateway = Arc::clone(self);
            tokio::spawn(async move { telegram::settle(&gateway, &over).await });
        }
    }

    /// Changes the document of exec approvals, whatever happens to it meanwhile.
    pub(crate) async fn change_exec_document(
        &self,
        change: impl Fn(&mut document::Document),
    ) -> Result<(), ErrorShape> {
        let _one = self.approvals.document.lock().await;
        let approvals = self.store.approvals();
        // Another process (the command line) may write too.
        for _ in 0..4 {
            let text = approvals.document().await.map_err(store_failed)?;
            let mut changed = document::Document::stored(text.as_deref());
            change(&mut changed);
            if approvals.replace_document(text.as_deref(), &changed.text()).await.map_err(store_failed)? {
                return Ok(());
            }
        }
        Err(ErrorShape::unavailable_retryable(
            "the document of exec approvals changes all the time",
            Some(100),
        ))
    }
}

/// There is none of that id, or it is over.
pub(crate) fn unknown() -> ErrorShape {
    ErrorShape::invalid_request("unknown or expired approval id")
        .with_details(json!({"reason": ErrorCode::ApprovalNotFound.as_str()}))
}

/// Somebody else was first, with another answer.
pub(crate) fn already(over: &Approval) -> ErrorShape {
    let how = over.decision.as_deref().unwrap_or(over.status.as_str());
    let by = wire::resolved_by(over).map_or_else(String::new, |by| format!(" by {by}"));
    ErrorShape::invalid_request(format!("approval already resolved: {how}{by}"))
        .with_details(json!({"reason": "APPROVAL_ALREADY_RESOLVED"}))
}
