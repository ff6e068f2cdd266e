//! `bulkhead gateway run`: one gateway, here in the foreground.

use bulkhead_gateway::{RunOptions, run_blocking};

use crate::context::Context;
use crate::error::Failure;
use crate::grammar::gateway::RunArgs;

pub fn run(args: &RunArgs, context: &Context) -> Result<u8, Failure> {
    let token = args.token.as_ref().map(|token| token.read("--token")).transpose()?;
    let mut options = RunOptions::new(context.place()?, context.env.clone());
    options.port = args.port;
    options.bind = args.bind.map(|bind| bind.as_str().to_owned());
    options.token = token;
    options.force = args.force;
    options.verbose = args.verbose;
    options.allow_unconfigured = args.allow_unconfigured;
    options.sidecar = args.sidecar;
    options.json = context.out.is_json();
    options.safe_mode = args.safe;
    options.last_good = args.last_good;
    Ok(run_blocking(options)?.exit_code())
}
