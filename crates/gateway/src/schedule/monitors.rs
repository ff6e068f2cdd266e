//! The jobs behind heartbeats: one per agent that has one, kept as the configuration says.

use std::collections::BTreeMap;

use bulkhead_config::Heartbeat;
use bulkhead_protocol::methods::cron::{
    CronJob, CronJobState, CronPayload, CronSchedule, SessionTarget, WakeMode,
};
use bulkhead_schedule::{ScheduleError, parse_duration, revision_of};
use serde_json::json;
use uuid::Uuid;

use crate::gateway::Gateway;
use crate::settings::Settings;

/// How often, when nothing is said.
const EVERY: i64 = 30 * 60_000;
/// What the jobs are declared as.
const DECLARED: &str = "heartbeat:";

impl Gateway {
    #[allow(clippy::unused_self, reason = "asked of the gateway like the others")]
    /// The heartbeat of an agent, with what the defaults say; `None`: it has none.
    pub(super) fn heartbeat_of(&self, settings: &Settings, agent_id: &str) -> Option<Heartbeat> {
        heartbeats(settings).remove(agent_id)
    }

    /// Makes, changes and removes jobs until they are as the configuration says.
    pub(super) async fn keep_monitors(&self) -> Result<(), ScheduleError> {
        let Ok(engine) = self.schedule.engine() else { return Ok(()) };
        let settings = self.settings.now();
        let wanted = if settings.unconfigured { BTreeMap::new() } else { heartbeats(&settings) };
        let jobs = engine.jobs().await?;
        for job in jobs.iter().filter(|job| job.is_heartbeat()) {
            let agent = job.declaration_key.as_deref().and_then(|key| key.strip_prefix(DECLARED));
            if agent.is_none_or(|agent| !wanted.contains_key(agent)) {
                engine.forget(job.clone()).await?;
            }
        }
        for (agent, heartbeat) in wanted {
            let key = format!("{DECLARED}{agent}");
            let known = jobs.iter().find(|job| job.declaration_key.as_deref() == Some(&key));
            let id = known.map_or_else(|| Uuid::new_v4().to_string(), |job| job.id.clone());
            let asked = heartbeat.every.as_deref().and_then(|text| parse_duration(text, "m"));
            let every = asked.filter(|every| *every >= 1000).unwrap_or(EVERY);
            let phase = phase(self.place.name().as_str(), &agent, every);
            let now = self.store.now();
            let job = CronJob {
                id,
                declaration_key: Some(key),
                display_name: Some(format!("Heartbeat ({agent})")),
                owner: None,
                agent_id: Some(agent.clone()),
                session_key: None,
                name: format!("heartbeat-{agent}"),
                description: None,
                enabled: asked.is_none_or(|every| every > 0),
                delete_after_run: None,
                created_at_ms: now,
                updated_at_ms: now,
                schedule: CronSchedule::Every { every_ms: every, anchor_ms: Some(phase) },
                session_target: SessionTarget::Main,
                wake_mode: WakeMode::NextHeartbeat,
                payload: CronPayload::Heartbeat {},
                delivery: None,
                failure_alert: None,
                scheduled_tool_policy: None,
                state: CronJobState::default(),
            };
            engine.keep(job).await?;
        }
        Ok(())
    }
}

/// Once an agent has a heartbeat of its own, only such agents have one; else the default agent has that of the defaults.
fn heartbeats(settings: &Settings) -> BTreeMap<String, Heartbeat> {
    let agents = &settings.config.agents;
    let general = agents.defaults.heartbeat.clone().unwrap_or_default();
    let own: BTreeMap<String, Heartbeat> = agents
        .list
        .iter()
        .filter_map(|agent| Some((agent.id.clone(), agent.heartbeat.as_ref()?.over(&general))))
        .collect();
    if own.is_empty() { [(settings.default_agent().to_owned(), general)].into() } else { own }
}

/// A place in the interval, always the same: not all gateways of a machine begin at once.
fn phase(profile: &str, agent: &str, every: i64) -> i64 {
    let name = revision_of(&json!([profile, agent]));
    let digits = name.trim_start_matches("sha256:").get(..12).unwrap_or("0");
    i64::from_str_radix(digits, 16).unwrap_or(0) % every
}
