//! `bulkhead channels …`: accounts of messengers.

mod add;
mod control;
mod list;
mod remove;
mod status;

use super::DONE;
use crate::context::Context;
use crate::error::Failure;
use crate::grammar::channels::ChannelsCommand;

pub fn run(command: ChannelsCommand, context: &Context) -> Result<u8, Failure> {
    match command {
        ChannelsCommand::List { all } => list::run(context, all),
        ChannelsCommand::Status { channel, probe, target } => status::run(context, channel, probe, &target),
        ChannelsCommand::Add(args) => add::run(context, &args),
        ChannelsCommand::Remove { account, delete, yes } => remove::run(context, &account, delete, yes),
        ChannelsCommand::Start(args) => control::run(context, "channels.start", &args),
        ChannelsCommand::Stop(args) => control::run(context, "channels.stop", &args),
        ChannelsCommand::Logout(args) => control::run(context, "channels.logout", &args),
        ChannelsCommand::Capabilities { channel } => list::capabilities(context, channel),
    }
    .map(|()| DONE)
}
