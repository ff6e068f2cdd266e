//! `bulkhead gateway …`

mod ask;
mod call;
mod control;
mod fingerprint;
mod identities;
pub mod install;
mod notify;
pub mod owned;
mod probe;
mod run;
mod sight;
mod status;
mod supervise;
mod tunnel;

pub use control::start_service;
pub use sight::is_locked;

use crate::context::Context;
use crate::error::Failure;
use crate::grammar::gateway::{GatewayArgs, GatewayCommand};

pub fn run(args: GatewayArgs, context: &Context) -> Result<u8, Failure> {
    let Some(command) = args.command else { return run::run(&args.run, context) };
    if let Some(flag) = args.run.given() {
        return Err(Failure::usage(format!(
            "{flag} stands before the subcommand: found it between `gateway` and the subcommand, expected it behind; write \
             `bulkhead gateway SUBCOMMAND {flag} …`, or leave the subcommand out to run the gateway"
        )));
    }
    match command {
        GatewayCommand::Run(args) => run::run(&args, context),
        GatewayCommand::Supervise(args) => supervise::run(&args, context),
        GatewayCommand::Status(args) => status::run(&args, context),
        GatewayCommand::Health(args) => super::health::run(&args, context),
        GatewayCommand::Probe(args) => probe::run(&args, context),
        GatewayCommand::Fingerprint => fingerprint::run(context),
        GatewayCommand::Call(args) => call::run(&args, context),
        GatewayCommand::Start => control::start(context),
        GatewayCommand::Install(args) => install::run(&args, context),
        GatewayCommand::Uninstall(args) => install::uninstall(&args, context),
        GatewayCommand::Stop(args) => control::stop(&args, context),
        GatewayCommand::Restart => control::restart(context),
    }
}
