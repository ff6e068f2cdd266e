//! The keys of `status --json` that OpenClaw's has too, with what they mean there. What only the gateway can tell is asked
//! with `--deep`; what was not asked is named in `collection`.

use std::time::Instant;

use bulkhead_config::{ConfigStore, GatewayMode};
use bulkhead_gateway::roster::listed;
use bulkhead_profile::Place;
use bulkhead_service::Service;
use serde_json::{Map, Value, json};

use super::ProfileStatus;
use crate::asking;
use crate::context::Context;
use crate::grammar::gateway::Target;

/// What only the gateway can tell.
const ASKED: &[&str] =
    &["sessions", "heartbeat", "tasks", "channelSummary", "queuedSystemEvents", "health", "lastHeartbeat"];

/// What this program itself has said under these names since before.
const OWN: &[&str] = &["ok", "version", "profile", "others"];

/// The keys.
pub(super) fn keys(
    context: &Context,
    place: &Place,
    profile: &ProfileStatus,
    deep: bool,
) -> Map<String, Value> {
    let (asked, gateway) = if deep { ask(context, profile) } else { (Map::new(), gateway(place, profile)) };
    let mut all = asked;
    all.insert("runtimeVersion".to_owned(), json!(profile.version));
    all.insert("os".to_owned(), os());
    all.insert("gateway".to_owned(), gateway);
    all.insert("gatewayService".to_owned(), service(context, place));
    all.insert("agents".to_owned(), agents(context, place));
    let missing: Vec<&str> = ASKED.iter().copied().filter(|key| !all.contains_key(*key)).collect();
    if !missing.is_empty() {
        let reason = if deep {
            "The gateway could not be asked; `gateway.error` says why."
        } else {
            "Only the gateway can tell; ask it with --deep."
        };
        all.insert("collection".to_owned(), json!({"notCollected": [{"fields": missing, "reason": reason}]}));
    }
    all
}

fn os() -> Value {
    // The words that Node has for them.
    let platform = match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    };
    let arch = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    json!({"platform": platform, "arch": arch, "label": format!("{} ({arch})", std::env::consts::OS)})
}

/// How the gateway looks from outside, with nothing said at its door.
fn gateway(place: &Place, profile: &ProfileStatus) -> Value {
    let config = ConfigStore::new(place).load().map(|loaded| loaded.config).unwrap_or_default();
    let remote = config.gateway.mode == Some(GatewayMode::Remote);
    let address = config.gateway.remote.url.clone().filter(|_| remote);
    let source = if remote { "config gateway.remote.url" } else { "local loopback" };
    let reachable = profile.uptime_ms.is_some();
    let here = json!({"version": profile.version, "platform": std::env::consts::OS});
    json!({
        "mode": if remote { "remote" } else { "local" },
        "url": if remote { address.clone() } else { Some(format!("ws://127.0.0.1:{}", profile.base_port)) },
        "urlSource": source,
        "misconfigured": remote && address.is_none(),
        "reachable": reachable,
        "connectLatencyMs": null,
        "self": if reachable && !remote { here } else { Value::Null },
        "error": null,
        "authWarning": null,
    })
}

/// What the gateway says of itself.
fn ask(context: &Context, profile: &ProfileStatus) -> (Map<String, Value>, Value) {
    let mut gateway = match context.place() {
        Ok(place) => gateway(&place, profile),
        Err(_) => json!({}),
    };
    let asked = context.block_on(async {
        let door = asking::door(context, &Target::default()).await?;
        let begun = Instant::now();
        let (client, hello) = door.enter(door.cli()).await?;
        let latency = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let status: Value = client.request("status", json!({"includeChannelSummary": true})).await?;
        let health: Value = client.request("health", json!({})).await?;
        let heartbeat: Value = client.request("last-heartbeat", json!({})).await.unwrap_or_default();
        client.close().await;
        Ok((status, health, heartbeat, latency, hello.server.version))
    });
    match asked {
        Ok((status, health, heartbeat, latency, version)) => {
            gateway["reachable"] = true.into();
            gateway["connectLatencyMs"] = latency.into();
            gateway["self"]["version"] = version.into();
            let mut all = match status {
                Value::Object(map) => map,
                _ => Map::new(),
            };
            all.retain(|key, _| !OWN.contains(&key.as_str()));
            all.insert("health".to_owned(), health);
            all.insert("lastHeartbeat".to_owned(), heartbeat);
            (all, gateway)
        }
        Err(failure) => {
            gateway["error"] = failure.message.into();
            (Map::new(), gateway)
        }
    }
}

fn service(context: &Context, place: &Place) -> Value {
    let service = Service::find(place, &context.env);
    let installed = service.is_installed();
    json!({"label": service.name(), "installed": installed})
}

fn agents(context: &Context, place: &Place) -> Value {
    let Ok(loaded) = ConfigStore::new(place).load() else { return json!({"agents": []}) };
    let default = loaded.config.default_agent_id().to_owned();
    let agents = listed(loaded, place, &context.env);
    let rows: Vec<Value> = agents
        .iter()
        .map(|agent| json!({"id": agent.id, "name": agent.name, "workspaceDir": agent.workspace}))
        .collect();
    json!({"defaultId": default, "agents": rows})
}
