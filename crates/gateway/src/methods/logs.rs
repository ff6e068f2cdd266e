//! `logs.tail`: the end of this gateway's log, by byte cursor.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::logs::LogsTailParams;
use bulkhead_server::Reply;
use serde_json::json;

use super::Call;
use crate::gateway::Gateway;
use crate::logs::{TailRequest, tail};

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "logs.tail" => tail_log,
};

const LINES: u32 = 500;
const BYTES: u32 = 250_000;

/// Reads on from `cursor`, or the newest lines.
pub(super) async fn tail_log(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: LogsTailParams = call.params()?;
    params.check()?;
    let path = gateway.place.log_path();
    let request = TailRequest {
        cursor: params.cursor,
        limit: usize::try_from(params.limit.unwrap_or(LINES)).unwrap_or(usize::MAX),
        max_bytes: params.max_bytes.unwrap_or(BYTES).into(),
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
