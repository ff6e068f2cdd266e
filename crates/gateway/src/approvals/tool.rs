//! `exec` as an agent gets it: a command that needs a person's yes waits for it.

use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use bulkhead_agent::command::SystemPrograms;
use bulkhead_agent::tools::Exec;
use bulkhead_agent::{Tool, ToolContext, ToolOutput};
use bulkhead_config::{ExecAsk, ExecSecurity};
use bulkhead_store::{Approval, ApprovalStatus};
use serde_json::{Value, json};

use super::allowlist::Entry;
use super::document::Document;
use super::policy::{Ground, Plan, Policy, Verdict, decide};
use super::{Ask, LONGEST_SHOWN, wire};
use crate::clock;
use crate::gateway::Gateway;
use crate::runs::TurnRequest;

/// For whom commands run, and what the configuration says of them.
pub(crate) struct Asker {
    pub(crate) agent_id: String,
    pub(crate) session_key: String,
    /// Channel, account and chat that the conversation is on.
    pub(crate) peer: Option<(String, String, String)>,
    pub(crate) security: ExecSecurity,
    pub(crate) ask: ExecAsk,
    pub(crate) patience: Duration,
}

impl Asker {
    /// For one turn.
    pub(crate) fn new(
        request: &TurnRequest,
        (security, ask): (ExecSecurity, ExecAsk),
        patience: Duration,
    ) -> Self {
        Self {
            agent_id: request.agent_id.clone(),
            session_key: request.session_key.clone(),
            peer: request.peer.clone(),
            security,
            ask,
            patience,
        }
    }
}

/// The tool.
pub(crate) struct AskedExec {
    exec: Exec,
    gateway: Weak<Gateway>,
    asker: Asker,
    home: PathBuf,
}

impl AskedExec {
    pub(crate) fn new(exec: Exec, gateway: &Arc<Gateway>, asker: Asker) -> Self {
        let home = gateway.settings.now().environment.expand("~");
        Self { exec, gateway: Arc::downgrade(gateway), asker, home }
    }

    fn plan(&self, command: &str) -> Plan {
        Plan::of(command, &SystemPrograms, self.exec.folder())
    }

    fn verdict(&self, plan: &Plan, document: &Document) -> (Policy, Verdict, Vec<Entry>) {
        let policy = document.policy(&self.asker.agent_id, self.asker.security, self.asker.ask);
        let entries = document.entries(&self.asker.agent_id);
        let ground = Ground { entries: &entries, cwd: self.exec.folder(), home: &self.home };
        (policy, decide(policy, plan, ground), entries)
    }

    fn request(
        &self,
        command: &str,
        plan: &Plan,
        policy: Policy,
        why: &str,
        always: bool,
        run: &str,
    ) -> Value {
        let decisions =
            if always { vec!["allow-once", "allow-always", "deny"] } else { vec!["allow-once", "deny"] };
        let (channel, account, to) = match &self.asker.peer {
            Some((channel, account, to)) => (Some(channel), Some(account), Some(to)),
            None => (None, None, None),
        };
        json!({
            "command": wire::shown(command),
            "cwd": self.exec.folder().display().to_string(),
            "host": "gateway",
            "nodeId": null,
            "security": policy.security.as_str(),
            "ask": policy.ask.as_str(),
            "warningText": why,
            "allowedDecisions": decisions,
            "agentId": self.asker.agent_id,
            "resolvedPath": plan.first_path(),
            "sessionKey": self.asker.session_key,
            "runId": run,
            "turnSourceChannel": channel,
            "turnSourceAccountId": account,
            "turnSourceTo": to,
        })
    }

    /// Asks a person, and waits. Whoever drops this future takes the question back.
    async fn wait(&self, gateway: &Arc<Gateway>, request: Value, run: &str) -> Result<Approval, ToolOutput> {
        let ask = Ask {
            kind: "exec",
            id: None,
            request,
            agent_id: Some(self.asker.agent_id.clone()),
            session_key: Some(self.asker.session_key.clone()),
            run_id: Some(run.to_owned()),
            patience: self.asker.patience,
        };
        let (filed, mut waiting) = gateway.ask_approval(ask).await.map_err(|error| {
            ToolOutput::error(format!("Exec denied: nobody could be asked: {}", error.message))
        })?;
        let mut back = TakenBack { gateway: Arc::downgrade(gateway), id: Some(filed.id.clone()) };
        let _paused = gateway.runs.pause(run);
        let over = waiting.wait_for(Option::is_some).await.ok().and_then(|over| over.clone());
        back.id = None;
        over.ok_or_else(|| ToolOutput::error("Exec denied: the question was lost; the command did not run"))
    }

    /// Runs a command that a person was asked about, if the answer was yes and the programs are still the same.
    async fn after(
        &self,
        gateway: &Gateway,
        over: &Approval,
        asked: &Plan,
        always: Option<Vec<Entry>>,
        policy: Policy,
        command: &str,
    ) -> Result<(), ToolOutput> {
        let denied = |why: &str, words: &str| {
            Err(ToolOutput::error(format!("Exec denied (gateway id={}, {why}): {command}\n{words}", over.id)))
        };
        match (over.status, over.reason.as_deref()) {
            (ApprovalStatus::Allowed, _) => {}
            (ApprovalStatus::Denied, _) => {
                return denied(
                    "user-denied",
                    "The person said no. It did not run. Do not try it again in another form; ask what to do instead.",
                );
            }
            (ApprovalStatus::Expired, _) => {
                let runs = match policy.fallback {
                    ExecSecurity::Full => true,
                    ExecSecurity::Deny => false,
                    ExecSecurity::Allowlist => {
                        let quiet = Policy { ask: ExecAsk::Off, security: ExecSecurity::Allowlist, ..policy };
                        let text = gateway.store.approvals().document().await.ok().flatten();
                        let entries = Document::stored(text.as_deref()).entries(&self.asker.agent_id);
                        let ground = Ground { entries: &entries, cwd: self.exec.folder(), home: &self.home };
                        matches!(decide(quiet, asked, ground), Verdict::Run(_))
                    }
                };
                if runs {
                    return Ok(());
                }
                return denied(
                    "approval-timeout",
                    "Nobody answered in time. It did not run. Say that it waits for a person's approval, and go on without it.",
                );
            }
            _ => return denied("cancelled", "The question was taken back. It did not run."),
        }
        // Meanwhile somebody may have switched commands off.
        let text = gateway.store.approvals().document().await.ok().flatten();
        let now = Document::stored(text.as_deref()).policy(
            &self.asker.agent_id,
            self.asker.security,
            self.asker.ask,
        );
        if now.security == ExecSecurity::Deny {
            return denied("policy-changed", "Commands were switched off while it waited. It did not run.");
        }
        if self.plan(command) != *asked {
            return denied(
                "approval-binding-changed",
                "A program of it became another one while it waited. It did not run.",
            );
        }
        match gateway.store.approvals().claim(&over.id).await {
            Ok(true) => {}
            Ok(false) => return denied("approval-used", "This approval was used already. It did not run."),
            Err(error) => return denied("approval-storage", &format!("It did not run: {error}")),
        }
        if over.decision.as_deref() == Some("allow-always")
            && let Some(entries) = always
        {
            let agent = &self.asker.agent_id;
            if let Err(error) = gateway.change_exec_document(|document| document.add(agent, &entries)).await {
                tracing::warn!(%error, "what is always allowed could not be recorded");
            }
        }
        Ok(())
    }
}

/// Takes a question back when nobody waits for its answer any more.
struct TakenBack {
    gateway: Weak<Gateway>,
    id: Option<String>,
}

impl Drop for TakenBack {
    fn drop(&mut self) {
        let (Some(id), Some(gateway)) = (self.id.take(), self.gateway.upgrade()) else { return };
        let reason = if gateway.stop.is_cancelled() { "gateway-restart" } else { "run-aborted" };
        let running = Arc::clone(&gateway);
        gateway.tasks.spawn(async move {
            running.end_approval(&id, ApprovalStatus::Cancelled, reason).await;
        });
    }
}

#[async_trait]
impl Tool for AskedExec {
    fn name(&self) -> &'static str {
        self.exec.name()
    }

    fn description(&self) -> &'static str {
        self.exec.description()
    }

    fn schema(&self) -> Value {
        self.exec.schema()
    }

    fn patience(&self) -> Option<Duration> {
        Some(self.asker.patience + self.exec.longest() + Duration::from_secs(30))
    }

    async fn call(&self, context: &ToolContext, args: Value) -> ToolOutput {
        let command = match Exec::command_of(&args) {
            Ok(command) => command,
            Err(refused) => return refused,
        };
        let Some(gateway) = self.gateway.upgrade() else {
            return ToolOutput::error("the gateway is on its way down");
        };
        let document = match gateway.store.approvals().document().await {
            Ok(text) => Document::stored(text.as_deref()),
            Err(error) => return ToolOutput::error(format!("Exec denied: {error}")),
        };
        let plan = self.plan(&command);
        let (policy, verdict, entries) = self.verdict(&plan, &document);
        match verdict {
            Verdict::Refuse(why) => {
                return ToolOutput::error(format!("Exec denied: {command}\n{why}. It did not run."));
            }
            Verdict::Run(used) if used.is_empty() => {}
            Verdict::Run(used) => {
                let used: Vec<Entry> = used.into_iter().filter_map(|at| entries.get(at).cloned()).collect();
                let (agent, now) = (&self.asker.agent_id, clock::now_ms());
                let noted =
                    gateway.change_exec_document(|document| document.used(agent, &used, &command, now)).await;
                if let Err(error) = noted {
                    tracing::debug!(%error, "the use of an allowlist entry could not be noted");
                }
            }
            Verdict::Ask { why, always } => {
                if command.len() > LONGEST_SHOWN {
                    return ToolOutput::error(
                        "Exec denied: the command is too long to be shown to a person who has to allow it; write a \
                         script into a file and run that",
                    );
                }
                let request = self.request(&command, &plan, policy, &why, always.is_some(), &context.run_id);
                let over = match self.wait(&gateway, request, &context.run_id).await {
                    Ok(over) => over,
                    Err(refused) => return refused,
                };
                if let Err(refused) = self.after(&gateway, &over, &plan, always, policy, &command).await {
                    return refused;
                }
            }
        }
        drop(gateway);
        self.exec.call(context, args).await
    }
}
