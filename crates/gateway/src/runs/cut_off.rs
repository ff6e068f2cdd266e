//! What becomes of answers that the end of the gateway cut off: said to be interrupted, or begun anew where nothing was
//! shown of them.

use bulkhead_store::{NewMessage, NewSession, Run, RunStatus, StoreError};
use serde_json::{Value, json};

use super::turn::label;
use super::{Source, TurnRequest};
use crate::error::GatewayError;
use crate::gateway::Gateway;
use crate::session_rows::Extras;

/// What people are told, where they can see no more than the text.
pub(crate) const CUT_OFF: &str = "the gateway ended in the middle of this answer; send the message again";

impl Gateway {
    /// Marks what a crash cut off; called once, before any run begins. Messages of channels come again from their inbox;
    /// to every other conversation it is written that its answer was interrupted.
    pub(crate) async fn note_interrupted(&self) -> Result<usize, GatewayError> {
        let failed = |error: StoreError| GatewayError::Store(error.to_string());
        let runs = self.store.runs().interrupted_on_start().await.map_err(failed)?;
        for run in &runs {
            tracing::warn!(run = %run.id, session = %run.session_key, "a crash cut this answer off");
            if Source::comes_again(&run.source) {
                continue;
            }
            if let Err(error) = self.store.sessions().append_message(said_of(run, "")).await {
                tracing::warn!(%error, run = %run.id, "an interruption could not be recorded");
            }
        }
        Ok(runs.len())
    }

    /// Whether the answer to this message was cut off after its chat saw `shown` of it. Then that is what was said: it is
    /// kept in the conversation, and no model is asked again.
    pub(crate) async fn is_interrupted(
        &self,
        request: &TurnRequest,
        shown: &str,
    ) -> Result<bool, StoreError> {
        let run = match self.store.runs().by_key(&request.run_id).await? {
            Some(run) if run.status == RunStatus::Interrupted => run,
            _ => return Ok(false),
        };
        let message = self.store.sessions().append_message(said_of(&run, shown)).await?;
        let new = NewSession::new(&request.session_key, &request.agent_id);
        let session = self.store.sessions().get_or_create(new).await?;
        if let Ok(row) = self.session_row(&session, Extras::default()).await {
            self.events.session_message(&label(request, &session), &message, &row);
        }
        Ok(true)
    }
}

/// What was said of an interrupted answer, as the conversation keeps it: once, however often it is tried.
fn said_of(run: &Run, shown: &str) -> NewMessage {
    let content = if shown.is_empty() { json!([]) } else { json!([{"type": "text", "text": shown}]) };
    let mut meta = json!({"stopReason": "aborted", "interrupted": true});
    if shown.is_empty() {
        meta["errorMessage"] = Value::from(CUT_OFF);
    }
    NewMessage::new(&run.session_key, "assistant", content)
        .in_run(&run.id)
        .once(format!("{}:interrupted", run.id))
        .with_meta(meta)
}
