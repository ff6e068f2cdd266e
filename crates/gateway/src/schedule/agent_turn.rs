//! A job that asks the agent: the turn, and its answer on its way.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_agent::Thinking;
use bulkhead_protocol::methods::cron::{
    CronDelivery, CronJob, DeliveryMode, DeliveryStatus, RunStatusWord, SessionTarget,
};
use bulkhead_schedule::heartbeat::{Answer, answer};
use bulkhead_schedule::{Outcome, Run};
use serde_json::json;
use uuid::Uuid;

use super::deliver::{Wish, nowhere, trace};
use crate::clock;
use crate::gateway::Gateway;
use crate::runs::registry::{EndStatus, RunEnd};
use crate::runs::{Accepted, Source, TurnRequest};
use crate::sessions::resolve;

/// The longest that a run may take when nothing is said.
const LONGEST: Duration = Duration::from_hours(1);
/// The longest that it may take when there is no limit.
const NO_LIMIT: Duration = Duration::from_hours(48);

/// What a job asks of an agent.
pub(super) struct Asked<'a> {
    pub(super) message: &'a str,
    pub(super) model: Option<&'a str>,
    pub(super) fallbacks: Option<&'a [String]>,
    pub(super) timeout_seconds: Option<f64>,
    pub(super) light_context: bool,
    pub(super) tools_allow: Option<&'a [String]>,
    pub(super) thinking: Option<&'a str>,
}

impl Gateway {
    /// Asks the agent and delivers what it says.
    pub(super) async fn run_agent_turn(
        self: &Arc<Self>,
        job: &CronJob,
        run: &Run,
        agent_id: &str,
        asked: Asked<'_>,
    ) -> Outcome {
        let settings = self.settings.now();
        if settings.agent(agent_id).is_none() {
            return Outcome::skipped(format!(
                "agent {agent_id:?} is not configured; give the job another one with `cron edit {} --agent …`",
                job.id
            ));
        }
        let models = match settings.models_for(asked.model, asked.fallbacks) {
            Ok(models) => models,
            Err(problem) => return Outcome::failed(problem),
        };
        let fresh = format!("agent:{agent_id}:cron:{}:run:{}", job.id, Uuid::new_v4());
        let key = match &job.session_target {
            SessionTarget::Session(key) => match resolve(&settings, Some(key), None) {
                Ok((key, _)) => key,
                Err(error) => return Outcome::skipped(error.message),
            },
            _ => fresh,
        };
        let trusted = job
            .scheduled_tool_policy
            .as_ref()
            .is_some_and(bulkhead_protocol::methods::cron::ScheduledToolPolicy::is_trusted);
        let source = if trusted { Source::Cron } else { Source::CronAccount };
        let longest = match asked.timeout_seconds {
            None => LONGEST,
            Some(0.0) => NO_LIMIT,
            Some(seconds) => Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST),
        };
        let mut request =
            TurnRequest::new(run.id.clone(), key.clone(), agent_id.to_owned(), asked.message, source);
        request.timeout = Some(longest);
        request.models = models;
        request.light_context = asked.light_context;
        // What its model does not take comes down to what it does, so that a change of model stops no job.
        request.thinking = asked.thinking.and_then(Thinking::parse);
        request.tools_allow = asked.tools_allow.map(<[String]>::to_vec);
        request.sender = Some(format!("Cron: {}", job.name));
        request.extra_system = Some(format!(
            "This turn was started by the automation “{}” ({}), not by a person; nobody can answer questions now. The time is \
             {}. Your final answer is {}. If there is nothing to say, answer NO_REPLY and nothing else.",
            job.name,
            job.id,
            clock::rfc3339(clock::now_ms()),
            goes_where(job.delivery.as_ref()),
        ));
        let end = match self.run_turn(request).await {
            Ok(end) => end,
            Err(problem) => return Outcome::failed(problem),
        };
        let mut outcome = self.outcome_of(&end);
        outcome.session_key = Some(key.clone());
        if let Ok(Some(session)) = self.store.sessions().get(&key).await {
            outcome.session_id = Some(session.session_id);
        }
        if outcome.status == Some(RunStatusWord::Ok) {
            self.deliver(job, agent_id, &end.text, &mut outcome).await;
        }
        outcome
    }

    /// One turn to its end.
    pub(crate) async fn run_turn(self: &Arc<Self>, request: TurnRequest) -> Result<Arc<RunEnd>, String> {
        let run_id = request.run_id.clone();
        match self.accept(request, None).await {
            Ok(Accepted::Ended(end)) => Ok(end),
            Ok(Accepted::Started { .. } | Accepted::InFlight) => self
                .runs
                .wait(&run_id)
                .await
                .ok_or_else(|| "the run ended without a trace; see the gateway's log".to_owned()),
            Err(error) => Err(error.message),
        }
    }

    fn outcome_of(&self, end: &RunEnd) -> Outcome {
        let mut outcome = match end.status {
            EndStatus::Ok => Outcome::ok(),
            EndStatus::Aborted if self.stop.is_cancelled() => Outcome::cut_off(),
            EndStatus::Aborted => Outcome::failed("somebody stopped this run"),
            EndStatus::Error => {
                Outcome::failed(end.error.clone().unwrap_or_else(|| "the run failed".to_owned()))
            }
        };
        outcome.summary = Some(end.text.clone()).filter(|text| !text.is_empty());
        outcome.model = end.provider.clone().zip(end.model.clone());
        outcome.usage = (end.input_tokens + end.output_tokens > 0).then(|| {
            json!({
                "input_tokens": end.input_tokens,
                "output_tokens": end.output_tokens,
                "total_tokens": end.input_tokens + end.output_tokens,
            })
        });
        outcome
    }

    async fn deliver(&self, job: &CronJob, agent_id: &str, text: &str, outcome: &mut Outcome) {
        let Some(delivery) = job.delivery.as_ref().filter(|one| one.mode == DeliveryMode::Announce) else {
            outcome.delivery = Some(DeliveryStatus::NotRequested);
            outcome.trace = Some(nowhere());
            return;
        };
        outcome.best_effort = delivery.best_effort == Some(true);
        let said = match answer(text) {
            Answer::Alert(said) => said,
            Answer::Silent => {
                outcome.delivery = Some(DeliveryStatus::NotDelivered);
                outcome.suppressed = Some("silent");
                return;
            }
            Answer::Empty => {
                outcome.delivery = Some(DeliveryStatus::NotDelivered);
                outcome.suppressed = Some("empty");
                return;
            }
        };
        // A conversation without a channel has the answer in it already.
        if matches!(job.session_target, SessionTarget::Session(_))
            && delivery.to.is_none()
            && delivery.channel.as_deref().is_none_or(|channel| channel == "last")
            && !self.is_on_channel(job).await
        {
            outcome.delivery = Some(DeliveryStatus::Delivered);
            return;
        }
        let wish = wish(job, agent_id, delivery);
        let route = self.route_for(wish).await;
        let sent = match &route {
            Ok(route) => self.send_to(route, &said).await,
            Err(problem) => Err(problem.clone()),
        };
        outcome.trace = Some(trace(wish, &route, sent.is_ok()));
        match sent {
            Ok(()) => outcome.delivery = Some(DeliveryStatus::Delivered),
            Err(problem) => {
                outcome.delivery = Some(DeliveryStatus::NotDelivered);
                outcome.delivery_error = Some(problem);
            }
        }
    }

    async fn is_on_channel(&self, job: &CronJob) -> bool {
        let SessionTarget::Session(key) = &job.session_target else { return false };
        let found = self.store.sessions().get(key).await;
        found.is_ok_and(|session| session.is_some_and(|session| session.channel.is_some()))
    }
}

/// Where the outcome of a job should go.
pub(crate) fn wish<'a>(job: &'a CronJob, agent_id: &'a str, delivery: &'a CronDelivery) -> Wish<'a> {
    let pinned = match &job.session_target {
        SessionTarget::Session(key) => Some(key.as_str()),
        _ => None,
    };
    Wish {
        channel: delivery.channel.as_deref(),
        to: delivery.to.as_deref(),
        account: delivery.account_id.as_deref(),
        session_key: job.session_key.as_deref().or(pinned),
        agent_id,
    }
}

fn goes_where(delivery: Option<&CronDelivery>) -> &'static str {
    match delivery.map(|one| one.mode) {
        Some(DeliveryMode::Announce) => "sent to the person's chat",
        Some(DeliveryMode::Webhook) => "posted to another program",
        _ => "kept in the history of the automation",
    }
}
