//! What each command does: one file per command.

pub mod agent;
pub mod agents;
pub mod approvals;
pub mod backup;
pub mod browser;
pub mod channels;
pub mod completions;
pub mod config;
pub mod cron;
pub mod dashboard;
pub mod devices;
pub mod diagnostics;
pub mod doctor;
pub mod gateway;
pub mod health;
pub mod import;
pub mod logs;
pub mod manual;
pub mod message;
pub mod models;
pub mod nodes;
pub mod onboard;
pub mod pairing;
pub mod profiles;
pub mod qr;
pub mod rescue;
pub mod secrets;
pub mod setup;
pub mod skills;
pub mod status;
pub mod system;
pub mod tasks;
pub mod uninstall;

use crate::context::Context;
use crate::error::Failure;
use crate::grammar::Command;

/// The exit code of a command that did what it was asked for.
pub const DONE: u8 = 0;

/// Does what was asked for and says with which exit code to end.
pub fn run(command: Command, context: &Context) -> Result<u8, Failure> {
    match command {
        Command::Onboard(args) => onboard::run(&args, context),
        Command::Setup(args) => setup::run(args, context),
        Command::Import(args) => import::run(&args, context),
        Command::Gateway(args) => gateway::run(*args, context),
        Command::Status(args) => status::run(&args, context),
        Command::Health(args) => health::run(&args, context),
        Command::Logs(args) => logs::run(&args, context),
        Command::Doctor(args) => doctor::run(&args, context),
        Command::Diagnostics(args) => diagnostics::run(&args, context),
        Command::Backup(args) => backup::run(&args.command, context),
        Command::Profiles(args) => profiles::run(args.command, context),
        Command::Config(args) => config::run(args.command, context),
        Command::Secrets(args) => secrets::run(args.command, context),
        Command::Pairing(args) => pairing::run(args.command, context),
        Command::Approvals(args) => approvals::run(args.command, context),
        Command::Tasks(args) => tasks::run(args.command, context),
        Command::Devices(args) => devices::run(args, context),
        Command::Nodes(args) => nodes::run(args, context),
        Command::Qr(args) => qr::run(&args, context),
        Command::Agent(args) => agent::run(&args, context),
        Command::Agents(args) => agents::run(args, context),
        Command::Models(args) => models::run(args.command, context),
        Command::Skills(args) => skills::run(args.command, context),
        Command::Channels(args) => channels::run(args.command, context),
        Command::Message(args) => message::run(args.command, context),
        Command::Cron(args) => cron::run(args.command, context),
        Command::System(args) => system::run(args.command, context),
        Command::Browser(args) => browser::run(&args, context),
        Command::Rescue(args) => rescue::run(args, context),
        Command::Dashboard(args) => dashboard::run(&args, context),
        Command::Uninstall(args) => uninstall::run(&args, context),
        Command::Completions(args) => Ok(completions::run(&args, context)),
        Command::Manual(args) => manual::run(&args, context),
    }
}
