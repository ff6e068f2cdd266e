//! `bulkhead agents list`

use bulkhead_config::ConfigStore;
use bulkhead_gateway::roster::{Listed, bindings};
use serde_json::{Value, json};

use crate::context::Context;
use crate::error::Failure;
use crate::output::table;

pub(super) fn run(context: &Context, with_bindings: bool) -> Result<(), Failure> {
    let place = context.place()?;
    let agents = super::agents(context, &place)?;
    let routes = bindings::routes(&ConfigStore::new(&place).load()?.document);
    let of = |agent: &Listed| -> Vec<String> {
        let own = routes.iter().filter(|(_, owner, _)| *owner == agent.id);
        own.map(|(_, _, matching)| bindings::described(matching)).collect()
    };
    let rows: Vec<Value> = agents.iter().map(|agent| row(agent, &of(agent), with_bindings)).collect();
    context.out.result(&rows, || {
        let mut text = table::rows(
            ["agent", "name", "model", "bindings", "workspace"],
            agents.iter().map(|agent| {
                [
                    if agent.is_default { format!("{} (default)", agent.id) } else { agent.id.clone() },
                    goes_by(agent),
                    agent.model.clone().unwrap_or_else(|| "-".to_owned()),
                    of(agent).len().to_string(),
                    agent.workspace.display().to_string(),
                ]
            }),
        );
        for agent in agents.iter().filter(|_| with_bindings) {
            for binding in of(agent) {
                text.push_str(&format!("\n{} answers {binding}", agent.id));
            }
        }
        text
    });
    Ok(())
}

fn goes_by(agent: &Listed) -> String {
    let name = agent.identity.name.as_deref().unwrap_or(&agent.name);
    agent.identity.emoji.as_ref().map_or_else(|| name.to_owned(), |emoji| format!("{emoji} {name}"))
}

fn row(agent: &Listed, bound: &[String], with_bindings: bool) -> Value {
    let mut row = json!({
        "id": agent.id, "name": agent.name, "workspace": agent.workspace, "bindings": bound.len(),
        "isDefault": agent.is_default,
        "identitySource": if agent.named_in_workspace { "identity" } else { "config" },
    });
    for (key, value) in [
        ("identityName", &agent.identity.name),
        ("identityEmoji", &agent.identity.emoji),
        ("model", &agent.model),
    ] {
        if let Some(value) = value {
            row[key] = value.as_str().into();
        }
    }
    if with_bindings {
        row["bindingDetails"] = bound.into();
        row["routes"] = match (bound, agent.is_default) {
            ([], true) => json!(["default (no explicit rules)"]),
            (bound, _) => bound.into(),
        };
    }
    row
}
