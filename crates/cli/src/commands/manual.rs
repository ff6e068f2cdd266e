//! `bulkhead manual --out FOLDER`

use clap::CommandFactory as _;

use super::DONE;
use crate::context::Context;
use crate::error::Failure;
use crate::grammar::Cli;
use crate::grammar::simple::ManualArgs;

pub fn run(args: &ManualArgs, context: &Context) -> Result<u8, Failure> {
    clap_mangen::generate_to(Cli::command(), &args.out).map_err(|error| {
        Failure::failed(
            "manual-not-written",
            format!(
            "the manual pages cannot be written to {}: {error}; expected a folder that exists and is yours; make it, then repeat this",
            args.out.display()
            ),
        )
    })?;
    let value = serde_json::json!({ "out": args.out });
    context.out.result(&value, || format!("The manual pages are in {}.\n", args.out.display()));
    Ok(DONE)
}
