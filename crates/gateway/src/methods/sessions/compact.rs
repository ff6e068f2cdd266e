//! `sessions.compact`: a summary takes the place of the beginning of a conversation in what models read.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_server::Reply;
use serde::Deserialize;
use serde_json::json;

use super::{KeyParams, existing};
use crate::gateway::Gateway;
use crate::methods::Call;
use crate::runs::compaction::{Compacted, Wish};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CompactParams {
    #[serde(flatten)]
    which: KeyParams,
    max_lines: Option<usize>,
}

/// Summarises now; answers when it is done. What is being answered is finished first.
pub(super) async fn compact(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: CompactParams = call.params()?;
    let session = existing(gateway, &params.which.key, params.which.agent_id.as_deref()).await?;
    gateway.may_run()?;
    let wish = Wish { keep_messages: params.max_lines, ..Wish::default() };
    let lane = gateway
        .lanes
        .join(&session.key)
        .map_err(|error| ErrorShape::unavailable_retryable(error.to_string(), None))?;
    let stop = gateway.stop.child_token();
    let lane = lane.turn(&stop).await.map_err(|_| stopping())?;
    let outcome = gateway.compact(&session, &wish, &stop).await;
    drop(lane);
    let mut result = json!({"ok": true, "key": session.key, "compacted": false});
    match outcome {
        Ok(Compacted::Done(compaction)) => {
            result["compacted"] = true.into();
            result["result"] = json!({
                "summary": compaction.summary,
                "tokensBefore": compaction.tokens_before,
                "tokensAfter": compaction.tokens_after,
                "sessionId": compaction.session_id,
            });
        }
        Ok(Compacted::Nothing(why)) => result["reason"] = why.into(),
        Err(why) => {
            result["ok"] = false.into();
            result["reason"] = why.into();
        }
    }
    Reply::json(&result)
}

fn stopping() -> ErrorShape {
    ErrorShape::unavailable_retryable("the gateway is stopping; ask again", Some(1000))
}
