//! Doing: what is asked of the keeper runs beside the watch, and comes back as something that happened.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{ABLE_EVERY, Entry, Loose, Watcher};
use crate::alert::{Errand, MessageRef};
use crate::incident::{Change, IncidentId};
use crate::remedy::{Actor, Ask, Refusal, RefusalKind, RemedyKind, RemedyReply, RemedyRequest, Verdict};
use crate::seams::{AuditLine, Done, Keeper, TellError};
use crate::state::Now;

/// No keeper may take longer than this; what it still does is judged by the probes.
const LONGEST: Duration = Duration::from_secs(90);
const CONTEXT_LONGEST: Duration = Duration::from_secs(3);
const LOG_LINES: usize = 12;
const ANSWER_LINES: usize = 30;

/// Something that was begun came to its end.
pub(super) enum Happened {
    /// The last log lines and the last change of the configuration.
    Context { incident: IncidentId, log_lines: Vec<String>, config_change: Vec<String> },
    /// What the keeper can do.
    Able(BTreeSet<RemedyKind>),
    /// The keeper did it or not.
    Remedy { request: String, result: Result<Done, Refusal> },
    /// A message got through or not.
    Told { errand: Errand, result: Result<MessageRef, TellError> },
    /// The watched gateway was ended for a drill, or not.
    DrillBegun(Result<Done, Refusal>),
    /// The message of a drill arrived somewhere.
    DrillTold,
}

impl Watcher {
    pub(super) fn take(&mut self, happened: Happened) {
        let now = self.now();
        match happened {
            Happened::Context { incident, log_lines, config_change } => {
                self.context_until = None;
                if let Some(current) = self.book.current_mut().filter(|current| current.id == incident)
                    && (current.log_lines != log_lines || current.config_change != config_change)
                {
                    current.log_lines = log_lines;
                    current.config_change = config_change;
                    self.current_changed(false);
                }
            }
            Happened::Able(able) => {
                if self.able != able {
                    self.able = able;
                    self.current_changed(true);
                }
            }
            Happened::Remedy { request, result } => self.remedy_ended(now, &request, result),
            Happened::Told { errand, result } => self.told(now, &errand, &result),
            Happened::DrillBegun(result) => self.drill_begun(result),
            Happened::DrillTold => {
                if let Some((drill, _)) = &mut self.drill {
                    drill.told(now.monotonic);
                }
            }
        }
    }

    pub(super) fn gather_context(&self) {
        let Some(incident) = self.book.current().map(|incident| incident.id.clone()) else { return };
        let (keeper, happened) = (Arc::clone(&self.seams.keeper), self.happened.clone());
        self.tasks.spawn(async move {
            let (logs, change) = tokio::join!(
                timeout(CONTEXT_LONGEST, keeper.logs(LOG_LINES)),
                timeout(CONTEXT_LONGEST, keeper.config_change())
            );
            let log_lines = logs.ok().and_then(Result::ok).unwrap_or_default();
            let config_change = change.unwrap_or_default();
            let _ = happened.send(Happened::Context { incident, log_lines, config_change }).await;
        });
    }

    pub(super) fn refresh_abilities(&mut self, now: Now) {
        // In quiet times once, so that commands can be answered; while something is wrong again and again.
        let due = match self.able_at {
            None => true,
            Some(at) => self.book.current().is_some() && now.monotonic.saturating_sub(at) >= ABLE_EVERY,
        };
        if !due {
            return;
        }
        self.able_at = Some(now.monotonic);
        let (keeper, happened) = (Arc::clone(&self.seams.keeper), self.happened.clone());
        self.tasks.spawn(async move {
            if let Ok(able) = timeout(CONTEXT_LONGEST, keeper.abilities()).await {
                let _ = happened.send(Happened::Able(able)).await;
            }
        });
    }

    /// `rescue.auto`.
    pub(super) fn act_alone(&mut self, now: Now) {
        let open_for = now.monotonic.saturating_sub(self.opened_at);
        let Some(incident) = self.book.current() else { return };
        let Some(remedy) = self.auto.choose(now.monotonic, open_for, incident, &self.able) else { return };
        let request = RemedyRequest {
            id: format!("auto:{}:{remedy}", incident.id),
            by: Actor::auto(),
            ask: Ask::Command { remedy, confirmed: true, version: None },
        };
        // It is audited like every other request.
        self.request(request, None);
    }

    /// Begins a remedy that was admitted.
    pub(super) fn begin(
        &mut self,
        now: Now,
        request: &str,
        remedy: RemedyKind,
        version: Option<String>,
        by: &str,
    ) {
        let outcome = self.book.begin_remedy(now, request, remedy, by);
        if self.book.current().is_none() {
            self.loose = Some(Loose { outcome, done_at: None });
        }
        self.current_changed(true);
        let expected = self.watch.facts().config.as_ref().and_then(|config| config.hash.clone());
        let (keeper, happened, request) =
            (Arc::clone(&self.seams.keeper), self.happened.clone(), request.to_owned());
        self.tasks.spawn(async move {
            let work = perform(keeper.as_ref(), remedy, version.as_deref(), expected.as_deref());
            let result = timeout(LONGEST, work).await.unwrap_or_else(|_| {
                let message = format!("It took longer than {} s; look at the machine.", LONGEST.as_secs());
                Err(Refusal::new(RefusalKind::Failed, message))
            });
            let _ = happened.send(Happened::Remedy { request, result }).await;
        });
    }

    fn remedy_ended(&mut self, now: Now, request: &str, result: Result<Done, Refusal>) {
        if self.loose.as_ref().is_some_and(|loose| loose.outcome.request == request) {
            match result {
                Ok(_) => {
                    if let Some(loose) = &mut self.loose {
                        loose.done_at = Some(now.monotonic);
                    }
                }
                Err(refusal) => {
                    let Some(mut loose) = self.loose.take() else { return };
                    loose.outcome.ended_ms = Some(now.wall_ms);
                    loose.outcome.verdict = Verdict::Failed { refusal };
                    self.judged(now, loose.outcome);
                }
            }
            return;
        }
        match result {
            Ok(_) => self.book.remedy_done(now, request),
            Err(refusal) => {
                if let Some(Change::Judged(outcome)) = self.book.remedy_failed(now, request, refusal) {
                    self.judged(now, outcome);
                    self.current_changed(true);
                }
            }
        }
    }

    /// Answers something that only looks.
    pub(super) fn look(
        &self,
        remedy: RemedyKind,
        reply: Option<oneshot::Sender<Result<RemedyReply, Refusal>>>,
    ) {
        let keeper = Arc::clone(&self.seams.keeper);
        self.tasks.spawn(async move {
            let work = async {
                match remedy {
                    RemedyKind::Logs => keeper.logs(ANSWER_LINES).await,
                    _ => keeper.doctor().await,
                }
            };
            let lines = timeout(LONGEST, work).await.unwrap_or_else(|_| {
                Err(Refusal::new(RefusalKind::Failed, "No answer in time; look at the machine."))
            });
            let answer = lines.map(|lines| {
                let text = if lines.is_empty() { "Nothing.".to_owned() } else { lines.join("\n") };
                RemedyReply::Answer { text: crate::alert::text::shorten(&text, 3500) }
            });
            if let Some(reply) = reply {
                let _ = reply.send(answer);
            }
        });
    }

    pub(super) fn audit(
        &self,
        now: Now,
        actor: &str,
        remedy: RemedyKind,
        result: &str,
        detail: serde_json::Value,
    ) {
        self.ledger.write(Entry::Audit(AuditLine {
            at_ms: now.wall_ms,
            actor: actor.to_owned(),
            action: format!("rescue.{remedy}"),
            result: result.to_owned(),
            detail,
        }));
    }
}

async fn perform(
    keeper: &dyn Keeper,
    remedy: RemedyKind,
    version: Option<&str>,
    expected: Option<&str>,
) -> Result<Done, Refusal> {
    match remedy {
        RemedyKind::Restart => keeper.restart().await,
        RemedyKind::Start => keeper.start().await,
        RemedyKind::Rollback => keeper.rollback(version, expected).await,
        RemedyKind::SafeMode => keeper.safe_mode().await,
        RemedyKind::MoveToService => keeper.move_to_service().await,
        RemedyKind::EnableService => keeper.enable_service().await,
        RemedyKind::OtherPort => keeper.other_port().await,
        RemedyKind::EndHolder => keeper.end_holder().await,
        RemedyKind::Logs | RemedyKind::Doctor | RemedyKind::Quiet => Ok(Done::default()),
    }
}
