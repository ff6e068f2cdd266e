//! Requests: held against the gate, written into the audit log whatever comes of them, then done.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::act::Happened;
use super::handle::Command;
use super::{RescueEvent, Watcher};
use crate::drill::{Drill, DrillKind, DrillReport};
use crate::remedy::{
    Actor, Ask, ChatKind, Refusal, RefusalKind, RemedyKind, RemedyReply, RemedyRequest, offer,
};
use crate::state::{Now, Standing};

/// How long "Quiet" lasts.
const QUIET: Duration = Duration::from_hours(1);

pub(super) type Reply = Option<oneshot::Sender<Result<RemedyReply, Refusal>>>;

/// Who waits for a drill, who asked for it, and whether its own message was sent.
pub(super) struct DrillReply {
    reply: Option<oneshot::Sender<Result<DrillReport, Refusal>>>,
    begun: bool,
    messaged: bool,
    repair_asked: bool,
}

impl Watcher {
    pub(super) fn command(&mut self, command: Command) {
        match command {
            Command::Request(request, reply) => self.request(request, Some(reply)),
            Command::Drill { kind, by, reply } => self.drill(kind, &by, reply),
            Command::OwnNetwork(reachable) => {
                let now = self.now();
                let what = crate::observation::Observation::OwnNetwork { reachable };
                self.watch.see(now, crate::observation::Sighting { began: now.monotonic, what });
            }
            Command::Settings(settings) => {
                self.settings = *settings;
                self.watch.set_patience(self.settings.patience.clone());
                self.apply_settings();
            }
            Command::Operators(operators) => self.settings.operators = operators,
            Command::Incidents(limit, reply) => {
                let open = self.book.current().cloned();
                let _ = reply.send(open.into_iter().chain(self.past.iter().cloned()).take(limit).collect());
            }
            Command::Timeline(reply) => {
                let _ = reply.send(self.timeline.clone());
            }
        }
    }

    pub(super) fn request(&mut self, request: RemedyRequest, reply: Reply) {
        let now = self.now();
        let hash = self.watch.facts().config.as_ref().and_then(|config| config.hash.clone());
        let mut gate = std::mem::take(&mut self.gate);
        let admitted = gate.admit(&request, &self.circumstances(hash.as_deref(), now));
        self.gate = gate;
        let actor = request.by.label();
        let incident = self.book.current().map(|incident| incident.id.clone());
        let admitted = match admitted {
            Ok(admitted) => admitted,
            Err(refusal) => {
                self.audit_refusal(now, &request, &refusal);
                return answer(reply, Err(refusal));
            }
        };
        if let Some(spent) = admitted.spent.clone() {
            self.ledger.write(super::Entry::Nonce(spent));
        }
        let remedy = admitted.remedy;
        let detail = serde_json::json!({ "request": request.id, "incident": incident, "configHash": hash });
        if admitted.needs_confirmation() {
            self.audit(now, &actor, remedy, "asked-back", detail);
            let buttons =
                self.buttons(now, &[remedy], &request.by.user, true).into_iter().flatten().collect();
            return answer(reply, Ok(RemedyReply::Confirm { text: self.question(remedy), buttons }));
        }
        if remedy.is_reading() {
            self.audit(now, &actor, remedy, "accepted", detail);
            return self.look(remedy, reply);
        }
        if remedy == RemedyKind::Quiet {
            self.audit(now, &actor, remedy, "accepted", detail);
            self.desk.mute(now.monotonic + QUIET);
            let text = "Nothing new is told for an hour; what is told already is still updated.".to_owned();
            return answer(reply, Ok(RemedyReply::Answer { text }));
        }
        self.audit(now, &actor, remedy, "accepted", detail);
        self.begin(now, &request.id, remedy, admitted.version, &actor);
        let text = format!("{} is under way; the message says what comes of it.", remedy.label());
        answer(reply, Ok(RemedyReply::Accepted { request: request.id, text }));
    }

    fn audit_refusal(&self, now: Now, request: &RemedyRequest, refusal: &Refusal) {
        let (what, remedy) = match &request.ask {
            Ask::Button { .. } => ("button", None),
            Ask::Command { remedy, .. } => ("command", Some(*remedy)),
        };
        let chat = match request.by.chat {
            ChatKind::Private => "private",
            ChatKind::Group => "group",
            ChatKind::Local => "local",
        };
        self.ledger.write(super::Entry::Audit(crate::seams::AuditLine {
            at_ms: now.wall_ms,
            actor: request.by.label(),
            action: remedy.map_or_else(|| format!("rescue.{what}"), |remedy| format!("rescue.{remedy}")),
            result: "refused".to_owned(),
            detail: serde_json::json!({ "request": request.id, "why": refusal.kind.code(), "chat": chat }),
        }));
    }

    fn question(&self, remedy: RemedyKind) -> String {
        let watched = &self.settings.watched;
        match remedy {
            RemedyKind::Rollback => {
                let changed =
                    self.book.current().map(|incident| incident.config_change.as_slice()).unwrap_or_default();
                let mut text = format!(
                    "Put the last good configuration of {watched} in place of the present one? The present file is kept beside it."
                );
                if !changed.is_empty() {
                    text.push_str("\nThis is undone:\n");
                    text.push_str(
                        &changed
                            .iter()
                            .take(10)
                            .map(|line| format!("  {line}"))
                            .collect::<Vec<_>>()
                            .join("\n"),
                    );
                }
                text
            }
            RemedyKind::EndHolder => format!(
                "End the process that holds the port of {watched}? It is proven to be left over from an earlier run."
            ),
            RemedyKind::OtherPort => format!(
                "Give {watched} another base port? Clients that know the present one have to be told the new one."
            ),
            other => format!("{} {watched}?", other.label()),
        }
    }

    fn drill(&mut self, kind: DrillKind, by: &Actor, reply: oneshot::Sender<Result<DrillReport, Refusal>>) {
        let now = self.now();
        let mut refuse = None;
        if by.chat == ChatKind::Group {
            refuse = Some(Refusal::new(
                RefusalKind::NotPrivate,
                "Drills begin in a private chat or at the machine only.",
            ));
        } else if by.chat == ChatKind::Private && !self.settings.operators.contains(&by.user) {
            refuse = Some(Refusal::new(RefusalKind::NotAnOperator, "You are not an operator here."));
        } else if self.drill.is_some() || self.under_way().is_some() {
            refuse = Some(Refusal::new(RefusalKind::UnderWay, "A drill or a remedy is under way already."));
        } else if !matches!(self.watch.standing(now), Standing::Healthy { .. }) {
            let message =
                format!("{} is not healthy just now: that is no time for a drill.", self.settings.watched);
            refuse = Some(Refusal::new(RefusalKind::Conflict, message));
        }
        let result = if refuse.is_some() { "refused" } else { "accepted" };
        let why = refuse.as_ref().map(|refusal| refusal.kind.code());
        self.ledger.write(super::Entry::Audit(crate::seams::AuditLine {
            at_ms: now.wall_ms,
            actor: by.label(),
            action: "rescue.drill".to_owned(),
            result: result.to_owned(),
            detail: serde_json::json!({ "kind": kind, "why": why }),
        }));
        if let Some(refusal) = refuse {
            let _ = reply.send(Err(refusal));
            return;
        }
        self.book.set_drill(true);
        let waiting = DrillReply { reply: Some(reply), begun: false, messaged: false, repair_asked: false };
        self.drill = Some((Drill::begin(kind, by.label(), now.monotonic, now.wall_ms), waiting));
        self.timeline.mark(now.wall_ms, "drill", format!("begun by {}", by.label()));
        let (keeper, happened) = (Arc::clone(&self.seams.keeper), self.happened.clone());
        self.tasks.spawn(async move {
            let result = match kind {
                DrillKind::Kill => keeper.kill_for_drill().await,
                DrillKind::Stop => keeper.stop_for_drill().await,
            };
            let _ = happened.send(Happened::DrillBegun(result)).await;
        });
    }

    pub(super) fn drill_begun(&mut self, result: Result<crate::seams::Done, Refusal>) {
        match result {
            Ok(_) => {
                if let Some((_, waiting)) = &mut self.drill {
                    waiting.begun = true;
                }
            }
            Err(refusal) => {
                self.book.set_drill(false);
                if let Some((_, DrillReply { reply: Some(reply), .. })) = self.drill.take() {
                    let _ = reply.send(Err(refusal));
                }
            }
        }
    }

    pub(super) fn look_after_drill(&mut self, now: Now, standing: &Standing) {
        let nobody = self.recipients().is_empty();
        let needed = self.book.needed_health();
        let in_incident = self.book.current().is_some();
        let Some((drill, waiting)) = &mut self.drill else { return };
        if let Standing::Healthy { since } = standing
            && waiting.begun
            && !in_incident
            && now.monotonic.saturating_sub(*since) >= needed
        {
            drill.healthy(*since);
        }
        let repair = drill.wants_repair() && !waiting.repair_asked;
        let message = drill.wants_message() && !waiting.messaged && !nobody;
        waiting.repair_asked |= repair;
        waiting.messaged |= message;
        let report = drill.report(now.monotonic, nobody);
        if repair {
            // What one tap on the alert would do.
            let offered = self.book.current().map(|incident| offer(&incident.cause, &self.able).remedies);
            let first = offered.into_iter().flatten().find(|kind| kind.is_repair() && !kind.is_destructive());
            let remedy = first.unwrap_or(RemedyKind::Restart);
            let request = RemedyRequest {
                id: format!("drill:{}", now.wall_ms),
                by: Actor::local("drill"),
                ask: Ask::Command { remedy, confirmed: true, version: None },
            };
            self.request(request, None);
        }
        if message {
            self.send_drill_message("It was ended for a drill, and is healthy again.");
        }
        if let Some(report) = report {
            self.end_drill(now, report);
        }
    }

    fn end_drill(&mut self, now: Now, report: DrillReport) {
        self.book.set_drill(false);
        self.timeline.mark(now.wall_ms, "drill", report.verdict.clone());
        self.ledger.write(super::Entry::Audit(crate::seams::AuditLine {
            at_ms: now.wall_ms,
            actor: report.by.clone(),
            action: "rescue.drill".to_owned(),
            result: if report.repaired_after_ms.is_some() { "passed" } else { "failed" }.to_owned(),
            detail: serde_json::json!(report),
        }));
        let _ = self.events.send(RescueEvent::Drill { report: report.clone() });
        if let Some((_, DrillReply { reply: Some(reply), .. })) = self.drill.take() {
            let _ = reply.send(Ok(report));
        }
    }
}

fn answer(reply: Reply, result: Result<RemedyReply, Refusal>) {
    if let Some(reply) = reply {
        let _ = reply.send(result);
    }
}
