//! The developer's commands: `cargo xtask run` and `cargo xtask test` do all the set-up; `build`, `dev`, `bench` and
//! `bundle` are what they are made of. Nothing here is shipped.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks on its streams")]

mod bench;
mod build;
mod bundle;
mod conformance;
mod dev;
mod fuzz;
mod headless;
mod latest;
mod licences;
mod methods;
mod packages;
mod packaging;
mod run;
mod test;
mod tools;
mod torture;
mod ui;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Set up, run, test and measure Bulkhead.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Set up everything and start the app; without a display, main and rescue in the foreground.
    Run(run::Args),
    /// Install what the tests need and run all of them.
    Test(test::Args),
    /// Rebuild and restart on change.
    Dev(dev::Args),
    /// Build the web UI, the gateway and (with --app) the desktop app.
    Build(build::Args),
    /// Measure release builds, each figure beside a baseline of the same run.
    Bench(bench::Args),
    /// Kill gateways at named points and at random under traffic, and count what is lost or said twice.
    Torture(torture::Args),
    /// Drive the programs of a real OpenClaw (from npm) against our gateway and its own, and compare.
    Conformance(conformance::Args),
    /// Write the page of protocol methods (`docs/protocol-methods.md`) anew from the method table.
    Methods,
    /// Fuzz what comes from outside: frames, configuration, updates of the Bot API.
    Fuzz(fuzz::Args),
    /// Build installable packages of this system.
    Bundle(bundle::Args),
    /// Write `latest.json`, by which installed apps learn of a release, from its signed packages.
    Latest(latest::Args),
    /// Install, run, upgrade and remove the .deb in a bare Debian (needs root and debootstrap).
    Packaging(packaging::Args),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Dev(args) => dev::run(&args),
        Command::Build(args) => build::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Torture(args) => torture::run(&args),
        Command::Conformance(args) => conformance::run(&args),
        Command::Methods => methods::write(),
        Command::Fuzz(args) => fuzz::run(&args),
        Command::Bundle(args) => bundle::run(&args),
        Command::Latest(args) => latest::run(&args),
        Command::Packaging(args) => packaging::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
