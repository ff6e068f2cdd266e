//! What a run keeps of its conversation, and what it tells those who follow it.

use super::Run;
use crate::events::RunEvent;
use crate::message::ModelMessage;

impl Run<'_> {
    /// Calls of the last turn that have no result.
    pub(super) fn open_calls(&self) -> Vec<(String, String)> {
        let mut results = Vec::new();
        for message in self.conversation[self.new_from..].iter().rev() {
            match message {
                ModelMessage::Tool { call_id, .. } => results.push(call_id),
                ModelMessage::Assistant { tool_calls, .. } => {
                    return tool_calls
                        .iter()
                        .filter(|call| !results.contains(&&call.id))
                        .map(|call| (call.id.clone(), call.name.clone()))
                        .collect();
                }
                ModelMessage::User { .. } => break,
            }
        }
        Vec::new()
    }

    pub(super) async fn keep(&mut self, message: ModelMessage) {
        self.conversation.push(message.clone());
        self.emit(RunEvent::Message(message)).await;
    }

    pub(super) async fn flush(&mut self) {
        if let Some(event) = self.text.take_delta() {
            self.emit(event).await;
        }
    }

    /// Sends an event, unless the run is cancelled meanwhile or nobody listens.
    pub(super) async fn emit(&self, event: RunEvent) {
        tokio::select! {
            sent = self.events.send(event) => drop(sent),
            () = self.cancel.cancelled() => {}
        }
    }
}
