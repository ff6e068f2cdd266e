//! `chat.inject`: words of the operator in the agent's mouth, without a model.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_server::Reply;
use bulkhead_store::NewMessage;
use serde::Deserialize;
use serde_json::json;

use super::send::LONGEST_MESSAGE;
use crate::events::RunLabel;
use crate::gateway::Gateway;
use crate::methods::{Call, store_failed};
use crate::runs::answered_by_gateway;
use crate::session_rows::Extras;
use crate::sessions::resolve;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InjectParams {
    session_key: String,
    agent_id: Option<String>,
    message: String,
    label: Option<String>,
}

/// Adds a message of the assistant to a transcript; the model reads it with the next question.
pub(super) async fn inject(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: InjectParams = call.params()?;
    let (key, agent_id) =
        resolve(&gateway.settings.now(), Some(&params.session_key), params.agent_id.as_deref())?;
    let text = params.message.trim();
    if text.is_empty() || text.len() > LONGEST_MESSAGE {
        let problem = format!("found {} bytes, expected 1 to {LONGEST_MESSAGE}", text.len());
        return Err(ErrorShape::invalid_params("chat.inject", "message", problem));
    }
    let sessions = gateway.store.sessions();
    let Some(session) = sessions.get(&key).await.map_err(store_failed)? else {
        return Err(ErrorShape::invalid_request(format!("session not found: {key}")));
    };
    let text = match params.label.as_deref().map(str::trim).filter(|label| !label.is_empty()) {
        Some(label) => format!("[{}]\n\n{text}", label.chars().take(100).collect::<String>()),
        None => text.to_owned(),
    };
    let content = json!([{"type": "text", "text": text}]);
    let new = NewMessage::new(&key, "assistant", content).with_meta(answered_by_gateway(false));
    let message = sessions.append_message(new).await.map_err(store_failed)?;
    let label = RunLabel {
        run_id: format!("inject-{}", message.id),
        session_key: key,
        session_id: session.session_id.clone(),
        agent_id,
    };
    let row = gateway.session_row(&session, Extras::LISTED).await?;
    gateway.events.session_message(&label, &message, &row);
    gateway.events.run(label).answered(&text);
    gateway.tell_session(&session, "inject").await;
    Reply::json(&json!({"ok": true, "messageId": message.id}))
}
