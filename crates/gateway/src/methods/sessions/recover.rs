//! `sessions.recover`: the answer that the end of the gateway cut off is begun again, to the message that stands there.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bulkhead_agent::Picture;
use bulkhead_protocol::ErrorShape;
use bulkhead_server::Reply;
use bulkhead_store::{Message, RunStatus};
use serde_json::json;

use super::{KeyParams, existing};
use crate::gateway::Gateway;
use crate::methods::{Call, store_failed};
use crate::runs::{Accepted, Source, TurnRequest};

/// Begins it again under its own id: nothing is said twice, and who still asks for that run hears of its end.
pub(super) async fn recover(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: KeyParams = call.params()?;
    let session = existing(gateway, &params.key, params.agent_id.as_deref()).await?;
    let last = gateway.store.runs().of_session(&session.key, 1).await.map_err(store_failed)?.pop();
    let Some(run) = last.filter(|run| run.status == RunStatus::Interrupted) else {
        return Err(ErrorShape::invalid_request(format!(
            "nothing to recover in {}: its last answer was not cut off",
            session.key
        )));
    };
    let source = match run.source.as_str() {
        "webchat" => Source::Webchat,
        "cli" => Source::Cli,
        other => {
            return Err(ErrorShape::invalid_request(format!(
                "nothing to recover in {}: a message from {other:?} comes again by itself, or is its sender's to repeat",
                session.key
            )));
        }
    };
    let said = gateway.store.sessions().messages_of_run(&run.id).await.map_err(store_failed)?;
    let Some(said) = said.into_iter().find(|message| message.role == "user") else {
        return Err(ErrorShape::invalid_request(format!(
            "nothing to recover in {}: the message is gone",
            session.key
        )));
    };
    let pictures = pictures(gateway, &said).await?;
    let request = TurnRequest {
        pictures,
        ..TurnRequest::new(
            run.id.clone(),
            session.key.clone(),
            session.agent_id.clone(),
            &said.text(),
            source,
        )
    };
    let continuation = match gateway.accept(request, None).await {
        Ok(Accepted::Started { .. } | Accepted::InFlight | Accepted::Ended(_)) => {
            json!({"status": "started", "runId": run.id})
        }
        Err(error) => json!({"status": "rejected", "error": error}),
    };
    Reply::json(&json!({
        "ok": true, "key": session.key, "sessionId": session.session_id, "continuation": continuation,
    }))
}

/// The pictures that came with a message.
async fn pictures(gateway: &Gateway, message: &Message) -> Result<Vec<Picture>, ErrorShape> {
    let mut shown = Vec::new();
    let ids = message.content.as_array().into_iter().flatten();
    for id in ids.filter_map(|block| block.get("pictureId")?.as_str()) {
        if let Some(picture) = gateway.store.sessions().picture(id).await.map_err(store_failed)? {
            shown.push(Picture { mime_type: picture.mime_type, data: STANDARD.encode(&picture.data) });
        }
    }
    Ok(shown)
}
