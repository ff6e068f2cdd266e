//! One heartbeat: whether it takes place, what is asked, who is told.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use bulkhead_agent::workspace::Workspace;
use bulkhead_config::Heartbeat;
use bulkhead_protocol::methods::cron::{DeliveryStatus, SCRATCH_BYTES};
use bulkhead_schedule::heartbeat::{ActiveHours, Answer, answer, says_nothing};
use bulkhead_schedule::{Outcome, parse_duration};
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use uuid::Uuid;

use super::deliver::{Route, Wish};
use crate::clock;
use crate::gateway::Gateway;
use crate::runs::registry::EndStatus;
use crate::runs::{Source, TurnRequest};
use crate::sessions::{agent_of, resolve};
use crate::settings::Settings;

/// What the agent is asked when nothing is said.
const PROMPT: &str = "This is a heartbeat: a look whether something needs attention now. Follow the notes below, if there are \
    any, and take care of the events below, if there are any. Do not repeat old tasks of earlier conversations. If nothing \
    needs attention, answer NO_REPLY and nothing else; otherwise answer only what the person should read.";
/// The longest that one may take.
const LONGEST: Duration = Duration::from_mins(10);
/// So many in a row are enough.
const FLOOD: usize = 5;
/// Within so long.
const FLOOD_WITHIN: Duration = Duration::from_mins(1);
/// Bytes of an answer that are shown of it.
const PREVIEW: usize = 200;
/// The file of the workspace that holds the notes, where the job has none.
const FILE: &str = "HEARTBEAT.md";

/// Why a heartbeat is to take place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// Its time has come.
    Time,
    /// Somebody asked for it.
    Wake,
    /// A job has something to tell.
    Job,
}

impl Gateway {
    /// Answers wishes for heartbeats, one after another, until the gateway stops. Not too many in a row.
    pub(super) async fn answer_wakes(self: Arc<Self>) {
        let mut begun: VecDeque<Instant> = VecDeque::new();
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.schedule.wake.notified() => {}
            }
            loop {
                let next = {
                    let mut wakes = self.schedule.wakes.lock().unwrap_or_else(PoisonError::into_inner);
                    if wakes.is_empty() { None } else { Some(wakes.remove(0)) }
                };
                let Some(key) = next else { break };
                while begun.front().is_some_and(|at| at.elapsed() > FLOOD_WITHIN) {
                    begun.pop_front();
                }
                if let Some(oldest) = begun.front().filter(|_| begun.len() >= FLOOD) {
                    let pause = FLOOD_WITHIN.saturating_sub(oldest.elapsed());
                    if self.stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                        return;
                    }
                }
                begun.push_back(Instant::now());
                let agent = agent_of(&key).map(str::to_owned);
                let agent = agent.unwrap_or_else(|| self.settings.now().default_agent().to_owned());
                self.heartbeat(&agent, Some(&key), Why::Wake).await;
            }
        }
    }

    /// One heartbeat of an agent, told to everybody who listens.
    pub(super) async fn heartbeat(
        self: &Arc<Self>,
        agent_id: &str,
        session: Option<&str>,
        why: Why,
    ) -> Outcome {
        let begun = Instant::now();
        let beat = self.beat(agent_id, session, why).await;
        let mut payload = json!({
            "ts": clock::now_ms(),
            "status": beat.status,
            "durationMs": u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        });
        if let Value::Object(map) = &mut payload {
            let mut set = |name: &str, value: Option<String>| {
                if let Some(value) = value {
                    map.insert(name.to_owned(), value.into());
                }
            };
            set("reason", beat.reason.clone());
            set("preview", beat.preview.clone());
            set("channel", beat.route.as_ref().map(|route| route.channel.clone()));
            set("accountId", beat.route.as_ref().map(|route| route.account.clone()));
            set("to", beat.route.as_ref().map(|route| route.to.clone()));
            set("indicatorType", beat.indicator.map(str::to_owned));
        }
        *self.schedule.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(payload.clone());
        self.events.heartbeat(&payload);
        beat.outcome
    }

    async fn beat(self: &Arc<Self>, agent_id: &str, session: Option<&str>, why: Why) -> Beat {
        let settings = self.settings.now();
        let Some(config) =
            self.heartbeat_of(&settings, agent_id).or_else(|| (why != Why::Time).then(Heartbeat::default))
        else {
            return Beat::skipped("disabled");
        };
        if !self.schedule.heartbeats() {
            return Beat::skipped("disabled");
        }
        if self.may_run().is_err() {
            return Beat::skipped("not-ready");
        }
        let base = match resolve(&settings, session.or(config.session.as_deref()), Some(agent_id)) {
            Ok((key, _)) => key,
            Err(error) => return Beat::failed(error.message),
        };
        if why == Why::Time && !is_active(&config, &settings, self.store.now()) {
            return Beat::skipped("quiet-hours");
        }
        let busy = !self.runs.active_in(&base).is_empty()
            || self.schedule.engine().is_ok_and(|engine| engine.running() > 1);
        if why == Why::Time && busy {
            return Beat::skipped("requests-in-flight");
        }
        let waits = self.schedule.events.waits(&base);
        let route = self.heartbeat_route(&config, agent_id, &base).await;
        let internal = config.target.as_deref() == Some("none");
        if why == Why::Time && !waits && !internal && route.is_err() {
            return Beat::skipped("no-route");
        }
        let note = self.note(agent_id, &settings).await;
        if why == Why::Time && !waits && note.as_deref().is_some_and(says_nothing) {
            return Beat::skipped("empty-heartbeat-file");
        }
        let models = match settings.models_for(config.model.as_deref(), None) {
            Ok(models) => models,
            Err(problem) => return Beat::failed(problem),
        };
        let key = if config.isolated_session == Some(true) {
            format!("agent:{agent_id}:cron:heartbeat:run:{}", Uuid::new_v4())
        } else {
            base.clone()
        };
        let told = self.schedule.events.take(&base);
        let message = message(&config, note.as_deref(), &told);
        let run_id = format!("heartbeat:{}", Uuid::new_v4());
        let mut request =
            TurnRequest::new(run_id.clone(), key.clone(), agent_id.to_owned(), &message, Source::Heartbeat);
        request.models = models;
        request.light_context = config.light_context == Some(true);
        let every = config.every.as_deref().and_then(|text| parse_duration(text, "m"));
        let every =
            every.and_then(|ms| u64::try_from(ms).ok()).filter(|ms| *ms > 0).map(Duration::from_millis);
        let configured = config.timeout_seconds.or(settings.config.agents.defaults.timeout_seconds);
        request.timeout = configured
            .map(Duration::from_secs)
            .or_else(|| Some(every.map_or(LONGEST, |every| every.min(LONGEST))));
        let end = match self.run_turn(request).await {
            Ok(end) => end,
            Err(problem) => {
                self.give_back(&base, &told);
                return Beat::failed(problem);
            }
        };
        match end.status {
            EndStatus::Ok => {}
            EndStatus::Aborted if self.stop.is_cancelled() => return Beat::cut_off(),
            _ => {
                self.give_back(&base, &told);
                return Beat::failed(end.error.clone().unwrap_or_else(|| "somebody stopped it".to_owned()));
            }
        }
        let said = match answer(&end.text) {
            Answer::Alert(said) => said,
            quiet => {
                // Nothing was said: the conversation stays as it was.
                if let Err(error) = self.store.sessions().forget_run(&run_id).await {
                    tracing::debug!(%error, "a quiet heartbeat stays in the conversation");
                }
                let token = matches!(quiet, Answer::Silent);
                return Beat::quiet(if token { "ok-token" } else { "ok-empty" });
            }
        };
        if internal {
            return Beat::alert("ok-token", said, None, Some("target-none"));
        }
        match route {
            Ok(route) => match self.send_to(&route, &said).await {
                Ok(()) => Beat::alert("sent", said, Some(route), None),
                Err(problem) => Beat { reason: Some(problem.clone()), ..Beat::failed(problem) },
            },
            Err(problem) => {
                tracing::info!("a heartbeat has something to say, and no chat to say it in: {problem}");
                Beat::alert("skipped", said, None, Some("no-route"))
            }
        }
    }

    /// Events that no agent read wait for the next one.
    fn give_back(&self, key: &str, told: &[String]) {
        for line in told {
            let text = line.split_once("] ").map_or(line.as_str(), |(_, text)| text);
            self.schedule.events.add(key, text);
        }
    }

    /// Who is told.
    async fn heartbeat_route(
        &self,
        config: &Heartbeat,
        agent_id: &str,
        session: &str,
    ) -> Result<Route, String> {
        let target = config.target.as_deref().unwrap_or("owner");
        let wish = Wish {
            channel: Some(target),
            to: config.to.as_deref(),
            account: config.account_id.as_deref(),
            session_key: Some(session),
            agent_id,
        };
        let route = match target {
            "none" => return Err("target is none".to_owned()),
            // A conversation of a channel is answered there.
            "owner" => match self.route_for(Wish { channel: None, to: None, ..wish }).await {
                Ok(route) if session.contains(&format!(":{}:", route.channel)) => route,
                _ => self.owner_route().ok_or(
                    "no owner is known: expected a user id in commands.ownerAllowFrom or channels.telegram.allowFrom",
                )?,
            },
            _ => self.route_for(wish).await?,
        };
        if config.direct_policy.as_deref() == Some("block")
            && route.to.parse::<i64>().is_ok_and(|chat| chat > 0)
        {
            return Err("direct chats are not told (directPolicy)".to_owned());
        }
        Ok(route)
    }

    /// The notes of an agent's heartbeat: those of its job, else those of the workspace.
    async fn note(&self, agent_id: &str, settings: &Settings) -> Option<String> {
        let declared = format!("heartbeat:{agent_id}");
        if let Ok(Some(row)) = self.store.cron().declared(&declared).await
            && let Ok(scratch) = self.store.cron().scratch(&row.id).await
            && scratch.content.is_some()
        {
            return scratch.content;
        }
        let folder = settings.agent(agent_id)?.workspace;
        let read = move || {
            let workspace = Workspace::open(&folder, &[]).ok()?;
            let bytes = workspace.read(FILE, SCRATCH_BYTES as u64).ok()?;
            Some(String::from_utf8_lossy(&bytes).into_owned())
        };
        tokio::task::spawn_blocking(read).await.ok().flatten()
    }
}

fn message(config: &Heartbeat, note: Option<&str>, told: &[String]) -> String {
    let mut text = config.prompt.clone().unwrap_or_else(|| PROMPT.to_owned());
    if let Some(note) = note.map(str::trim).filter(|note| !note.is_empty()) {
        let _ = write!(text, "\n\nNotes:\n{note}");
    }
    if !told.is_empty() {
        let _ = write!(text, "\n\n{}", told.join("\n"));
    }
    let _ = write!(text, "\n\nThe time is {}.", clock::rfc3339(clock::now_ms()));
    text
}

/// Whether it is one of the configured hours. A zone that does not exist is the person's.
fn is_active(config: &Heartbeat, settings: &Settings, now: i64) -> bool {
    let Some(hours) = &config.active_hours else { return true };
    let user = || {
        let name = settings.config.agents.defaults.user_timezone.as_deref();
        name.and_then(|name| TimeZone::get(name).ok()).unwrap_or_else(TimeZone::system)
    };
    let zone = match hours.timezone.as_deref() {
        None | Some("user") => user(),
        Some("local") => TimeZone::system(),
        Some(name) => TimeZone::get(name).unwrap_or_else(|_| user()),
    };
    ActiveHours::read(&hours.start, &hours.end, zone).is_none_or(|hours| hours.contain(now))
}

/// How one went.
struct Beat {
    status: &'static str,
    reason: Option<String>,
    preview: Option<String>,
    route: Option<Route>,
    indicator: Option<&'static str>,
    outcome: Outcome,
}

impl Beat {
    fn new(status: &'static str, outcome: Outcome) -> Self {
        Self { status, reason: None, preview: None, route: None, indicator: None, outcome }
    }

    fn skipped(reason: &str) -> Self {
        Self { reason: Some(reason.to_owned()), ..Self::new("skipped", Outcome::skipped(reason)) }
    }

    fn failed(problem: String) -> Self {
        let outcome = Outcome::failed(problem.clone());
        Self { reason: Some(problem), indicator: Some("error"), ..Self::new("failed", outcome) }
    }

    fn cut_off() -> Self {
        Self { reason: Some("stopping".to_owned()), ..Self::new("skipped", Outcome::cut_off()) }
    }

    fn quiet(status: &'static str) -> Self {
        let outcome = Outcome {
            delivery: Some(DeliveryStatus::NotDelivered),
            suppressed: Some("heartbeat"),
            ..Outcome::ok()
        };
        Self { indicator: Some("ok"), ..Self::new(status, outcome) }
    }

    fn alert(status: &'static str, said: String, route: Option<Route>, reason: Option<&str>) -> Self {
        let preview = said.chars().take(PREVIEW).collect();
        let delivery = if route.is_some() { DeliveryStatus::Delivered } else { DeliveryStatus::NotRequested };
        let outcome = Outcome { summary: Some(said), delivery: Some(delivery), ..Outcome::ok() };
        Self {
            reason: reason.map(str::to_owned),
            preview: Some(preview),
            route,
            indicator: Some("alert"),
            ..Self::new(status, outcome)
        }
    }
}
