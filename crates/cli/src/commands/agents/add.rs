//! `bulkhead agents add`

use std::io::IsTerminal as _;

use bulkhead_gateway::roster::bindings::{self, Bound, Spot};
use bulkhead_gateway::roster::{self, id_of, make_workspace};
use serde_json::{Value, json};

use crate::commands::config::edit;
use crate::context::{Context, config};
use crate::error::{FAILED, Failure};
use crate::grammar::agents::AddArgs;
use crate::output::paint;

pub(super) fn run(context: &Context, args: AddArgs) -> Result<(), Failure> {
    let place = context.place_for_writing()?;
    let agents = super::agents(context, &place)?;
    let known = config(&place)?.config;
    let name = match args.name {
        Some(name) => name.trim().to_owned(),
        None => ask(context, args.non_interactive)?,
    };
    let id = id_of(&name).ok_or_else(|| {
        Failure::usage(format!(
            "the name {name:?} has no letters or digits to make an id of; expected some of a-z and 0-9"
        ))
    })?;
    if agents.iter().any(|agent| agent.id.eq_ignore_ascii_case(&id)) {
        return Err(Failure::usage(format!(
            "agent {id:?} is there already: expected a new name; see `bulkhead agents list`"
        )));
    }
    if let Some(model) = &args.model
        && model.split_once('/').is_none_or(|(provider, name)| provider.is_empty() || name.is_empty())
    {
        return Err(Failure::usage(format!(
            "--model: found {model:?}, expected provider/model, as `bulkhead models list` shows them"
        )));
    }
    let spots = spots(&args.bind, &known)?;
    let workspace = match &args.workspace {
        Some(path) => std::path::absolute(context.env.expand(&path.to_string_lossy()))
            .map_err(|error| Failure::usage(format!("--workspace: {}: {error}", path.display())))?,
        None => place.agent_workspace(&id),
    };
    make_workspace(&place, &context.env, &workspace)
        .map_err(|problem| Failure::failed("agents.workspace", problem))?;
    let default = known.default_agent_id().to_owned();
    let mut entry = json!({"name": name, "workspace": workspace.display().to_string()});
    if let Some(model) = &args.model {
        entry["model"] = model.as_str().into();
    }
    let bound = std::cell::RefCell::new(Bound::default());
    edit(context, &place, |document| {
        roster::add(document, &id, entry.clone(), &default)?;
        *bound.borrow_mut() = bindings::bind(document, &id, &spots)?;
        Ok(())
    })?;
    let bound = bound.into_inner();
    let mut result = json!({
        "agentId": id, "name": name, "workspace": workspace, "bindings": shown(&bound),
    });
    if let Some(model) = &args.model {
        result["model"] = model.as_str().into();
    }
    context.out.result(&result, || {
        let mut text =
            format!("{} {}, works in {}", paint::good("added"), paint::strong(&id), workspace.display());
        text.push_str(&told(&bound));
        text
    });
    if bound.conflicts.is_empty() {
        return Ok(());
    }
    Err(taken(&bound.conflicts))
}

fn ask(context: &Context, silent: bool) -> Result<String, Failure> {
    if silent || context.out.is_json() || !std::io::stdin().is_terminal() {
        return Err(Failure::usage(
            "agents add: found no name and nobody to ask, expected one: bulkhead agents add NAME",
        ));
    }
    let said: String = cliclack::input("What is its name?")
        .interact()
        .map_err(|_| Failure::new(FAILED, "agents.stopped", "nothing was added"))?;
    Ok(said.trim().to_owned())
}

pub(super) fn spots(texts: &[String], known: &bulkhead_config::Config) -> Result<Vec<Spot>, Failure> {
    let parsed = texts.iter().map(|text| Spot::parse(text, known));
    parsed.collect::<Result<_, _>>().map_err(|problem| Failure::usage(format!("--bind: {problem}")))
}

pub(super) fn shown(bound: &Bound) -> Value {
    json!({
        "added": bound.added, "updated": bound.updated, "skipped": bound.skipped, "conflicts": bound.conflicts,
    })
}

pub(super) fn told(bound: &Bound) -> String {
    let mut text = String::new();
    for (what, places) in
        [("answers", &bound.added), ("answers", &bound.updated), ("answered already", &bound.skipped)]
    {
        for place in places {
            text.push_str(&format!("\n  {what} {place}"));
        }
    }
    text
}

/// Places that belong to other agents.
pub(super) fn taken(conflicts: &[String]) -> Failure {
    Failure::failed(
        "agents.bound-elsewhere",
        format!(
            "bound to another agent already: {}; expected a free place; take it from there first with `bulkhead agents unbind`",
            conflicts.join(", ")
        ),
    )
}
