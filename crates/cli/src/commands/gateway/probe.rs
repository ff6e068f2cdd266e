//! `bulkhead gateway probe`: how a gateway looks from outside, by every way that leads to one, and how many there are.

use std::time::{Duration, Instant};

use bulkhead_client::{Auth, ClientError, GatewayUrl};
use bulkhead_config::{Config, ConfigStore, GatewayMode};
use bulkhead_profile::Place;
use serde_json::{Map, Value, json};

use super::ask::{Answers, side_by_side};
use super::identities::{Seen, Warning, judge};
use super::tunnel::{SshTarget, Tunnel};
use crate::asking::{self, Door, Remote};
use crate::commands::DONE;
use crate::context::{Context, base_port};
use crate::error::Failure;
use crate::grammar::gateway::{ProbeArgs, Target};
use crate::output::{paint, table};

/// How long a tunnel may take to open: SSH shakes hands several times.
const TUNNEL_PATIENCE: Duration = Duration::from_secs(15);

/// What the ways are called, in the order in which the first that answers is the one that counts.
const EXPLICIT: &str = "explicit";
const TUNNEL: &str = "sshTunnel";
const REMOTE: &str = "configRemote";
const LOCAL: &str = "localLoopback";

/// A way to look along.
struct Plan {
    target: &'static str,
    door: Door,
    /// The profile uses it: a remote gateway may be configured and not in use.
    active: bool,
    tunnel: Value,
}

/// What one way led to.
struct Way {
    seen: Seen,
    active: bool,
    tunnel: Value,
    report: Result<Value, Failure>,
}

/// What was planned, and what went wrong with that.
struct Plans {
    all: Vec<Plan>,
    warnings: Vec<Warning>,
    /// Ends with the probe.
    tunnel: Option<Tunnel>,
}

pub fn run(args: &ProbeArgs, context: &Context) -> Result<u8, Failure> {
    let report = context.block_on(probe(args, context))?;
    context.out.result(&report, || text(&report));
    Ok(DONE)
}

async fn probe(args: &ProbeArgs, context: &Context) -> Result<Value, Failure> {
    let begun = Instant::now();
    let tunnel = open_tunnel(args, context).await?;
    let mut made = plan(args, context, tunnel).await?;
    let patience = made.all.first().map_or(Duration::ZERO, |plan| plan.door.patience);
    let mut ways = look(&made.all).await;
    let (mut identities, mut found) = judge_all(&ways);
    if identities > 1 {
        // One that started anew between two looks is not two.
        ways = look(&made.all).await;
        (identities, found) = judge_all(&ways);
    }
    if let Some(tunnel) = made.tunnel.take() {
        let _ = tokio::task::spawn_blocking(move || drop(tunnel)).await;
    }
    let mut warnings = made.warnings;
    warnings.extend(found);
    warnings.extend(limited(&ways));
    let targets: Vec<Value> = ways.iter().map(target).collect();
    // What was asked for has to answer; without an address, any.
    let first = if args.target.url.is_some() {
        0
    } else {
        ways.iter().position(|way| way.report.is_ok()).unwrap_or(0)
    };
    let degraded = ways.iter().any(|way| way.report.as_ref().is_ok_and(|report| !is_whole(report)));
    let best = ways.iter().map(capability).max().map_or("unknown", |(_, name)| name);
    let primary = ways.swap_remove(first);
    let (primary_id, mut report) = (primary.seen.target, primary.report?);
    let more = json!({
        "degraded": degraded,
        "capability": best,
        "ts": now_ms(),
        "durationMs": millis(begun.elapsed()),
        "timeoutMs": millis(patience),
        "primaryTargetId": primary_id,
        "network": network(context),
        // Gateways announce themselves nowhere, so nobody is listened for.
        "discovery": { "timeoutMs": 0, "count": 0, "beacons": [] },
        "targets": targets,
        "identities": identities,
        "warnings": warnings,
    });
    if let (Value::Object(report), Value::Object(more)) = (&mut report, more) {
        report.extend(more);
    }
    Ok(report)
}

fn judge_all(ways: &[Way]) -> (usize, Vec<Warning>) {
    judge(&ways.iter().map(|way| way.seen.clone()).collect::<Vec<_>>())
}

/// Ways that let us in and told us little.
fn limited(ways: &[Way]) -> Option<Warning> {
    let ids: Vec<&'static str> = ways
        .iter()
        .filter(|way| way.report.as_ref().is_ok_and(is_scope_limited))
        .map(|way| way.seen.target)
        .collect();
    (!ids.is_empty()).then(|| Warning {
        code: "probe_scope_limited",
        message: "the gateway lets this prober in and shows it little (missing operator.read); expected a device that was approved: \
                  `bulkhead gateway status --deep` asks with the profile's own rights"
            .to_owned(),
        target_ids: ids,
    })
}

/// The configuration of the profile, if it can be read.
fn configured(context: &Context) -> Option<(Place, Config)> {
    let place = context.place().ok()?;
    let config = ConfigStore::new(&place).load().ok()?.config;
    Some((place, config))
}

/// The tunnel that was asked for, or that the configuration names. One that does not open is told, not fatal.
async fn open_tunnel(args: &ProbeArgs, context: &Context) -> Result<Option<Result<Tunnel, String>>, Failure> {
    let configured = configured(context);
    let remote = configured.as_ref().map(|(_, config)| &config.gateway.remote);
    let Some(target) = args.ssh.clone().or_else(|| remote.and_then(|remote| remote.ssh_target.clone()))
    else {
        return Ok(None);
    };
    let identity = args.ssh_identity.clone().or_else(|| {
        remote.and_then(|remote| remote.ssh_identity.as_deref()).map(|path| context.env.expand(path))
    });
    let target = SshTarget::parse(&target, identity.as_deref()).map_err(Failure::usage)?;
    let own =
        context.place().ok().and_then(|place| base_port(&place, &context.env).ok()).map(|(port, _)| port);
    let port = args.port.or(own).unwrap_or(bulkhead_profile::spacing::PREFERRED_MAIN);
    let patience = args.target.timeout.unwrap_or(TUNNEL_PATIENCE);
    let opened = tokio::task::spawn_blocking(move || Tunnel::open(&target, port, patience)).await;
    Ok(Some(opened.unwrap_or_else(|_| Err("opening the tunnel was interrupted".to_owned()))))
}

/// Every way: the address that was given, the tunnel, the remote gateway of the configuration, this machine.
async fn plan(
    args: &ProbeArgs,
    context: &Context,
    tunnel: Option<Result<Tunnel, String>>,
) -> Result<Plans, Failure> {
    let mut made = Plans { all: Vec::new(), warnings: Vec::new(), tunnel: None };
    let way = |target, door, active| Plan { target, door, active, tunnel: Value::Null };
    let credentials = asking::given(&args.target)?;
    // Credentials that were given belong to the address that was given, else to the tunnel that was asked for, else to all.
    let bare = Target { timeout: args.target.timeout, ..Target::default() };
    if args.target.url.is_some() {
        let door = asking::door_with(context, &args.target, credentials.clone()).await?;
        made.all.push(way(EXPLICIT, door, true));
    }
    let configured = configured(context);
    let for_tunnel = credentials.clone().filter(|_| args.target.url.is_none());
    let for_own = credentials.filter(|_| args.target.url.is_none() && args.ssh.is_none());
    match tunnel {
        None => {}
        Some(Err(problem)) => made.warnings.push(Warning {
            code: "ssh_tunnel_failed",
            message: format!("no way through SSH: {problem}"),
            target_ids: vec![TUNNEL],
        }),
        Some(Ok(tunnel)) => {
            // The gateway is asked under its own address: it answers nobody who calls it by another one.
            let url = GatewayUrl::loopback(tunnel.remote_port);
            let auth = match (for_tunnel, &configured) {
                (Some(auth), _) => auth,
                (None, Some((place, config))) => {
                    asking::remote_auth(context, place, config).await.unwrap_or(Auth::None)
                }
                (None, None) => Auth::None,
            };
            let told = json!({
                "kind": "ssh", "target": tunnel.target, "localPort": tunnel.local_port, "remotePort": tunnel.remote_port,
                "pid": tunnel.pid(),
            });
            let mut door = Door::to(url, auth, args.target.timeout);
            door.through = Some(tunnel.local_port);
            made.all.push(Plan { target: TUNNEL, door, active: true, tunnel: told });
            made.tunnel = Some(tunnel);
        }
    }
    if let Some((place, config)) = &configured
        && let Ok(Some(door)) =
            asking::configured_remote(context, place, &bare, for_own.clone(), Remote::Configured).await
    {
        let active = config.gateway.mode == Some(GatewayMode::Remote);
        made.all.push(way(REMOTE, door, active));
    }
    // With an address alone there may be no profile here at all.
    match asking::local_door(context, &bare, for_own).await {
        Ok(door) => made.all.push(way(LOCAL, door, true)),
        Err(failure) if made.all.is_empty() => return Err(failure),
        Err(_) => {}
    }
    let mut known = Vec::new();
    made.all.retain(|plan| {
        let url = (plan.door.url.to_string(), plan.door.through);
        let new = !known.contains(&url);
        known.push(url);
        new
    });
    Ok(made)
}

/// Looks along all of them side by side.
async fn look(plans: &[Plan]) -> Vec<Way> {
    futures::future::join_all(plans.iter().map(enter)).await
}

fn network(context: &Context) -> Value {
    let local = context.place().ok().and_then(|place| base_port(&place, &context.env).ok());
    json!({
        "localLoopbackUrl": local.map(|(port, _)| GatewayUrl::loopback(port).to_string()),
        "localTailnetUrl": null,
        "tailnetIPv4": null,
    })
}

fn is_whole(report: &Value) -> bool {
    report["errors"].as_object().is_none_or(Map::is_empty)
}

fn is_scope_limited(report: &Value) -> bool {
    report["errors"].as_object().is_some_and(|errors| errors.values().any(|one| one["code"] == "FORBIDDEN"))
}

/// What could be proven about rights, the more the higher.
fn capability(way: &Way) -> (u8, &'static str) {
    match &way.report {
        Ok(report) => {
            let has = |scope: &str| {
                report["auth"]["scopes"]
                    .as_array()
                    .is_some_and(|scopes| scopes.iter().any(|one| one == scope))
            };
            if has("operator.admin") {
                (5, "admin_capable")
            } else if has("operator.write") {
                (4, "write_capable")
            } else if has("operator.read") {
                (3, "read_only")
            } else {
                (2, "connected_no_operator_scope")
            }
        }
        Err(_) if way.seen.error.as_deref() == Some("client.pairing-required") => (1, "pairing_pending"),
        Err(_) => (0, "unknown"),
    }
}

/// One way, as the report lists it.
fn target(way: &Way) -> Value {
    let seen = &way.seen;
    let report = way.report.as_ref().ok();
    let part = |name: &str| report.map_or(Value::Null, |report| report[name].clone());
    let error = match &way.report {
        Ok(report) => {
            report["errors"].as_object().and_then(|errors| errors.values().next()?["message"].as_str())
        }
        Err(failure) => Some(failure.message.as_str()),
    };
    let presence = part("presence");
    let own = presence.as_array().and_then(|all| all.iter().find(|one| one["mode"] == "gateway")).cloned();
    let mut told = serde_json::to_value(seen).unwrap_or_default();
    let more = json!({
        "id": seen.target,
        "kind": seen.target,
        "active": way.active,
        "tunnel": way.tunnel,
        "connect": {
            "ok": report.is_some(),
            "rpcOk": report.is_some_and(is_whole),
            "scopeLimited": report.is_some_and(is_scope_limited),
            "latencyMs": seen.connect_ms,
            "error": error,
            "close": null,
        },
        "auth": {
            "role": part("auth")["role"],
            "scopes": report.map_or_else(|| json!([]), |report| report["auth"]["scopes"].clone()),
            "capability": capability(way).1,
        },
        "server": part("server"),
        "self": own,
        "config": part("config"),
        "health": part("health"),
        "summary": part("status"),
        "presence": presence,
    });
    if let (Value::Object(told), Value::Object(more)) = (&mut told, more) {
        told.extend(more);
    }
    told
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn now_ms() -> u64 {
    millis(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default())
}

async fn enter(plan: &Plan) -> Way {
    let (target, door) = (plan.target, &plan.door);
    let (active, tunnel) = (plan.active, plan.tunnel.clone());
    let begun = Instant::now();
    let entered = bulkhead_client::Client::connect(door.probe()).await;
    let connect_ms = millis(begun.elapsed());
    let shown = door.through.map_or_else(|| door.url.clone(), GatewayUrl::loopback);
    let url = shown.to_string();
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
            return Way { seen, active, tunnel, report: Err(failure) };
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
    Way { seen, active, tunnel, report: Ok(report) }
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
