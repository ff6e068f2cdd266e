//! The `bulkhead` command: gateway and command line in one binary.
//!
//! `grammar` says what can be typed, `commands` what it does, `output` how it is shown. Nothing else prints.

#![allow(clippy::format_push_string, reason = "a few short texts per run; they read better so")]

mod asking;
mod bots;
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

/// The whole program: reads its arguments, does what they say, and answers with an exit code.
pub fn main() -> ExitCode {
    // Started by ourselves to stand between a gateway and its browser: no grammar, no profile.
    if std::env::args_os().nth(1).is_some_and(|word| word == bulkhead_process::guard::GUARD_ARGUMENT) {
        return bulkhead_process::guard::run();
    }
    let cli = match grammar::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return wrong_words(&error),
    };
    let context = context::Context::new(cli.global);
    match commands::run(cli.command, &context) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            context.out.failure(&failure);
            ExitCode::from(failure.exit)
        }
    }
}

/// Help and version are no errors; wrong words are told as JSON to those who asked for JSON.
fn wrong_words(error: &clap::Error) -> ExitCode {
    let wants_json = std::env::args_os().take_while(|word| word != "--").any(|word| word == "--json");
    if error.use_stderr() && wants_json {
        let text = error.render().to_string();
        let text = text.trim().strip_prefix("error: ").unwrap_or(text.trim());
        output::Output::new(true, true).failure(&error::Failure::usage(text));
        return ExitCode::from(error::USAGE);
    }
    // Printing help into a pipe that was closed is no error either.
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { error::USAGE } else { commands::DONE })
}
