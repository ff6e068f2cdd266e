//! `bulkhead models …`

mod choice;
mod list;
mod probe;

use super::DONE;
use crate::context::Context;
use crate::error::Failure;
use crate::grammar::models::ModelsCommand;

pub fn run(command: ModelsCommand, context: &Context) -> Result<u8, Failure> {
    match command {
        ModelsCommand::List { all, refresh, provider, agent, target } => {
            let asked = list::Asked { all, refresh, provider, agent };
            list::list(context, &target, &asked)?;
        }
        ModelsCommand::Status { agent } => list::status(context, agent.as_deref())?,
        ModelsCommand::Set { model } => choice::set(context, &model)?,
        ModelsCommand::Fallbacks { command } => choice::fallbacks(context, command)?,
        ModelsCommand::Aliases { command } => choice::aliases(context, command)?,
        ModelsCommand::Probe { model } => return probe::probe(context, model.as_deref()),
    }
    Ok(DONE)
}
