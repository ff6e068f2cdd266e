//! `bulkhead nodes …`

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::DONE;
use super::devices::call;
use crate::asking;
use crate::context::Context;
use crate::error::Failure;
use crate::grammar::devices::{NodeFilter, NodesArgs, NodesCommand};
use crate::output::{paint, table};

/// What is left for the way there and back when a node uses all its time.
const GRACE: Duration = Duration::from_secs(10);

pub fn run(args: NodesArgs, context: &Context) -> Result<u8, Failure> {
    let NodesArgs { command, mut target } = args;
    if let NodesCommand::Invoke { invoke_timeout, .. } = &command {
        let least = Duration::from_millis(*invoke_timeout) + GRACE;
        target.timeout = Some(target.timeout.unwrap_or(Duration::from_secs(30)).max(least));
    }
    let ask = |method: &'static str, params: Value| {
        context.block_on(async {
            let door = asking::door(context, &target).await?;
            call(&door, method, params).await
        })
    };
    let find = |wanted: &str| choose(&ask("node.list", json!({}))?, wanted);
    let done = |answer: &Value, text: String| {
        context.out.result(answer, || text);
        Ok(DONE)
    };
    match command {
        NodesCommand::Status(filter) => {
            let answer = filtered(ask("node.list", json!({}))?, &filter);
            let text = status(&answer);
            done(&answer, text)
        }
        NodesCommand::List(filter) => {
            let nodes = filtered(ask("node.list", json!({}))?, &filter);
            let pending = ask("node.pair.list", json!({}))?["pending"].take();
            let answer = json!({"pending": pending, "paired": nodes["nodes"]});
            let text = format!("{}\n\n{}", waiting(&answer["pending"]), status(&nodes));
            done(&answer, text)
        }
        NodesCommand::Describe(choice) => {
            let answer = ask("node.describe", json!({"nodeId": find(&choice.node)?}))?;
            let text = describe(&answer);
            done(&answer, text)
        }
        NodesCommand::Pending => {
            let answer = ask("node.pair.list", json!({}))?["pending"].take();
            let text = waiting(&answer);
            done(&answer, text)
        }
        NodesCommand::Approve { request } => {
            let answer = ask("node.pair.approve", json!({"requestId": request}))?;
            let text = format!("{} may now: {}", name(&answer["node"]), words(&answer["node"]["commands"]));
            done(&answer, text)
        }
        NodesCommand::Reject { request } => {
            let answer = ask("node.pair.reject", json!({"requestId": request}))?;
            done(&answer, "Refused; what it was allowed before stays.".to_owned())
        }
        NodesCommand::Remove(choice) => {
            let answer = ask("node.pair.remove", json!({"nodeId": find(&choice.node)?}))?;
            done(&answer, "It is no node any more; its connection ended.".to_owned())
        }
        NodesCommand::Rename { node, name } => {
            let answer = ask("node.rename", json!({"nodeId": find(&node.node)?, "displayName": name}))?;
            done(&answer, format!("It is called {name} from now on."))
        }
        NodesCommand::Invoke { node, command, params, invoke_timeout, idempotency_key } => {
            if matches!(command.as_str(), "system.run" | "system.run.prepare") {
                return Err(Failure::usage(format!(
                    "{command} is not asked for here: programs on a node are run by an agent"
                )));
            }
            let params: Map<String, Value> = serde_json::from_str(&params)
                .map_err(|error| Failure::usage(format!("--params: {error}, expected a JSON object")))?;
            let key = idempotency_key.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
            let answer = ask(
                "node.invoke",
                json!({
                    "nodeId": find(&node.node)?, "command": command, "params": params,
                    "timeoutMs": invoke_timeout, "idempotencyKey": key,
                }),
            )?;
            let text = serde_json::to_string_pretty(&answer["payload"]).unwrap_or_default();
            done(&answer, text)
        }
        NodesCommand::Notify { node, title, body, priority } => {
            let mut params = Map::new();
            for (name, text) in [("title", title), ("body", body), ("priority", priority)] {
                params.extend(text.map(|text| (name.to_owned(), text.into())));
            }
            let answer = ask(
                "node.invoke",
                json!({
                    "nodeId": find(&node.node)?, "command": "system.notify", "params": params,
                    "idempotencyKey": uuid::Uuid::new_v4().to_string(),
                }),
            )?;
            done(&answer, "Shown.".to_owned())
        }
    }
}

fn rows(answer: &Value) -> impl Iterator<Item = &Value> {
    answer["nodes"].as_array().into_iter().flatten()
}

/// Only the nodes that were asked for.
fn filtered(mut answer: Value, filter: &NodeFilter) -> Value {
    let since = filter.last_connected.map(|span| {
        let now = jiff::Timestamp::now().as_millisecond();
        now.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX))
    });
    if let Some(nodes) = answer["nodes"].as_array_mut() {
        nodes.retain(|row| {
            (!filter.connected || row["connected"] == true)
                && since.is_none_or(|since| row["lastConnectedAtMs"].as_i64().is_some_and(|at| at >= since))
        });
    }
    answer
}

/// The id of the node that is meant: by id or address, then by name, then by the beginning of its id; of several, the
/// one that is connected.
fn choose(answer: &Value, wanted: &str) -> Result<String, Failure> {
    let lower = wanted.trim().to_lowercase();
    let is = |row: &Value, field: &str| row[field].as_str().is_some_and(|text| text.to_lowercase() == lower);
    let starts = |row: &Value| {
        lower.len() >= 6 && row["nodeId"].as_str().is_some_and(|id| id.to_lowercase().starts_with(&lower))
    };
    let ways: [&dyn Fn(&Value) -> bool; 4] =
        [&|row| is(row, "nodeId"), &|row| is(row, "remoteIp"), &|row| is(row, "displayName"), &starts];
    for fits in ways {
        let found: Vec<&Value> = rows(answer).filter(|row| fits(row)).collect();
        let here: Vec<&&Value> = found.iter().filter(|row| row["connected"] == true).collect();
        let one = match (found.as_slice(), here.as_slice()) {
            ([], _) => continue,
            ([one], _) => one,
            (_, [one]) => **one,
            _ => {
                return Err(Failure::failed(
                    "nodes.ambiguous",
                    format!(
                        "{wanted:?} names several nodes; name one by its id, as `bulkhead nodes status` shows it"
                    ),
                ));
            }
        };
        return Ok(one["nodeId"].as_str().unwrap_or_default().to_owned());
    }
    Err(Failure::failed(
        "nodes.unknown",
        format!("no node is called {wanted:?}; `bulkhead nodes status` shows those that are paired"),
    ))
}

fn name(row: &Value) -> String {
    row["displayName"].as_str().or(row["nodeId"].as_str()).unwrap_or("?").to_owned()
}

fn words(list: &Value) -> String {
    let words: Vec<&str> = list.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}

fn state(row: &Value) -> String {
    let here = if row["connected"] == true { "connected" } else { "away" };
    let approval = match row["approvalState"].as_str() {
        Some("pending-approval") => ", waits for approval",
        Some("pending-reapproval") => ", asks for more",
        Some("unapproved") => ", nothing approved",
        _ => "",
    };
    format!("{here}{approval}")
}

fn status(answer: &Value) -> String {
    if rows(answer).next().is_none() {
        return "No node is paired; `bulkhead qr` adds a phone.".to_owned();
    }
    let waits = rows(answer)
        .filter_map(|row| Some((name(row), row["pendingRequestId"].as_str()?)))
        .map(|(name, id)| format!("\n{} asks for more: bulkhead nodes approve {id}", paint::warn(&name)));
    let table = table::rows(
        ["node", "id", "platform", "state", "may"],
        rows(answer).map(|row| {
            let id = row["nodeId"].as_str().unwrap_or_default();
            let platform = row["platform"].as_str().unwrap_or_default();
            [name(row), id.to_owned(), platform.to_owned(), state(row), words(&row["caps"])]
        }),
    );
    table + &waits.collect::<String>()
}

fn waiting(pending: &Value) -> String {
    let rows: Vec<_> = pending
        .as_array()
        .into_iter()
        .flatten()
        .map(|row| {
            let id = row["requestId"].as_str().unwrap_or_default();
            [id.to_owned(), name(row), words(&row["commands"])]
        })
        .collect();
    if rows.is_empty() {
        "No node asks for anything.".to_owned()
    } else {
        table::rows(["request", "node", "asks for"], rows)
    }
}

fn describe(row: &Value) -> String {
    let text = |field: &str| row[field].as_str().map(str::to_owned);
    let mut pairs = vec![
        ("id", text("nodeId")),
        ("state", Some(state(row))),
        ("platform", text("platform")),
        ("version", text("version")),
        ("address", text("remoteIp")),
        ("may", Some(words(&row["commands"]))),
    ];
    if row.get("pendingDeclaredCommands").is_some() {
        pairs.push(("asks for", Some(words(&row["pendingDeclaredCommands"]))));
    }
    let pairs: Vec<(&str, String)> =
        pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    format!("{}\n{}", name(row), table::pairs(&pairs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_node_that_is_meant() {
        let answer = json!({"nodes": [
            {"nodeId": "aaaaaaaa1", "displayName": "Phone", "connected": false},
            {"nodeId": "aaaaaaaa2", "displayName": "phone", "connected": true},
            {"nodeId": "bbbbbbbb", "displayName": "Desk", "remoteIp": "192.168.1.7", "connected": false},
        ]});
        assert_eq!(choose(&answer, "aaaaaaaa1").unwrap(), "aaaaaaaa1");
        assert_eq!(choose(&answer, "PHONE").unwrap(), "aaaaaaaa2", "the one that is here");
        assert_eq!(choose(&answer, "192.168.1.7").unwrap(), "bbbbbbbb");
        assert_eq!(choose(&answer, "bbbbbb").unwrap(), "bbbbbbbb");
        assert_eq!(choose(&answer, "bbb").unwrap_err().code, "nodes.unknown", "too short");
    }
}
