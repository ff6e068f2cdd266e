//! The `bulkhead` command: gateway and command line in one binary.
//!
//! `grammar` says what can be typed, `commands` what it does, `output` how it is shown. Nothing else prints.

#![allow(clippy::format_push_string, reason = "a few short texts per run; they read better so")]

mod asking;
mod commands;
mod context;
mod error;
mod grammar;
mod http;
mod isolation;
mod output;
mod text_input;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let cli = grammar::Cli::parse();
    let context = context::Context::new(cli.global);
    match commands::run(cli.command, &context) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            context.out.failure(&failure);
            ExitCode::from(failure.exit)
        }
    }
}
