//! The agent's `cron` tool: reminders and recurring work, made in a conversation.

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use bulkhead_agent::{Tool, ToolContext, ToolOutput};
use bulkhead_protocol::methods::cron::{
    CronAddParams, CronJob, CronOwner, CronRunMode, CronRunsParams, ScheduledToolPolicy, SessionTarget,
};
use bulkhead_schedule::RunNow;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::gateway::Gateway;
use crate::methods::cron::{compact, full, history};
use crate::runs::{Source, TurnRequest};

/// The name.
const NAME: &str = "cron";

/// Whose jobs may be seen and changed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Reach {
    /// All: somebody at this machine asks.
    All,
    /// Those of one conversation.
    Conversation { session_key: String, account: String },
}

struct CronTool {
    gateway: Weak<Gateway>,
    reach: Reach,
    agent_id: String,
}

/// The tool for this turn. At this machine it reaches every job; a person whom the configuration names, in their private
/// chat, reaches the jobs of that chat; strangers, programs and jobs themselves have none.
pub(crate) fn tool(gateway: &Gateway, request: &TurnRequest) -> Option<Arc<dyn Tool>> {
    let peer = request.peer.as_ref().map(|(_, account, peer)| (account.as_str(), peer.as_str()));
    let settings = gateway.settings.now();
    let reach = reach(request.source, &request.session_key, peer, |account, id| {
        let telegram = &settings.config.channels.telegram;
        let own = telegram.accounts.get(account).and_then(|account| account.allow_from.as_ref());
        let owners = &settings.config.commands.owner_allow_from;
        own.unwrap_or(&telegram.allow_from).iter().chain(owners).any(|known| known == id)
    })?;
    let gateway = gateway.schedule.gateway()?;
    Some(Arc::new(CronTool { gateway, reach, agent_id: request.agent_id.clone() }))
}

fn reach(
    source: Source,
    session_key: &str,
    peer: Option<(&str, &str)>,
    is_named: impl Fn(&str, &str) -> bool,
) -> Option<Reach> {
    match (source, peer) {
        (Source::Cli | Source::Webchat, None) => Some(Reach::All),
        (Source::Telegram, Some((account, id))) => {
            let person = id.parse::<i64>().is_ok_and(|id| id > 0);
            (person && is_named(account, id)).then(|| Reach::Conversation {
                session_key: session_key.to_owned(),
                account: account.to_owned(),
            })
        }
        _ => None,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    action: String,
    #[serde(alias = "id")]
    job_id: Option<String>,
    job: Option<Value>,
    #[serde(default)]
    patch: Map<String, Value>,
    #[serde(default)]
    include_disabled: bool,
}

#[async_trait]
impl Tool for CronTool {
    fn name(&self) -> &'static str {
        NAME
    }

    fn description(&self) -> &'static str {
        "Makes reminders and recurring work. Actions: list, get, add, update, remove, run, runs. A job has a name, a schedule \
         ({kind:\"at\",at:\"2027-01-31T09:00:00Z\"}, {kind:\"every\",everyMs:3600000} or \
         {kind:\"cron\",expr:\"0 7 * * 1-5\",tz:\"Europe/Berlin\"}) and a payload: {kind:\"agentTurn\",message:\"…\"} asks you \
         in a conversation of its own and sends your answer to this chat; {kind:\"systemEvent\",text:\"…\"} reminds you in the \
         main conversation. Say the schedule back to the person in plain words."
    }

    fn schema(&self) -> Value {
        json!({
            "type": "object",
            "required": ["action"],
            "properties": {
                "action": {"type": "string", "enum": ["list", "get", "add", "update", "remove", "run", "runs"]},
                "jobId": {"type": "string", "description": "for get, update, remove, run, runs"},
                "includeDisabled": {"type": "boolean"},
                "job": {
                    "type": "object",
                    "description": "for add: {name, schedule, payload, deleteAfterRun?, delivery?}",
                },
                "patch": {"type": "object", "description": "for update: the fields to change; null takes one away"},
            },
        })
    }

    async fn call(&self, context: &ToolContext, args: Value) -> ToolOutput {
        let asked: Asked = match serde_json::from_value(args) {
            Ok(asked) => asked,
            Err(error) => return ToolOutput::error(format!("{error}; see the schema of this tool")),
        };
        let Some(gateway) = self.gateway.upgrade() else {
            return ToolOutput::error("the gateway is on its way down");
        };
        match self.answer(&gateway, context, asked).await {
            Ok(value) => ToolOutput::ok(value.to_string()),
            Err(problem) => ToolOutput::error(problem),
        }
    }
}

impl CronTool {
    async fn answer(
        &self,
        gateway: &Arc<Gateway>,
        context: &ToolContext,
        asked: Asked,
    ) -> Result<Value, String> {
        let engine = gateway.schedule.engine().map_err(|error| error.message)?;
        let wrong = |error: bulkhead_schedule::ScheduleError| error.to_string();
        match asked.action.as_str() {
            "list" => {
                let jobs = engine.jobs().await.map_err(wrong)?;
                let seen =
                    jobs.iter().filter(|job| self.reaches(job) && (job.enabled || asked.include_disabled));
                return Ok(seen.map(|job| compact(job, gateway.agent_of_job(job))).collect());
            }
            "add" => {
                let params = self.params(asked.job.unwrap_or_default(), context)?;
                let (job, _) = engine.add(params, self.policy()).await.map_err(wrong)?;
                return Ok(full(&job));
            }
            _ => {}
        }
        let id = asked.job_id.ok_or("jobId is missing; `list` names the jobs")?;
        let job = engine.get(&id).await.map_err(wrong)?;
        if !self.reaches(&job) {
            return Err(wrong(bulkhead_schedule::ScheduleError::NotFound(id)));
        }
        match asked.action.as_str() {
            "get" => Ok(full(&job)),
            "update" => {
                let mut patch = asked.patch;
                if self.reach != Reach::All {
                    // With other rights than the conversation's own it would be another job.
                    for name in ["agentId", "sessionKey", "sessionTarget", "delivery", "failureAlert"] {
                        if patch.remove(name).is_some() {
                            return Err(format!("{name} cannot be changed from here"));
                        }
                    }
                }
                patch.remove("state");
                engine.update(&id, patch, None).await.map(|job| full(&job)).map_err(wrong)
            }
            "remove" => engine.remove(&id).await.map(|_| json!({"ok": true, "removed": true})).map_err(wrong),
            "run" => match engine.run_now(&id, CronRunMode::Force).await.map_err(wrong)? {
                RunNow::Enqueued(run_id) => Ok(json!({"ok": true, "enqueued": true, "runId": run_id})),
                _ => Ok(json!({"ok": true, "ran": false, "reason": "already-running"})),
            },
            "runs" => {
                let params = CronRunsParams { id: Some(id), limit: Some(10), ..CronRunsParams::default() };
                history(gateway, params).await.map_err(|error| error.message)
            }
            other => {
                Err(format!("found action {other:?}, expected list, get, add, update, remove, run or runs"))
            }
        }
    }

    fn reaches(&self, job: &CronJob) -> bool {
        match &self.reach {
            Reach::All => true,
            Reach::Conversation { session_key, .. } => {
                job.owner.as_ref().is_some_and(|owner| owner.session_key.as_ref() == Some(session_key))
            }
        }
    }

    fn policy(&self) -> ScheduledToolPolicy {
        match &self.reach {
            Reach::All => ScheduledToolPolicy::trusted(),
            Reach::Conversation { session_key, account } => {
                ScheduledToolPolicy::account(session_key, account)
            }
        }
    }

    /// What the model wrote, completed: the conversation it was written in is where the outcome goes.
    fn params(&self, job: Value, context: &ToolContext) -> Result<CronAddParams, String> {
        let Value::Object(mut job) = job else {
            return Err("job is missing: {name, schedule, payload}".to_owned());
        };
        let event = job.get("payload").and_then(|payload| payload.get("kind")) == Some(&json!("systemEvent"));
        job.entry("sessionTarget").or_insert_with(|| if event { "main" } else { "isolated" }.into());
        job.entry("wakeMode").or_insert_with(|| "now".into());
        job.entry("agentId").or_insert_with(|| self.agent_id.clone().into());
        let mut params: CronAddParams =
            serde_json::from_value(Value::Object(job)).map_err(|error| format!("job: {error}"))?;
        params.owner = Some(CronOwner {
            agent_id: Some(self.agent_id.clone()),
            session_key: Some(context.session_key.clone()),
            account_id: None,
        });
        if let Reach::Conversation { session_key, .. } = &self.reach {
            params.agent_id = Some(self.agent_id.clone());
            params.session_key = Some(session_key.clone());
            params.declaration_key = None;
            params.delivery = None;
            params.failure_alert = None;
            if params.session_target != SessionTarget::Main {
                params.session_target = SessionTarget::Isolated;
            }
        }
        Ok(params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_programs_and_jobs_have_no_jobs() {
        let who = |source, peer| reach(source, "s", peer, |account, id| account == "default" && id == "42");
        assert_eq!(who(Source::Cli, None), Some(Reach::All));
        assert_eq!(who(Source::Webchat, None), Some(Reach::All));
        let named = Reach::Conversation { session_key: "s".into(), account: "default".into() };
        assert_eq!(who(Source::Telegram, Some(("default", "42"))), Some(named));
        assert_eq!(who(Source::Telegram, Some(("default", "43"))), None, "paired only");
        assert_eq!(who(Source::Telegram, Some(("default", "-42"))), None, "a group");
        for source in [Source::Http, Source::Hook, Source::Cron, Source::CronAccount, Source::Heartbeat] {
            assert_eq!(who(source, None), None);
        }
    }
}
