//! The end of a turn: what goes into the database, and in which order it is told.

use std::time::Duration;

use bulkhead_agent::{RunOutcome, RunStatus as Outcome, StopReason};
use bulkhead_store::{RunStatus, SessionTotals};

use super::TurnRequest;
use super::conversion::{Produced, to_store, usage};
use super::registry::{EndStatus, Ended, RunEnd};
use super::turn::Turn;
use crate::clock;
use crate::events::{RunEvents, SessionChange};
use crate::gateway::Gateway;
use crate::session_rows::Extras;
use crate::settings::ModelRef;

/// Between two tries to record an answer.
const RECORD_AGAIN: Duration = Duration::from_secs(2);

/// How the model's part of a turn went.
pub(super) struct Told {
    pub(super) outcome: RunOutcome,
    /// What went wrong before or around the model.
    pub(super) problem: Option<String>,
}

impl Gateway {
    /// Records how a run ended, and tells it.
    pub(super) async fn settle(
        &self,
        turn: &Turn,
        events: &mut RunEvents,
        told: Told,
        started_at: u64,
    ) -> Ended {
        let Told { outcome, problem } = told;
        let status = match outcome.status {
            _ if problem.is_some() => EndStatus::Error,
            Outcome::Ok => EndStatus::Ok,
            Outcome::Aborted => EndStatus::Aborted,
            Outcome::Error => EndStatus::Error,
        };
        let why = || outcome.error.as_ref().map_or_else(|| "the run failed".to_owned(), ToString::to_string);
        let (provider, model) = outcome.model.clone();
        let end = RunEnd {
            status,
            text: outcome.text.clone(),
            error: problem.or_else(|| (status == EndStatus::Error).then(why)),
            input_tokens: outcome.usage.input,
            output_tokens: outcome.usage.output,
            provider: Some(provider).filter(|name| !name.is_empty()),
            model: Some(model).filter(|name| !name.is_empty()),
            wanted: outcome.wanted.clone(),
            stop: outcome.stop,
            started_at,
            ended_at: clock::now_ms(),
        };
        if let Some(error) = &end.error {
            tracing::warn!(run = %turn.request.run_id, session = %turn.request.session_key, "{error}");
        }
        let record = self.to_record(turn, &end, &outcome);
        match self.store.runs().finish(&turn.request.run_id, record.clone()).await {
            Ok(messages) => {
                if let Some(route) = &turn.request.deliver {
                    self.wake_outbox(route);
                }
                if let Ok(row) = self.session_row(&turn.session, Extras::default()).await {
                    for message in &messages {
                        self.events.session_message(&events.label, message, &row);
                    }
                }
            }
            Err(error) => {
                tracing::error!(%error, run = %turn.request.run_id, "an answer could not be recorded");
                if error.may_pass() {
                    self.record_later(&turn.request, record);
                }
            }
        }
        // A client that hears of the end may ask again at once: by then the end is known.
        let ended = self.runs.finish(&turn.request.run_id, end);
        events.ended(&ended.end);
        let phase = if ended.end.status == EndStatus::Error { "error" } else { "end" };
        self.tell_row(turn, SessionChange::Phase(phase, &turn.request.run_id)).await;
        ended
    }

    /// Offers the end of a run to a disk that took nothing (full, read-only), until it does or the gateway stops.
    fn record_later(&self, request: &TurnRequest, record: bulkhead_store::RunEnd) {
        let (store, stop, run_id) = (self.store.clone(), self.stop.clone(), request.run_id.clone());
        let account = request.deliver.as_ref().and_then(|route| self.channels.telegram(&route.account));
        self.tasks.spawn(async move {
            while stop.run_until_cancelled(tokio::time::sleep(RECORD_AGAIN)).await.is_some() {
                match store.runs().finish(&run_id, record.clone()).await {
                    Err(error) if error.may_pass() => {}
                    recorded => {
                        if let (Ok(_), Some(account)) = (recorded, account) {
                            account.wake();
                        }
                        return;
                    }
                }
            }
        });
    }

    /// Whether a shutdown, not a person, ended the run.
    pub(super) fn is_cut_off(&self, end: &RunEnd) -> bool {
        end.status == EndStatus::Aborted && self.stop.is_cancelled()
    }

    /// What goes into the database at the end of a run.
    fn to_record(&self, turn: &Turn, end: &RunEnd, outcome: &RunOutcome) -> bulkhead_store::RunEnd {
        let cut_off = self.is_cut_off(end);
        let status = match end.status {
            EndStatus::Ok => RunStatus::Ok,
            EndStatus::Aborted if cut_off => RunStatus::Interrupted,
            EndStatus::Aborted => RunStatus::Aborted,
            EndStatus::Error => RunStatus::Error,
        };
        let mut record = bulkhead_store::RunEnd::new(status, Some(end.text.clone()));
        record.error.clone_from(&end.error);
        record.usage = Some(usage(&outcome.usage));
        if let Some(route) = turn.request.deliver.as_ref().filter(|_| end.status == EndStatus::Ok) {
            record.outgoing = self.outgoing(&turn.request.run_id, route, &end.text);
        }
        let (Some(provider), Some(model)) = (&end.provider, &end.model) else { return record };
        let settings = self.settings.now();
        let which = ModelRef { provider: provider.clone(), model: model.clone() };
        record.spent = crate::usage::spent(provider, model, &outcome.usage, settings.cost(&which));
        // A turn that will be answered anew leaves nothing of its first attempt in the transcript.
        if !(cut_off && turn.request.source.is_channel()) {
            let produced = Produced {
                session_key: &turn.request.session_key,
                run_id: &turn.request.run_id,
                api: settings.provider(provider).map_or("openai-completions", |entry| entry.api.as_str()),
                provider,
                model,
                usage: &outcome.usage,
                stop_reason: match (end.status, outcome.stop) {
                    (EndStatus::Error, _) => "error",
                    (EndStatus::Aborted, _) => "aborted",
                    (EndStatus::Ok, StopReason::Length) => "length",
                    (EndStatus::Ok, _) => "stop",
                },
            };
            record.messages = to_store(&outcome.messages, produced);
        }
        record.totals = Some(SessionTotals {
            model_provider: Some(provider.clone()),
            model: Some(model.clone()),
            input_tokens: outcome.usage.input,
            output_tokens: outcome.usage.output,
            context_tokens: outcome.usage.input + outcome.usage.output,
        });
        record
    }

    /// Tells the session's row, if anybody keeps a list.
    pub(super) async fn tell_row(&self, turn: &Turn, why: SessionChange<'_>) {
        if !self.events.sessions_watched() {
            return;
        }
        let key = &turn.request.session_key;
        if let Ok(Some(session)) = self.store.sessions().get(key).await
            && let Ok(row) = self.session_row(&session, Extras::LISTED).await
        {
            self.events.sessions_changed(key, &turn.request.agent_id, why, &row);
        }
    }
}
