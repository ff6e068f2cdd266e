//! What is told while a run goes on: to the protocol, and to whoever follows it from outside.

use std::sync::PoisonError;

use bulkhead_agent::RunEvent;
use bulkhead_killpoint::{Point, reached};
use tokio::sync::mpsc;

use super::turn::{Follower, Turn};
use crate::events::RunEvents;
use crate::models::ModelSet;
use crate::settings::ModelRef;

/// Tells the events of a run until it has no more.
pub(super) async fn tell(
    mut from: mpsc::Receiver<RunEvent>,
    events: &mut RunEvents,
    turn: &Turn,
    models: &ModelSet,
    follower: &mut Follower,
) {
    while let Some(event) = from.recv().await {
        match event {
            RunEvent::Started { provider, model } => {
                events.started(&provider, &model);
                if let Some(follower) = follower {
                    follower.model(&provider, &model).await;
                }
            }
            RunEvent::TextDelta { delta, text } => {
                reached(Point::MidStream);
                events.delta(&delta, &text);
                text.as_ref().clone_into(&mut turn.run.text.lock().unwrap_or_else(PoisonError::into_inner));
                if let Some(follower) = follower {
                    follower.delta(&delta, &text).await;
                }
            }
            RunEvent::ToolStart { id, name, args } => events.tool_started(&id, &name, &args),
            RunEvent::ToolEnd { id, name, result, is_error } => {
                events.tool_ended(&id, &name, &result, is_error);
            }
            RunEvent::Retrying { attempt, wait, why, text } => {
                events.begun_again(&text);
                events.retrying(attempt, wait, &why);
            }
            RunEvent::FellBack { from_model, error, provider, model, why, text } => {
                let from = ModelRef { provider: error.provider.to_string(), model: from_model };
                models.cooldowns().failed(&from, &error);
                events.begun_again(&text);
                events.fell_back(&from, &provider, &model, &why);
            }
            RunEvent::Usage(usage) => events.usage(usage.input, usage.output),
            RunEvent::ReasoningDelta { .. } | RunEvent::Message(_) | RunEvent::Finished { .. } => {}
        }
    }
}
