//! What the engine asks of the gateway.

use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use bulkhead_protocol::methods::cron::{
    CronJob, CronPayload, DeliveryMode, DeliveryStatus, FailureAlertRule, WakeMode,
};
use bulkhead_schedule::{Alert, AlertKind, AlertPolicy, Host, Outcome, Policy, Run, Told};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::agent_turn::{Asked, wish};
use super::deliver::Wish;
use super::heartbeat::Why;
use super::most_runs;
use crate::gateway::Gateway;
use crate::sessions::agent_of;

/// The gateway as its engine of jobs sees it.
pub(super) struct GatewayHost {
    gateway: Weak<Gateway>,
    after_start: Duration,
}

impl GatewayHost {
    pub(super) fn new(gateway: &Arc<Gateway>, after_start: Duration) -> Self {
        Self { gateway: Arc::downgrade(gateway), after_start }
    }
}

impl Gateway {
    /// The agent that does a job: its own, that of its session, else the default one.
    pub(crate) fn agent_of_job(&self, job: &CronJob) -> Option<String> {
        let settings = self.settings.now();
        let agent = job
            .agent_id
            .clone()
            .or_else(|| job.session_key.as_deref().and_then(agent_of).map(str::to_owned))
            .unwrap_or_else(|| settings.default_agent().to_owned());
        settings.agent(&agent).map(|agent| agent.id)
    }
}

#[async_trait]
impl Host for GatewayHost {
    fn policy(&self) -> Policy {
        let after_start = i64::try_from(self.after_start.as_millis()).unwrap_or(i64::MAX);
        let Some(gateway) = self.gateway.upgrade() else {
            return Policy {
                enabled: false,
                most_runs: 1,
                skip_missed: false,
                alerts: AlertPolicy::default(),
                after_start,
            };
        };
        let settings = gateway.settings.now();
        let cron = &settings.config.cron;
        let skip = settings.environment.either("SKIP_CRON").is_some_and(|(_, value)| value == "1");
        Policy {
            enabled: cron.enabled.unwrap_or(true) && !skip,
            most_runs: most_runs(cron.max_concurrent_runs),
            skip_missed: cron.skip_missed_jobs,
            alerts: AlertPolicy {
                enabled: cron.failure_alert.as_ref().and_then(|alert| alert.enabled),
                rule: cron.failure_alert.as_ref().map(|alert| FailureAlertRule {
                    after: alert.after,
                    channel: alert.channel.clone(),
                    to: alert.to.clone(),
                    cooldown_ms: alert.cooldown_ms,
                    include_skipped: alert.include_skipped,
                    mode: None,
                    account_id: alert.account_id.clone(),
                }),
            },
            after_start,
        }
    }

    fn ready(&self) -> bool {
        self.gateway.upgrade().is_some_and(|gateway| gateway.may_run().is_ok())
    }

    fn agent_of(&self, job: &CronJob) -> Option<String> {
        self.gateway.upgrade()?.agent_of_job(job)
    }

    async fn run(&self, job: &CronJob, run: &Run, _stop: &CancellationToken) -> Outcome {
        let Some(gateway) = self.gateway.upgrade() else { return Outcome::cut_off() };
        let Some(agent_id) = gateway.agent_of_job(job) else {
            return Outcome::skipped(format!(
                "agent {:?} is not configured; give the job another one",
                job.agent_id.as_deref().unwrap_or("default")
            ));
        };
        let mut outcome = match &job.payload {
            CronPayload::AgentTurn {
                message,
                model,
                fallbacks,
                timeout_seconds,
                light_context,
                tools_allow,
                thinking,
                ..
            } => {
                let asked = Asked {
                    message,
                    model: model.as_deref(),
                    fallbacks: fallbacks.as_deref(),
                    timeout_seconds: *timeout_seconds,
                    light_context: light_context.unwrap_or(false),
                    tools_allow: tools_allow.as_deref(),
                    thinking: thinking.as_deref(),
                };
                gateway.run_agent_turn(job, run, &agent_id, asked).await
            }
            CronPayload::SystemEvent { text } => {
                let key = format!("agent:{agent_id}:main");
                let key = job.session_key.clone().unwrap_or(key);
                gateway.schedule.events.add(&key, text);
                match job.wake_mode {
                    WakeMode::NextHeartbeat => Outcome { summary: Some(text.clone()), ..Outcome::ok() },
                    WakeMode::Now => {
                        let mut outcome = gateway.heartbeat(&agent_id, Some(&key), Why::Job).await;
                        outcome.summary.get_or_insert_with(|| text.clone());
                        outcome
                    }
                }
            }
            CronPayload::Heartbeat {} => gateway.heartbeat(&agent_id, None, Why::Time).await,
        };
        gateway.post_outcome(job, run, &mut outcome).await;
        outcome
    }

    async fn can_alert(&self, job: &CronJob) -> bool {
        let Some(gateway) = self.gateway.upgrade() else { return false };
        let Some(delivery) = &job.delivery else { return false };
        if delivery.failure_destination.is_some() {
            return true;
        }
        let Some(agent_id) = gateway.agent_of_job(job) else { return false };
        delivery.mode == DeliveryMode::Announce
            && gateway.route_for(wish(job, &agent_id, delivery)).await.is_ok()
    }

    async fn alert(&self, job: &CronJob, alert: &Alert) -> DeliveryStatus {
        let Some(gateway) = self.gateway.upgrade() else { return DeliveryStatus::NotDelivered };
        let agent_id = gateway.agent_of_job(job);
        let agent_id = agent_id.unwrap_or_else(|| gateway.settings.now().default_agent().to_owned());
        if alert.kind == AlertKind::TurnedOff {
            gateway.schedule.events.add(&format!("agent:{agent_id}:main"), &alert.text);
        }
        let rule = &alert.rule;
        let own = Wish {
            channel: rule.channel.as_deref(),
            to: rule.to.as_deref(),
            account: rule.account_id.as_deref(),
            session_key: job.session_key.as_deref(),
            agent_id: &agent_id,
        };
        let chosen = match &job.delivery {
            Some(delivery)
                if rule.to.is_none()
                    && rule.channel.is_none()
                    // Its `to` is no chat then.
                    && delivery.mode != DeliveryMode::Webhook =>
            {
                wish(job, &agent_id, delivery)
            }
            _ => own,
        };
        let sent = match gateway.route_for(chosen).await {
            Ok(route) => gateway.send_to(&route, &alert.text).await,
            Err(problem) => Err(problem),
        };
        match sent {
            Ok(()) => DeliveryStatus::Delivered,
            Err(problem) => {
                tracing::warn!(job = %job.id, "nobody could be told of a failure: {problem}");
                DeliveryStatus::NotDelivered
            }
        }
    }

    fn tell(&self, told: Told) {
        let Some(gateway) = self.gateway.upgrade() else { return };
        let mut payload = json!({"jobId": told.job_id, "action": told.action, "job": told.job});
        if let Value::Object(map) = &mut payload {
            if let Some(Value::Object(entry)) = told.entry {
                for (name, value) in entry {
                    if !matches!(name.as_str(), "ts" | "jobId" | "action" | "jobName") {
                        map.insert(name, value);
                    }
                }
            }
            if let Some(at) = told.run_at {
                map.insert("runAtMs".to_owned(), at.into());
            } else if let Some(next) = told.job.state.next_run_at_ms {
                map.entry("nextRunAtMs").or_insert(next.into());
            }
        }
        gateway.events.cron(&payload);
    }
}
