//! `bulkhead tasks …`: work beside conversations.

use serde_json::{Value, json};

use super::DONE;
use super::approvals::ask;
use crate::context::Context;
use crate::error::{FAILED, Failure};
use crate::grammar::approvals::TasksCommand;
use crate::output::table;

pub fn run(command: TasksCommand, context: &Context) -> Result<u8, Failure> {
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    match command {
        TasksCommand::List { status, runtime, target } => {
            let mut params = json!({"limit": 200});
            if let Some(status) = status {
                params["status"] = status.into();
            }
            let answer = ask(context, &target, "tasks.list", params)?;
            let mut tasks = answer["tasks"].as_array().cloned().unwrap_or_default();
            tasks.retain(|task| runtime.as_ref().is_none_or(|runtime| task["runtime"] == runtime.as_str()));
            context.out.result(&json!({"ok": true, "tasks": tasks}), || {
                if tasks.is_empty() {
                    return "There is no such work.".to_owned();
                }
                let rows = tasks.iter().map(|task| {
                    [
                        text(task, "id"),
                        text(task, "runtime"),
                        text(task, "status"),
                        text(task, "agentId"),
                        text(task, "title"),
                    ]
                });
                table::rows(["id", "kind", "status", "agent", "what"], rows)
            });
        }
        TasksCommand::Show { id, target } => {
            let answer = ask(context, &target, "tasks.get", json!({"taskId": id}))?;
            let task = answer["task"].clone();
            context.out.result(&answer, || {
                let mut pairs = vec![("id", text(&task, "id"))];
                for name in
                    ["status", "runtime", "agentId", "sessionKey", "runId", "prompt", "result", "error"]
                {
                    if task[name].is_string() {
                        pairs.push((name, text(&task, name)));
                    }
                }
                table::pairs(&pairs)
            });
        }
        TasksCommand::Cancel { id, target } => {
            let answer = ask(context, &target, "tasks.cancel", json!({"taskId": id}))?;
            let done = answer["cancelled"] == true;
            context.out.result(&answer, || match (done, answer["found"] == true) {
                (true, _) => "Stopped.".to_owned(),
                (false, true) => "It is over already.".to_owned(),
                (false, false) => format!("There is no task {id}; `bulkhead tasks list` shows them."),
            });
            return Ok(if done { DONE } else { FAILED });
        }
    }
    Ok(DONE)
}
