//! `bulkhead approvals …`: what waits for a yes, and what needs none. Asked of the running gateway.

use std::io::Read as _;

use bulkhead_config::ConfigDocument;
use serde_json::{Value, json};

use super::DONE;
use crate::asking;
use crate::context::Context;
use crate::error::Failure;
use crate::grammar::approvals::{AllowlistCommand, AllowlistEntry, ApprovalsCommand};
use crate::grammar::gateway::Target;
use crate::output::{paint, table};

/// The largest document.
const LARGEST: u64 = 4 * 1024 * 1024;

pub fn run(command: ApprovalsCommand, context: &Context) -> Result<u8, Failure> {
    match command {
        ApprovalsCommand::Get { target } => {
            let document = ask(context, &target, "exec.approvals.get", json!({}))?;
            context.out.result(&document, || in_words(&document));
        }
        ApprovalsCommand::Set { file, stdin: _, target } => {
            let text = read(file.as_deref())?;
            let parsed = ConfigDocument::parse("approvals", &text)
                .map_err(|error| Failure::usage(format!("the document cannot be read: {error}")))?;
            let before = ask(context, &target, "exec.approvals.get", json!({}))?;
            let params = json!({"file": parsed.value(), "baseHash": before["hash"]});
            let after = ask(context, &target, "exec.approvals.set", params)?;
            context.out.result(&after, || format!("{} {}", paint::good("replaced"), in_words(&after)));
        }
        ApprovalsCommand::Pending { target } => pending(context, &target)?,
        ApprovalsCommand::Resolve { id, decision, target } => {
            let params = json!({"id": id, "decision": decision.as_str()});
            ask(context, &target, "exec.approval.resolve", params)?;
            context.out.result(&json!({"ok": true, "id": id, "decision": decision.as_str()}), || {
                format!("{} {id}: {}", paint::good("answered"), decision.as_str())
            });
        }
        ApprovalsCommand::Allowlist { command } => match command {
            AllowlistCommand::Add(entry) => edit(context, &entry, true)?,
            AllowlistCommand::Remove(entry) => edit(context, &entry, false)?,
        },
    }
    Ok(DONE)
}

/// Asks the gateway one thing.
pub(super) fn ask(context: &Context, target: &Target, method: &str, params: Value) -> Result<Value, Failure> {
    context.block_on(async {
        let door = asking::door(context, target).await?;
        let (client, _) = door.enter(door.cli()).await?;
        let answer = client.request(method, params).await;
        client.close().await;
        Ok(answer?)
    })
}

fn read(file: Option<&std::path::Path>) -> Result<String, Failure> {
    let mut text = String::new();
    let read = match file {
        Some(path) => std::fs::File::open(path).and_then(|file| file.take(LARGEST).read_to_string(&mut text)),
        None => std::io::stdin().lock().take(LARGEST).read_to_string(&mut text),
    };
    let place = file.map_or_else(|| "standard input".to_owned(), |path| path.display().to_string());
    read.map_err(|error| Failure::usage(format!("{place} cannot be read: {error}")))?;
    Ok(text)
}

fn pending(context: &Context, target: &Target) -> Result<(), Failure> {
    let waiting = ask(context, target, "exec.approval.list", json!({}))?;
    let rows: Vec<Value> = waiting
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| {
            let request = &one["request"];
            json!({
                "id": one["id"], "kind": "exec", "summary": request["command"], "agentId": request["agentId"],
                "sessionKey": request["sessionKey"], "cwd": request["cwd"], "createdAtMs": one["createdAtMs"],
                "expiresAtMs": one["expiresAtMs"], "allowedDecisions": request["allowedDecisions"],
            })
        })
        .collect();
    context.out.result(&json!({"ok": true, "approvals": rows}), || {
        if rows.is_empty() {
            return "Nothing waits for an answer.".to_owned();
        }
        let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let lines = rows.iter().map(|row| [text(row, "id"), text(row, "agentId"), text(row, "summary")]);
        table::rows(["id", "agent", "command"], lines)
    });
    Ok(())
}

fn in_words(document: &Value) -> String {
    let file = &document["file"];
    let defaults = &document["resolvedDefaults"];
    let word = |name: &str| defaults[name].as_str().unwrap_or_default().to_owned();
    let mut text = table::pairs(&[
        ("security", word("security")),
        ("ask", word("ask")),
        ("nobody answers", word("askFallback")),
        ("hash", document["hash"].as_str().unwrap_or_default().to_owned()),
    ]);
    let mut rows = Vec::new();
    for (agent, part) in file["agents"].as_object().into_iter().flatten() {
        for entry in part["allowlist"].as_array().into_iter().flatten() {
            let arguments = match entry["argPattern"].as_str() {
                None => "any",
                Some(exact) if exact.starts_with("sha256:") => "exact ones",
                Some(pattern) => pattern,
            };
            rows.push([
                agent.clone(),
                entry["pattern"].as_str().unwrap_or_default().to_owned(),
                arguments.to_owned(),
            ]);
        }
    }
    if !rows.is_empty() {
        text.push_str("\n\n");
        text.push_str(&table::rows(["agent", "program", "arguments"], rows));
    }
    text
}

fn edit(context: &Context, entry: &AllowlistEntry, add: bool) -> Result<(), Failure> {
    let before = ask(context, &entry.target, "exec.approvals.get", json!({}))?;
    let mut file = before["file"].clone();
    let known = |list: &[Value]| {
        list.iter().any(|one| one["pattern"] == entry.pattern.as_str() && one.get("argPattern").is_none())
    };
    let list = file["agents"][entry.agent.as_str()]["allowlist"].as_array().cloned().unwrap_or_default();
    let changes =
        if add { !known(&list) } else { list.iter().any(|one| one["pattern"] == entry.pattern.as_str()) };
    let after = if changes {
        let mut list = list;
        if add {
            list.push(json!({"pattern": entry.pattern}));
        } else {
            list.retain(|one| one["pattern"] != entry.pattern.as_str());
        }
        let part = &mut file["agents"][entry.agent.as_str()];
        if part.is_null() {
            *part = json!({});
        }
        part["allowlist"] = list.into();
        let params = json!({"file": file, "baseHash": before["hash"]});
        ask(context, &entry.target, "exec.approvals.set", params)?
    } else {
        before
    };
    context.out.result(&after, || {
        let word = match (changes, add) {
            (false, true) => "It is on the list already.",
            (false, false) => "It is not on the list.",
            (true, true) => "Added.",
            (true, false) => "Removed.",
        };
        format!("{word}\n{}", in_words(&after))
    });
    Ok(())
}
