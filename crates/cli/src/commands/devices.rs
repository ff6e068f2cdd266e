//! `bulkhead devices …`

use serde_json::{Value, json};

use super::DONE;
use crate::asking::{self, Door};
use crate::context::Context;
use crate::error::Failure;
use crate::grammar::devices::{DevicesArgs, DevicesCommand};
use crate::output::{paint, table};

pub fn run(args: DevicesArgs, context: &Context) -> Result<u8, Failure> {
    let DevicesArgs { command, target } = args;
    let ask = |method: &'static str, params: Value| {
        context.block_on(async {
            let door = asking::door(context, &target).await?;
            call(&door, method, params).await
        })
    };
    let done = |answer: &Value, text: String| {
        context.out.result(answer, || text);
        Ok(DONE)
    };
    match command {
        DevicesCommand::List => {
            let answer = ask("device.pair.list", json!({}))?;
            let text = list(&answer);
            done(&answer, text)
        }
        DevicesCommand::Approve { request: Some(request), latest: false } => {
            let answer = ask("device.pair.approve", json!({"requestId": request}))?;
            let text = format!("{} may connect now.", name(&answer["device"]));
            done(&answer, text)
        }
        DevicesCommand::Approve { .. } => preview(&ask("device.pair.list", json!({}))?),
        DevicesCommand::Reject { request } => {
            let answer = ask("device.pair.reject", json!({"requestId": request}))?;
            done(&answer, "Turned away.".to_owned())
        }
        DevicesCommand::Remove { device } => {
            let answer = ask("device.pair.remove", json!({"deviceId": device}))?;
            done(&answer, "Forgotten; its connections ended.".to_owned())
        }
        DevicesCommand::Rename { device, name } => {
            let answer = ask("device.pair.rename", json!({"deviceId": device, "label": name}))?;
            done(&answer, format!("It is called {name} from now on."))
        }
        DevicesCommand::Rotate { device, role, scopes, no_scopes } => {
            let mut params = json!({"deviceId": device, "role": role});
            if no_scopes || !scopes.is_empty() {
                params["scopes"] = json!(scopes);
            }
            let answer = ask("device.token.rotate", params)?;
            done(
                &answer,
                "Its old token is void; it gets the new one when it connects with the gateway's token."
                    .to_owned(),
            )
        }
        DevicesCommand::Revoke { device, role } => {
            let answer = ask("device.token.revoke", json!({"deviceId": device, "role": role}))?;
            done(&answer, "Its token is void; its connections ended.".to_owned())
        }
        DevicesCommand::Clear { yes, pending } => {
            if !yes {
                return Err(Failure::usage(
                    "devices clear forgets every device: say --yes if you mean that; `bulkhead devices remove ID` forgets one",
                ));
            }
            clear(context, &target, pending)
        }
    }
}

/// One call over a connection of its own.
pub(super) async fn call(door: &Door, method: &'static str, params: Value) -> Result<Value, Failure> {
    let (client, _) = door.enter(door.cli()).await?;
    let answer = client.request(method, params).await;
    client.close().await;
    Ok(answer?)
}

fn clear(context: &Context, target: &crate::grammar::gateway::Target, pending: bool) -> Result<u8, Failure> {
    let (removed, rejected) = context.block_on(async {
        let door = asking::door(context, target).await?;
        let (client, _) = door.enter(door.cli()).await?;
        let all = client.request("device.pair.list", json!({})).await?;
        let (mut removed, mut rejected) = (Vec::new(), Vec::new());
        for device in rows(&all, "paired") {
            client.request("device.pair.remove", json!({"deviceId": device["deviceId"]})).await?;
            removed.push(device["deviceId"].clone());
        }
        for request in rows(&all, "pending").filter(|_| pending) {
            client.request("device.pair.reject", json!({"requestId": request["requestId"]})).await?;
            rejected.push(request["requestId"].clone());
        }
        client.close().await;
        Ok::<_, Failure>((removed, rejected))
    })?;
    let answer = json!({"removedDevices": removed, "rejectedPending": rejected});
    context.out.result(&answer, || match (removed.len(), rejected.len()) {
        (0, 0) => "There was none.".to_owned(),
        (removed, 0) => format!("{removed} forgotten."),
        (removed, rejected) => format!("{removed} forgotten, {rejected} turned away."),
    });
    Ok(DONE)
}

/// What the newest request asks for; letting it in takes its id.
fn preview(answer: &Value) -> Result<u8, Failure> {
    let Some(newest) = rows(answer, "pending").max_by_key(|row| row["ts"].as_i64()) else {
        return Err(Failure::failed("devices.none", "No device waits for approval."));
    };
    let id = newest["requestId"].as_str().unwrap_or_default();
    let before = rows(answer, "paired").find(|row| row["deviceId"] == newest["deviceId"]);
    let mut text = format!("{} asks for: {}", name(newest), access(newest));
    if let Some(before) = before {
        text.push_str(&format!("\nIt has: {}", access(before)));
    }
    text.push_str(&format!("\nNothing was approved yet. To let it in: bulkhead devices approve {id}"));
    Err(Failure::failed("devices.preview", text).with_details(newest.clone()))
}

fn rows<'a>(answer: &'a Value, list: &str) -> impl Iterator<Item = &'a Value> {
    answer[list].as_array().into_iter().flatten()
}

/// The operator's name, else what the device says of itself.
fn name(row: &Value) -> String {
    ["operatorLabel", "displayName", "clientId", "deviceId"]
        .iter()
        .find_map(|field| row[field].as_str())
        .unwrap_or("?")
        .to_owned()
}

fn access(row: &Value) -> String {
    let words = |field: &str| {
        row[field].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
    };
    let roles = match words("roles") {
        roles if roles.is_empty() => row["role"].as_str().unwrap_or_default().to_owned(),
        roles => roles,
    };
    match words("scopes") {
        scopes if scopes.is_empty() => roles,
        scopes => format!("{roles} ({})", scopes.replace("operator.", "")),
    }
}

fn list(answer: &Value) -> String {
    let text = |row: &Value, field: &str| row[field].as_str().unwrap_or_default().to_owned();
    let mut parts = Vec::new();
    let pending: Vec<_> = rows(answer, "pending")
        .map(|row| [text(row, "requestId"), name(row), access(row), text(row, "remoteIp")])
        .collect();
    if !pending.is_empty() {
        parts.push(format!(
            "{}\n{}",
            paint::warn("Waiting for approval"),
            table::rows(["request", "device", "asks for", "from"], pending)
        ));
    }
    let paired: Vec<_> = rows(answer, "paired")
        .map(|row| {
            let here = if row["connected"] == true { "connected" } else { "" };
            [text(row, "deviceId"), name(row), text(row, "platform"), access(row), here.to_owned()]
        })
        .collect();
    if paired.is_empty() {
        parts.push("No device is paired; `bulkhead qr` adds a phone.".to_owned());
    } else {
        parts.push(table::rows(["device", "name", "platform", "may", ""], paired));
    }
    parts.join("\n\n")
}
