//! `logs.tail`: the end of this gateway's log, by byte cursor.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_server::Reply;
use serde::Deserialize;
use serde_json::json;

use super::Call;
use crate::gateway::Gateway;
use crate::logs::{TailRequest, tail};

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "logs.tail" => tail_log,
};

const LINES: usize = 500;
const MOST_LINES: usize = 5000;
const BYTES: u64 = 250_000;
const MOST_BYTES: u64 = 1_000_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    cursor: Option<u64>,
    limit: Option<usize>,
    max_bytes: Option<u64>,
}

/// Reads on from `cursor`, or the newest lines.
pub(super) async fn tail_log(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: Params = call.params()?;
    let path = gateway.place.log_path();
    let request = TailRequest {
        cursor: params.cursor,
        limit: params.limit.unwrap_or(LINES).clamp(1, MOST_LINES),
        max_bytes: params.max_bytes.unwrap_or(BYTES).clamp(1, MOST_BYTES),
    };
    let file = path.display().to_string();
    let read = tokio::task::spawn_blocking(move || tail(&path, request))
        .await
        .map_err(|_| ErrorShape::unavailable("reading the log was interrupted; try again"))?
        .map_err(|error| ErrorShape::unavailable(format!("cannot read the log {file}: {error}")))?;
    let mut result = json!({
        "file": file,
        "cursor": read.cursor,
        "size": read.size,
        "lines": read.lines,
        "truncated": read.truncated,
        "reset": read.reset,
    });
    if read.skipped > 0 {
        result["skippedBytes"] = read.skipped.into();
    }
    Reply::json(&result)
}
