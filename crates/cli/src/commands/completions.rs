//! `bulkhead completions SHELL`

use clap::CommandFactory as _;

use super::DONE;
use crate::context::Context;
use crate::grammar::Cli;
use crate::grammar::simple::CompletionsArgs;

pub fn run(args: &CompletionsArgs, context: &Context) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "bulkhead", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    let value = serde_json::json!({ "shell": args.shell.to_string(), "script": script });
    context.out.result(&value, || script.clone());
    DONE
}
