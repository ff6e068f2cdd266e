//! `bulkhead gateway probe`: how a gateway looks from outside.

use std::time::Instant;

use serde_json::{Value, json};

use super::ask::{Answers, side_by_side};
use crate::asking;
use crate::commands::DONE;
use crate::context::Context;
use crate::error::Failure;
use crate::grammar::gateway::AskArgs;
use crate::output::{paint, table};

pub fn run(args: &AskArgs, context: &Context) -> Result<u8, Failure> {
    let report = context.block_on(async {
        let door = asking::door(context, &args.target).await?;
        let begun = Instant::now();
        let (client, hello) = door.enter(door.probe()).await?;
        let connect_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let questions = [
            ("health", json!({})),
            ("status", json!({})),
            ("system-presence", json!({})),
            ("config.get", json!({})),
        ];
        let Answers { answers, errors } = side_by_side(&client, &questions).await;
        client.close().await;
        let config = answers.get("config.get").map(
            |config| json!({ "path": config["path"], "hash": config["hash"], "valid": config["valid"] }),
        );
        Ok(json!({
            "ok": true,
            "url": door.url.to_string(),
            "connectMs": connect_ms,
            "protocol": hello.protocol,
            "server": { "version": hello.server.version, "connId": hello.server.conn_id },
            "auth": { "role": hello.auth.role, "scopes": hello.auth.scopes },
            "health": answers.get("health"),
            "status": answers.get("status"),
            "presence": answers.get("system-presence"),
            "config": config,
            "errors": errors,
        }))
    })?;
    context.out.result(&report, || text(&report));
    Ok(DONE)
}

fn text(report: &Value) -> String {
    let scopes = report["auth"]["scopes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect::<Vec<_>>();
    let scopes = if scopes.is_empty() { "none".to_owned() } else { scopes.join(", ") };
    let url = report["url"].as_str().unwrap_or_default();
    let healthy = report["health"]["ok"].as_bool();
    let mut pairs = vec![
        ("version", report["server"]["version"].as_str().unwrap_or_default().to_owned()),
        ("protocol", report["protocol"].to_string()),
        ("connected", format!("within {} ms", report["connectMs"])),
        ("scopes", scopes),
    ];
    if let Some(presence) = report["presence"].as_array() {
        pairs.push(("present", presence.len().to_string()));
    }
    if let Some(path) = report["config"]["path"].as_str() {
        pairs.push(("config", path.to_owned()));
    }
    for (method, error) in report["errors"].as_object().into_iter().flatten() {
        pairs.push(("refused", format!("{method}: {}", error["code"].as_str().unwrap_or_default())));
    }
    let state = match healthy {
        Some(true) => paint::good("healthy"),
        Some(false) => paint::bad("unhealthy"),
        None => paint::warn("reachable"),
    };
    format!("{state} {url}\n{}", table::pairs(&pairs))
}
