//! `cargo xtask test`: what `.ci/run` calls. Installs what the tests need, then runs everything.

use crate::{build, packages, tools, torture, ui};
use anyhow::Result;

/// What to run.
#[derive(clap::Args)]
pub struct Args {
    /// Install missing system packages without asking.
    #[arg(long)]
    yes: bool,
    /// Skip format, lint and UI tests: only the Rust tests.
    #[arg(long)]
    quick: bool,
    /// Only tests whose name contains this.
    filter: Option<String>,
}

pub fn run(args: &Args) -> Result<()> {
    packages::ensure(&[packages::GATEWAY, packages::APP, packages::TESTS], args.yes)?;
    let root = tools::root();
    ui::build()?;
    ui::install(&root.join("tests/node"))?;
    if !args.quick {
        tools::step("checking the format", tools::cargo().args(["fmt", "--all", "--check"]))?;
        tools::step(
            "linting",
            tools::cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
        )?;
        tools::step(
            "checking the web UI's types",
            ui::npm().args(["run", "check"]).current_dir(root.join("ui")),
        )?;
        tools::step("testing the web UI", ui::npm().args(["test"]).current_dir(root.join("ui")))?;
    }
    // End-to-end tests start the programs from the target folder, so these must be as new as the tests.
    build::gateway(false, args.yes)?;
    build::app(false, args.yes)?;
    torture::programs()?;
    let mut command = tools::cargo();
    if tools::has("cargo-nextest") {
        command.args(["nextest", "run", "--workspace", "--no-fail-fast"]);
    } else {
        command.args(["test", "--workspace", "--no-fail-fast"]);
    }
    if let Some(filter) = &args.filter {
        command.arg(filter);
    }
    tools::step("testing", &mut command)
}
