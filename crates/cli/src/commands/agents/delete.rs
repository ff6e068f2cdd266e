//! `bulkhead agents delete`

use std::cell::Cell;
use std::io::IsTerminal as _;

use bulkhead_gateway::roster;
use bulkhead_process::RunRecord;
use bulkhead_protocol::methods::agents::AgentsDeleteResult;
use serde_json::{Value, json};

use crate::commands::approvals::ask;
use crate::commands::config::edit;
use crate::context::Context;
use crate::error::{FAILED, Failure};
use crate::grammar::gateway::Target;
use crate::output::paint;

/// The running gateway does it, because it alone may touch the agent's conversations; without one only the configuration
/// changes, and the folder stays where it is.
pub(super) fn run(context: &Context, id: &str, force: bool) -> Result<(), Failure> {
    let place = context.place_for_writing()?;
    let agents = super::agents(context, &place)?;
    let agent = super::agent(&agents, Some(id))?;
    if agents.len() == 1 {
        return Err(Failure::failed(
            "agents.only-one",
            format!(
                "agent {:?} is the only one: expected another one that stays; add it first with `bulkhead agents add`",
                agent.id
            ),
        ));
    }
    if !force {
        confirm(context, &agent.id)?;
    }
    let mut result = if RunRecord::read_running(&place.run_record_path()).is_some() {
        let params = json!({"agentId": agent.id, "deleteFiles": true});
        let mut answer = ask(context, &Target::default(), "agents.delete", params)?;
        answer["transport"] = "gateway".into();
        answer
    } else {
        let counted = Cell::new(0);
        edit(context, &place, |document| {
            counted.set(roster::take_out(document, &agent.id)?);
            Ok(())
        })?;
        let reason =
            "the gateway does not run, so nothing but the configuration was changed; delete it yourself";
        json!({
            "agentId": agent.id, "removedBindings": counted.get(), "removed": [], "transport": "local",
            "failed": [{"path": agent.workspace, "reason": reason}],
        })
    };
    result["workspace"] = json!(agent.workspace);
    context.out.result(&result, || in_words(&agent.id, &result));
    Ok(())
}

fn confirm(context: &Context, id: &str) -> Result<(), Failure> {
    if context.out.is_json() || !std::io::stdin().is_terminal() {
        return Err(Failure::usage(format!(
            "agents delete asks first: found nobody to ask; to delete {id} without being asked, add --force"
        )));
    }
    let question = format!("Delete agent {id} with its bindings, and put its own folder into the trash?");
    match cliclack::confirm(question).initial_value(false).interact() {
        Ok(true) => Ok(()),
        _ => Err(Failure::new(FAILED, "agents.stopped", "nothing was deleted")),
    }
}

fn in_words(id: &str, result: &Value) -> String {
    let done: AgentsDeleteResult = serde_json::from_value(json!({
        "ok": true, "agentId": id, "removedBindings": result["removedBindings"], "removed": result["removed"],
        "failed": result["failed"],
    }))
    .unwrap_or_default();
    let mut text = format!(
        "{} {} and {} of its bindings",
        paint::good("deleted"),
        paint::strong(id),
        done.removed_bindings
    );
    for one in done.removed.unwrap_or_default() {
        text.push_str(&format!("\n  {} ({})", one.path, one.method));
    }
    for one in done.failed.unwrap_or_default() {
        text.push_str(&format!("\n  {} stays: {}", one.path, one.reason));
    }
    text
}
