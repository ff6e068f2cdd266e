//! `bulkhead health` and `bulkhead gateway health`: the `health` method, for people.

use serde_json::Value;

use super::DONE;
use crate::asking;
use crate::context::Context;
use crate::error::Failure;
use crate::grammar::gateway::AskArgs;
use crate::output::{paint, table};

pub fn run(args: &AskArgs, context: &Context) -> Result<u8, Failure> {
    let (url, health) = context.block_on(async {
        let door = asking::door(context, &args.target).await?;
        let (client, _) = door.enter(door.cli()).await?;
        let health = client.request("health", ()).await?;
        client.close().await;
        Ok((door.url.to_string(), health))
    })?;
    context.out.result(&health, || text(&url, &health));
    Ok(DONE)
}

/// The answer for people.
pub fn text(url: &str, health: &Value) -> String {
    let ok = health["ok"].as_bool() == Some(true);
    let mut lines =
        vec![format!("{} {url}", if ok { paint::good("healthy") } else { paint::bad("unhealthy") })];
    let mut rows = Vec::new();
    if let Some(channels) = health["channels"].as_object() {
        for (name, channel) in channels {
            rows.push((name.as_str(), channel_line(channel)));
        }
    }
    for agent in health["agents"].as_array().into_iter().flatten() {
        let id = agent["agentId"].as_str().unwrap_or("agent");
        let sessions = agent["sessions"]["count"].as_u64().unwrap_or(0);
        rows.push(("agent", format!("{id}, {sessions} sessions")));
    }
    if !rows.is_empty() {
        lines.push(table::pairs(&rows));
    }
    lines.join("\n")
}

fn channel_line(channel: &Value) -> String {
    let is = |name: &str| channel[name].as_bool();
    if let Some(error) = channel["lastError"].as_str() {
        return format!("{}: {error}", paint::bad("trouble"));
    }
    match (is("configured"), is("running")) {
        (Some(false), _) => "not configured".to_owned(),
        (_, Some(true)) => paint::good("running"),
        (_, Some(false)) => "not running".to_owned(),
        _ => "known".to_owned(),
    }
}
