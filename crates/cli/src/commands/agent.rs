//! `bulkhead agent --message TEXT`: accepted first, the answer at the end.

use std::time::Duration;

use bulkhead_protocol::methods::agent::{AgentFinished, AgentParams};
use serde_json::Value;

use super::DONE;
use crate::asking;
use crate::context::Context;
use crate::error::Failure;
use crate::grammar::agent::AgentArgs;
use crate::grammar::gateway::Target;
use crate::text_input;

/// On top of the run's own limit, so that the gateway's answer about it still comes through.
const MARGIN: Duration = Duration::from_secs(15);

pub fn run(args: &AgentArgs, context: &Context) -> Result<u8, Failure> {
    let message = text_input::read(&args.message, "--message")?;
    if message.trim().is_empty() {
        return Err(Failure::usage("--message: found nothing, expected a text; say what the agent shall do"));
    }
    let params = AgentParams {
        message,
        agent_id: args.agent.clone(),
        session_id: args.session_id.clone(),
        session_key: args.session_key.clone(),
        thinking: args.thinking.clone(),
        to: args.to.clone(),
        channel: args.channel.clone(),
        deliver: Some(args.deliver),
        reply_to: args.reply_to.clone(),
        reply_channel: args.reply_channel.clone(),
        reply_account_id: args.reply_account.clone(),
        timeout: Some(args.timeout.as_secs()),
        idempotency_key: uuid::Uuid::new_v4().to_string(),
        ..AgentParams::default()
    };
    let target = Target { url: args.url.clone(), token: args.token.clone(), ..Target::default() };
    let answer = context.block_on(async {
        let door = asking::door(context, &target).await?;
        let (client, _) = door.enter(door.cli()).await?;
        let answer = client.request_streamed("agent", params, args.timeout + MARGIN).await?.last().await?;
        client.close().await;
        Ok(answer)
    })?;
    let finished: AgentFinished = serde_json::from_value(answer.clone()).map_err(|error| {
        Failure::failed(
            "agent.bad-answer",
            format!("the gateway's answer could not be read: {error}; use versions that fit together"),
        )
    })?;
    if finished.status != "ok" {
        let why = finished.summary.unwrap_or_else(|| format!("the run ended as {}", finished.status));
        return Err(Failure::failed(format!("agent.{}", finished.status), format!("no answer: {why}"))
            .with_details(answer));
    }
    let mut shown = answer.clone();
    let report = finished.result.as_ref().and_then(|result| result.delivery_status.as_ref());
    if let Some(report) = report {
        // Where scripts look for it.
        shown["deliveryStatus"] = answer["result"]["deliveryStatus"].clone();
        if report.error == Some(true) {
            let why =
                report.error_message.as_deref().or(report.reason.as_deref()).unwrap_or("no reason is known");
            context.out.note(&format!("the answer was not delivered: {why}"));
        }
    }
    context.out.result(&shown, || text(&finished, &answer));
    Ok(DONE)
}

fn text(finished: &AgentFinished, answer: &Value) -> String {
    let payloads = finished.result.as_ref().map(|result| result.payloads.as_slice()).unwrap_or_default();
    let parts: Vec<&str> = payloads
        .iter()
        .filter_map(|payload| payload.text.as_deref().or(payload.media_url.as_deref()))
        .collect();
    if parts.is_empty() {
        return serde_json::to_string_pretty(answer).unwrap_or_default();
    }
    parts.join("\n\n")
}
