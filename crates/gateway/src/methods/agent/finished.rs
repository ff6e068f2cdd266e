//! What `agent` answers at the end.

use bulkhead_protocol::ErrorShape;
use bulkhead_server::Reply;
use serde_json::{Value, json};

use super::recipient::Delivery;
use crate::delivery::QUEUED;
use crate::gateway::Gateway;
use crate::runs::registry::{EndStatus, RunEnd};
use crate::settings::ModelRef;

/// How the run ended and, where that was asked for, how its answer reached its chat.
pub(super) async fn reply(
    gateway: &Gateway,
    run_id: &str,
    session_key: &str,
    end: &RunEnd,
    delivery: &Delivery,
) -> Result<Reply, ErrorShape> {
    let mut reply = finished(gateway, run_id, session_key, end);
    let report = match delivery {
        _ if end.status != EndStatus::Ok => None,
        Delivery::NotWanted => None,
        Delivery::Nowhere(report) => Some(report.clone()),
        Delivery::To { route, .. } => Some(gateway.delivered(run_id, route, &end.text).await),
    };
    let Some(report) = report else { return Reply::json(&reply) };
    let queued = report.reason.as_deref() == Some(QUEUED);
    if let (Delivery::To { route, best_effort: false }, Some(true)) = (delivery, report.error)
        && !queued
    {
        let why = report.error_message.as_deref().unwrap_or("the channel did not say why");
        return Err(ErrorShape::unavailable(format!(
            "the answer stands in {session_key} and could not be delivered to {} {}: {why}",
            route.channel, route.to
        ))
        .with_details(json!({"runId": run_id, "deliveryStatus": report})));
    }
    reply["result"]["deliverySucceeded"] = (report.succeeded == true).into();
    reply["result"]["deliveryStatus"] = json!(report);
    Reply::json(&reply)
}

/// The result of a run, whoever waits for it.
fn finished(gateway: &Gateway, run_id: &str, session_key: &str, end: &RunEnd) -> Value {
    let (status, summary) = match end.status {
        EndStatus::Ok => ("ok", "completed".to_owned()),
        EndStatus::Aborted => ("aborted", "aborted".to_owned()),
        EndStatus::Error => ("error", end.error.clone().unwrap_or_else(|| "the run failed".to_owned())),
    };
    let payloads =
        if end.text.is_empty() { json!([]) } else { json!([{"text": end.text, "mediaUrl": null}]) };
    let usage = json!({
        "input": end.input_tokens,
        "output": end.output_tokens,
        "cacheRead": 0,
        "cacheWrite": 0,
        "total": end.input_tokens + end.output_tokens,
    });
    let settings = gateway.settings.now();
    let window = end.provider.as_ref().zip(end.model.as_ref()).map(|(provider, model)| {
        settings.context_window(&ModelRef { provider: provider.clone(), model: model.clone() })
    });
    let mut result = json!({
        "runId": run_id,
        "status": status,
        "summary": summary,
        "result": {
            "payloads": payloads,
            "meta": {
                "durationMs": end.ended_at.saturating_sub(end.started_at),
                "aborted": end.status == EndStatus::Aborted,
                "agentMeta": {
                    "sessionKey": session_key,
                    "provider": end.provider,
                    "model": end.model,
                    "contextTokens": window,
                    "usage": usage,
                    "promptTokens": end.input_tokens,
                },
            },
        },
    });
    if let Some(error) = &end.error {
        result["error"] = error.clone().into();
    }
    result
}
