//! `bulkhead gateway probe`: how a gateway looks from outside, by every way that leads to one, and how many there are.

use std::time::Instant;

use bulkhead_client::{Auth, ClientError, GatewayUrl};
use bulkhead_config::{Config, ConfigStore, SecretInput};
use bulkhead_profile::Place;
use bulkhead_secrets::Sources;
use serde_json::{Value, json};

use super::ask::{Answers, side_by_side};
use super::identities::{Seen, judge};
use crate::asking::{self, Door};
use crate::commands::DONE;
use crate::context::Context;
use crate::error::Failure;
use crate::grammar::gateway::{AskArgs, Target};
use crate::output::{paint, table};

/// What one way led to.
struct Way {
    seen: Seen,
    report: Result<Value, Failure>,
}

pub fn run(args: &AskArgs, context: &Context) -> Result<u8, Failure> {
    let report = context.block_on(async {
        let mut ways = look(args, context).await?;
        let (mut identities, mut warnings) = judge_all(&ways);
        if identities > 1 {
            // One that started anew between two looks is not two.
            ways = look(args, context).await?;
            (identities, warnings) = judge_all(&ways);
        }
        let seen: Vec<_> = ways.iter().map(|way| way.seen.clone()).collect();
        // What was asked for has to answer; without an address, any.
        let first = if args.target.url.is_some() {
            0
        } else {
            ways.iter().position(|way| way.report.is_ok()).unwrap_or(0)
        };
        let mut report = ways.swap_remove(first).report?;
        report["targets"] = json!(seen);
        report["identities"] = json!(identities);
        report["warnings"] = json!(warnings);
        Ok(report)
    })?;
    context.out.result(&report, || text(&report));
    Ok(DONE)
}

fn judge_all(ways: &[Way]) -> (usize, Vec<super::identities::Warning>) {
    judge(&ways.iter().map(|way| way.seen.clone()).collect::<Vec<_>>())
}

/// Every way side by side: the address that was given, this machine, the remote gateway of the configuration.
async fn look(args: &AskArgs, context: &Context) -> Result<Vec<Way>, Failure> {
    let mut doors: Vec<(&'static str, Door)> = Vec::new();
    if args.target.url.is_some() {
        doors.push(("url", asking::door(context, &args.target).await?));
    }
    // The token of another gateway is never sent to this one.
    let own = if args.target.url.is_some() {
        Target { timeout: args.target.timeout, ..Target::default() }
    } else {
        args.target.clone()
    };
    // With an address alone there may be no profile here at all.
    match asking::door(context, &own).await {
        Ok(door) => doors.push(("local", door)),
        Err(failure) if doors.is_empty() => return Err(failure),
        Err(_) => {}
    }
    if let Ok(place) = context.place()
        && let Some(door) = remote(context, &place, &own).await
    {
        doors.push(("remote", door));
    }
    let mut known = Vec::new();
    doors.retain(|(_, door)| {
        let url = door.url.to_string();
        let new = !known.contains(&url);
        known.push(url);
        new
    });
    let looks: Vec<_> = doors.into_iter().map(|(target, door)| tokio::spawn(enter(target, door))).collect();
    let mut ways = Vec::new();
    for look in looks {
        ways.extend(look.await.ok());
    }
    Ok(ways)
}

/// The gateway of `gateway.remote`.
async fn remote(context: &Context, place: &Place, target: &Target) -> Option<Door> {
    let config: Config = ConfigStore::new(place).load().ok()?.config;
    let url: GatewayUrl = config.gateway.remote.url.as_deref()?.parse().ok()?;
    let auth = match &config.gateway.remote.token {
        Some(SecretInput::Plain(secret)) => Auth::Token(secret.clone()),
        Some(SecretInput::Ref(reference)) => {
            let sources = Sources::for_place(place, &context.env).with_providers(&config);
            sources.get(reference).await.map(Auth::Token).unwrap_or_default()
        }
        None => Auth::None,
    };
    Some(Door::to(url, auth, target.timeout))
}

async fn enter(target: &'static str, door: Door) -> Way {
    let begun = Instant::now();
    let entered = bulkhead_client::Client::connect(door.probe()).await;
    let connect_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let url = door.url.to_string();
    let mut seen = Seen {
        target,
        url: url.clone(),
        answered: true,
        identity: None,
        version: None,
        connect_ms: None,
        error: None,
    };
    let (client, hello) = match entered {
        Ok(entered) => entered,
        Err(error) => {
            // Somebody who refuses is somebody; a closed port is nobody.
            seen.answered = matches!(
                error,
                ClientError::Unauthorized { .. }
                    | ClientError::Rejected { .. }
                    | ClientError::PairingRequired { .. }
            );
            let failure = door.explain(error);
            seen.error = Some(failure.code.clone());
            return Way { seen, report: Err(failure) };
        }
    };
    seen.identity.clone_from(&hello.server.boot_id);
    seen.version = Some(hello.server.version.clone());
    seen.connect_ms = Some(connect_ms);
    let questions = [
        ("health", json!({})),
        ("status", json!({})),
        ("system-presence", json!({})),
        ("config.get", json!({})),
    ];
    let Answers { answers, errors } = side_by_side(&client, &questions).await;
    client.close().await;
    let config = answers
        .get("config.get")
        .map(|config| json!({ "path": config["path"], "hash": config["hash"], "valid": config["valid"] }));
    let report = json!({
        "ok": true,
        "url": url,
        "connectMs": connect_ms,
        "protocol": hello.protocol,
        "server": { "version": hello.server.version, "connId": hello.server.conn_id, "bootId": hello.server.boot_id },
        "auth": { "role": hello.auth.role, "scopes": hello.auth.scopes },
        "health": answers.get("health"),
        "status": answers.get("status"),
        "presence": answers.get("system-presence"),
        "config": config,
        "errors": errors,
    });
    Way { seen, report: Ok(report) }
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
    for other in
        report["targets"].as_array().into_iter().flatten().filter(|other| other["url"] != report["url"])
    {
        let same = other["identity"].is_string() && other["identity"] == report["server"]["bootId"];
        let how = match (other["error"].as_str(), same) {
            (Some(error), _) => error.to_owned(),
            (None, true) => "the same gateway".to_owned(),
            (None, false) => "another gateway".to_owned(),
        };
        pairs.push((
            "also",
            format!(
                "{} {}: {how}",
                other["target"].as_str().unwrap_or_default(),
                other["url"].as_str().unwrap_or_default()
            ),
        ));
    }
    for warning in report["warnings"].as_array().into_iter().flatten() {
        pairs.push(("warning", paint::warn(warning["message"].as_str().unwrap_or_default())));
    }
    let state = match healthy {
        Some(true) => paint::good("healthy"),
        Some(false) => paint::bad("unhealthy"),
        None => paint::warn("reachable"),
    };
    format!("{state} {url}\n{}", table::pairs(&pairs))
}
