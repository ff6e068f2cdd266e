//! The way of a message, top to bottom: recorded → lane → history and prompt → model and tools → recorded → told.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bulkhead_agent::{
    AgentRun, LaneTicket, ModelMessage, Picture, RunInput, RunOutcome, RunSettings, RunStatus as Outcome,
    StopReason, Thinking, Usage,
};
use bulkhead_protocol::ErrorShape;
use bulkhead_store::{Message, NewMessage, NewRun, NewSession, RunStart, Session, ToolCall};
use futures::FutureExt as _;
use serde_json::json;
use tokio::sync::mpsc;

use super::compaction::{Compacted, Wish, is_due};
use super::conversion::{content, history, picture_ids, results_to_store};
use super::registry::{ActiveRun, Begin};
use super::room::Room;
use super::settle::Told;
use super::tell::tell;
use super::{Accepted, Progress, TurnRequest, end_of};
use crate::clock;
use crate::events::{RunEvents, RunLabel, SessionChange};
use crate::gateway::Gateway;
use crate::methods::store_failed;
use crate::session_rows::{Extras, chosen_model};
use crate::settings::{AgentView, CONTEXT_WINDOW, ModelRef, Settings};

/// How many stored messages a model is shown at most.
const HISTORY: usize = 400;
/// How many of the last pictures a model is shown again.
const SHOWN_PICTURES: usize = 4;
/// The longest that an answer may take when nothing else is said.
const LONGEST: Duration = Duration::from_mins(10);
/// Events of a run that may wait to be told.
const WAITING_EVENTS: usize = 64;

/// A message that is recorded and may run.
pub(super) struct Turn {
    pub(super) request: TurnRequest,
    pub(super) run: ActiveRun,
    pub(super) session: Session,
    /// Tool calls of an attempt that was cut off.
    pub(super) before: Vec<ToolCall>,
}

/// Who follows the run from outside, if anybody does.
pub(super) type Follower = Option<Box<dyn Progress>>;

impl Gateway {
    /// Records a message and sees to its answer. Returns as soon as it is recorded.
    pub(crate) async fn accept(
        self: &Arc<Self>,
        request: TurnRequest,
        follower: Follower,
    ) -> Result<Accepted, ErrorShape> {
        self.may_run()?;
        let run = match self.runs.begin(&request.run_id, &request.session_key) {
            Begin::InFlight => return Ok(Accepted::InFlight),
            Begin::Ended(end) => return Ok(Accepted::Ended(end)),
            Begin::New(run) => run,
        };
        let run_id = request.run_id.clone();
        let recorded = match self.lanes.join(&request.session_key) {
            Ok(lane) => self.record(&request).await.map(|recorded| (lane, recorded)),
            Err(error) => Err(ErrorShape::unavailable_retryable(error.to_string(), None)),
        };
        let (lane, (session, start)) = recorded.inspect_err(|_| self.runs.give_up(&run_id))?;
        let before = match start {
            RunStart::Existing(known) => {
                let Some(end) = end_of(&known) else {
                    self.runs.give_up(&run_id);
                    return Ok(Accepted::InFlight);
                };
                return Ok(Accepted::Ended(self.runs.finish(&run_id, end).tell()));
            }
            RunStart::Started(_) => Vec::new(),
            RunStart::Resumed(_) => self.store.runs().tools(&run_id).await.unwrap_or_default(),
        };
        let message_seq = self.tell_accepted(&request, &session).await;
        self.task_began(&request).await;
        let turn = Turn { request, run, session, before };
        let gateway = Arc::clone(self);
        self.tasks.spawn(async move { gateway.work(turn, lane, follower).await });
        Ok(Accepted::Started { message_seq })
    }

    /// Session, run and message, durable before anybody is told that they were accepted.
    async fn record(&self, request: &TurnRequest) -> Result<(Session, RunStart), ErrorShape> {
        let mut new = NewSession::new(&request.session_key, &request.agent_id);
        new.session_id.clone_from(&request.session_id);
        if let Some((channel, account, peer)) = &request.peer {
            new = new.on_channel(channel, account, peer);
        }
        new.label = new.label.or_else(|| request.sender.clone());
        let session = self.store.sessions().get_or_create(new).await.map_err(store_failed)?;
        // A run that goes on with results of its caller's tools has nothing new said.
        let goes_on = !request.results.is_empty() && request.message.is_empty();
        let user = (!goes_on).then(|| {
            let (said, pictures) = content(&request.message, &request.pictures);
            let user = NewMessage { pictures, ..NewMessage::new(&request.session_key, "user", said) }
                .in_run(&request.run_id)
                .once(format!("{}:user", request.run_id));
            match &request.sender {
                Some(sender) => user.with_meta(json!({"senderLabel": sender})),
                None => user,
            }
        });
        let run = NewRun {
            id: request.run_id.clone(),
            session_key: request.session_key.clone(),
            source: request.source.as_str().to_owned(),
            user_message: user,
        };
        let start = self.store.runs().start(run).await.map_err(store_failed)?;
        if !request.results.is_empty() && matches!(start, RunStart::Started(_)) {
            let results = results_to_store(&request.results, &request.session_key, &request.run_id);
            self.store.sessions().append_messages(results).await.map_err(store_failed)?;
        }
        Ok((session, start))
    }

    /// Tells that a message was added; answers its place.
    async fn tell_accepted(&self, request: &TurnRequest, session: &Session) -> Option<i64> {
        let messages = self.store.sessions().messages_of_run(&request.run_id).await.unwrap_or_default();
        let message = messages.into_iter().find(|message| message.role == "user")?;
        if let Ok(row) = self.session_row(session, Extras::default()).await {
            self.events.session_message(&label(request, session), &message, &row);
            let why = SessionChange::Reason("send");
            self.events.sessions_changed(&request.session_key, &request.agent_id, why, &row);
        }
        Some(message.seq)
    }

    /// Runs a turn to its end, whatever happens in it.
    async fn work(self: Arc<Self>, turn: Turn, lane: LaneTicket, mut follower: Follower) {
        let mut events = self.events.run(label(&turn.request, &turn.session));
        let started_at = clock::now_ms();
        let lane = lane.turn(&turn.run.cancel).await;
        let told = match &lane {
            Ok(_) => AssertUnwindSafe(self.answer(&turn, &mut events, &mut follower))
                .catch_unwind()
                .await
                .unwrap_or_else(|_| {
                    failed("an internal error stopped this answer; the gateway's log has the place")
                }),
            Err(_) => Told { outcome: nothing(Outcome::Aborted), problem: None },
        };
        let ended = self.settle(&turn, &mut events, told, started_at).await;
        drop(lane);
        self.task_ended(&turn.request, &ended.end).await;
        let end = ended.tell();
        // A message of a channel that a shutdown cut off stays open, and is answered after the next start.
        if !self.is_cut_off(&end)
            && let Some(follower) = follower.take()
        {
            follower.ended(&end).await;
        }
        self.tell_row(&turn, SessionChange::Reason("agent.input.settled")).await;
        self.rested();
    }

    /// Asks the models of the agent in their order, with history, prompt and tools.
    async fn answer(self: &Arc<Self>, turn: &Turn, events: &mut RunEvents, follower: &mut Follower) -> Told {
        let settings = self.settings.now();
        let Some(mut agent) = settings.agent(&turn.request.agent_id) else {
            return failed(&format!("agent {:?} is no longer configured", turn.request.agent_id));
        };
        if let Some(models) = &turn.request.models {
            agent.models.clone_from(models);
        } else if let Some(chosen) =
            turn.request.model.clone().or_else(|| chosen_model(Some(&turn.session), &settings))
        {
            agent.models = vec![chosen];
        }
        let level = |which: &ModelRef| {
            let thinker = settings.thinker(which);
            thinker.reasons.then(|| match turn.request.thinking {
                Some(level) => thinker.nearest(level),
                None => settings.thinking_in(Some(&turn.session), &agent.id, which),
            })
        };
        let run = match self.run_settings(&settings, &agent, &level) {
            Ok(run) => run.revisable(!turn.request.append_only),
            Err(problem) => return failed(&problem),
        };
        let Earlier { messages: earlier, summary } = match self.earlier(turn, &settings, &agent).await {
            Ok(earlier) => earlier,
            Err(error) => return failed(&error.message),
        };
        if let Some(follower) = follower {
            follower.began().await;
        }
        let Room { tools, prompt } =
            match self.room(&settings, &agent, &turn.request, &turn.before, summary).await {
                Ok(room) => room,
                Err(problem) => return failed(&problem),
            };
        let input = RunInput::new(&turn.request.session_key, &turn.request.run_id, &turn.request.message)
            .history(earlier)
            .pictures(turn.request.pictures.clone())
            .system(prompt)
            .wishes(turn.request.wishes.clone());
        self.tell_row(turn, SessionChange::Phase("start", &turn.request.run_id)).await;
        let defaults = &settings.config.agents.defaults;
        let longest = turn
            .request
            .timeout
            .or_else(|| defaults.timeout_seconds.map(Duration::from_secs))
            .unwrap_or(LONGEST);
        let (sender, receiver) = mpsc::channel(WAITING_EVENTS);
        let stop = turn.run.cancel.child_token();
        if let (Some(chosen), Some(first)) = (agent.models.first(), run.candidates.first())
            && (chosen.provider != first.provider.id() || chosen.model != first.model)
        {
            let why = "the model that was chosen failed a moment ago, or cannot be asked";
            events.fell_back(chosen, first.provider.id(), &first.model, why);
        }
        let agent_run = AgentRun::new(run);
        let working = agent_run.run(input, &tools, sender, stop.clone());
        let limited = async {
            tokio::pin!(working);
            tokio::select! {
                outcome = &mut working => (outcome, false),
                () = turn.run.pauses.worked_for(longest) => {
                    stop.cancel();
                    (working.await, true)
                }
            }
        };
        let ((outcome, timed_out), ()) =
            tokio::join!(limited, tell(receiver, events, turn, &self.models, follower));
        self.models.note_end(&outcome);
        let problem = timed_out.then(|| {
            format!(
                "the answer took longer than {} seconds; agents.defaults.timeoutSeconds sets the limit",
                longest.as_secs()
            )
        });
        Told { outcome, problem }
    }

    /// How the run is done: the models that can be asked, in order, and how hard each thinks. If none can, that is told.
    pub(super) fn run_settings(
        &self,
        settings: &Settings,
        agent: &AgentView,
        thinking: &dyn Fn(&ModelRef) -> Option<Thinking>,
    ) -> Result<RunSettings, String> {
        let mut first_problem = None;
        let mut run: Option<RunSettings> = None;
        for which in &self.models.cooldowns().order(&agent.models) {
            let provider = match self.models.provider(settings, which) {
                Ok(provider) => provider,
                Err(problem) => {
                    first_problem.get_or_insert(problem);
                    continue;
                }
            };
            let mut more = match run.take() {
                Some(run) => run.fallback(provider, &which.model),
                None => RunSettings::new(provider, &which.model),
            };
            if let Some(candidate) = more.candidates.last_mut() {
                candidate.max_tokens = settings.model(which).and_then(|entry| entry.max_tokens);
                candidate.context_window = u32::try_from(settings.context_window(which)).ok();
                candidate.thinking = thinking(which);
            }
            run = Some(more);
        }
        let mut run = run.ok_or_else(|| first_problem.unwrap_or_else(|| no_model(agent)))?;
        if let Some(turns) = settings.config.agents.defaults.max_turns {
            run.max_steps = usize::try_from(turns).unwrap_or(run.max_steps).max(1);
        }
        Ok(run)
    }

    /// What was said before: the stored transcript, or what the caller brought. When it no longer fits well, its beginning is
    /// summarised first; when that fails, the model is shown as much of the end as it takes.
    async fn earlier(
        &self,
        turn: &Turn,
        settings: &Settings,
        agent: &AgentView,
    ) -> Result<Earlier, ErrorShape> {
        let request = &turn.request;
        if let Some(brought) = &request.earlier {
            let messages = brought.iter().chain(&request.results).cloned().collect();
            return Ok(Earlier { messages, summary: None });
        }
        let (mut earlier, count) = self.stored(turn).await?;
        let window = agent.models.iter().map(|model| settings.context_window(model)).min();
        let bytes = earlier.messages.iter().map(ModelMessage::size).sum();
        if is_due(bytes, count, HISTORY, window.unwrap_or(CONTEXT_WINDOW)) {
            let wish = Wish { reason: "auto-threshold", ..Wish::default() };
            match self.compact(&turn.session, &wish, &turn.run.cancel).await {
                Ok(Compacted::Done(_)) => earlier = self.stored(turn).await?.0,
                Ok(Compacted::Nothing(_)) => {}
                Err(why) => tracing::warn!(session = %request.session_key, "not summarised: {why}"),
            }
        }
        earlier.messages.extend(request.results.iter().cloned());
        Ok(earlier)
    }

    /// The stored transcript as a model reads it, and how many stored messages that is.
    async fn stored(&self, turn: &Turn) -> Result<(Earlier, usize), ErrorShape> {
        let sessions = self.store.sessions();
        let (compaction, _) = sessions.compaction(&turn.session.session_id).await.map_err(store_failed)?;
        let mut stored =
            sessions.history(&turn.request.session_key, HISTORY, None).await.map_err(store_failed)?;
        let mut summary = None;
        if let Some(compaction) = compaction {
            stored.retain(|message| message.seq >= compaction.kept_from);
            summary = Some(compaction.summary).filter(|text| !text.is_empty()).map(|text| {
                format!("This conversation began earlier. What was said before the messages that follow, summarised:\n\n{text}")
            });
        }
        let mut shown = self.shown_pictures(&stored).await?;
        let messages = history(&stored, &turn.request.run_id, &mut shown);
        Ok((Earlier { messages, summary }, stored.len()))
    }

    /// The newest pictures of a transcript, by their ids.
    async fn shown_pictures(&self, stored: &[Message]) -> Result<HashMap<String, Picture>, ErrorShape> {
        let ids = stored.iter().rev().flat_map(|message| picture_ids(&message.content)).take(SHOWN_PICTURES);
        let mut shown = HashMap::new();
        for id in ids {
            if let Some(picture) = self.store.sessions().picture(id).await.map_err(store_failed)? {
                let data = STANDARD.encode(&picture.data);
                shown.insert(picture.id, Picture { mime_type: picture.mime_type, data });
            }
        }
        Ok(shown)
    }
}

/// What a model is shown of what was said before.
struct Earlier {
    messages: Vec<ModelMessage>,
    /// What stands for the messages before those.
    summary: Option<String>,
}

fn no_model(agent: &AgentView) -> String {
    format!(
        "agent {:?} has no model: found nothing in agents.defaults.model.primary, expected provider/model; run \
         `bulkhead onboard`, or choose one on the Models page",
        agent.id
    )
}

/// A turn that did not get as far as a model.
fn failed(problem: &str) -> Told {
    Told { outcome: nothing(Outcome::Error), problem: Some(problem.to_owned()) }
}

fn nothing(status: Outcome) -> RunOutcome {
    RunOutcome {
        status,
        text: String::new(),
        messages: Vec::new(),
        usage: Usage::default(),
        stop: StopReason::Stop,
        model: (String::new(), String::new()),
        wanted: Vec::new(),
        error: None,
    }
}

pub(super) fn label(request: &TurnRequest, session: &Session) -> RunLabel {
    RunLabel {
        run_id: request.run_id.clone(),
        session_key: request.session_key.clone(),
        session_id: session.session_id.clone(),
        agent_id: request.agent_id.clone(),
    }
}
