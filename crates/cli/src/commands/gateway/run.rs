//! `bulkhead gateway run`: one gateway, here in the foreground.

use std::sync::Arc;

use bulkhead_gateway::{RunOptions, run_blocking};

use crate::context::Context;
use crate::error::Failure;
use crate::grammar::gateway::RunArgs;

pub fn run(args: &RunArgs, context: &Context) -> Result<u8, Failure> {
    let token = args.token.as_ref().map(|token| token.read("--token")).transpose()?;
    let options = RunOptions {
        place: context.place()?,
        environment: Arc::new(context.env.clone()),
        port: args.port,
        bind: args.bind.map(|bind| bind.as_str().to_owned()),
        token,
        force: args.force,
        verbose: args.verbose,
        allow_unconfigured: args.allow_unconfigured,
        sidecar: args.sidecar,
        safe_mode: args.safe,
        last_good: args.last_good,
    };
    Ok(run_blocking(options)?.exit_code())
}
