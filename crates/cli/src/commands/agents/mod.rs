//! `bulkhead agents …`: the roster of the configuration; a running gateway follows.

mod add;
mod bind;
mod delete;
mod identity;
mod list;

use bulkhead_gateway::roster::{Listed, listed};
use bulkhead_profile::Place;

use super::DONE;
use crate::context::{Context, config};
use crate::error::Failure;
use crate::grammar::agents::{AgentsArgs, AgentsCommand};

pub fn run(args: AgentsArgs, context: &Context) -> Result<u8, Failure> {
    match args.command.unwrap_or(AgentsCommand::List { bindings: false }) {
        AgentsCommand::List { bindings } => list::run(context, bindings),
        AgentsCommand::Add(args) => add::run(context, args),
        AgentsCommand::Delete { id, force } => delete::run(context, &id, force),
        AgentsCommand::SetIdentity(args) => identity::run(context, &args),
        AgentsCommand::Bindings { agent } => bind::show(context, agent.as_deref()),
        AgentsCommand::Bind { agent, bind } => bind::bind(context, agent.as_deref(), &bind),
        AgentsCommand::Unbind { agent, bind, all } => bind::unbind(context, agent.as_deref(), &bind, all),
    }
    .map(|()| DONE)
}

/// The agents of the configuration in use.
fn agents(context: &Context, place: &Place) -> Result<Vec<Listed>, Failure> {
    Ok(listed(config(place)?, place, &context.env))
}

/// One of them; without a name the default one.
fn agent(agents: &[Listed], id: Option<&str>) -> Result<Listed, Failure> {
    let found =
        agents.iter().find(|agent| id.map_or(agent.is_default, |id| agent.id.eq_ignore_ascii_case(id)));
    found.cloned().ok_or_else(|| {
        let known: Vec<&str> = agents.iter().map(|agent| agent.id.as_str()).collect();
        Failure::usage(format!(
            "no agent {:?} is configured: expected one of {}; see `bulkhead agents list`",
            id.unwrap_or_default(),
            known.join(", ")
        ))
    })
}
