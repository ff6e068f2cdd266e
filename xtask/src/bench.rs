//! `cargo xtask bench`: release builds, then every figure beside a baseline of the same run.

use crate::{build, packages, tools};
use anyhow::Result;

/// What to measure; everything after `--` goes to the measuring program.
#[derive(clap::Args)]
pub struct Args {
    /// Only these: startup, memory, rpc, load, status, app, cycles (with `-- --cycles N`), openclaw (needs a real one: `BULKHEAD_TEST_OPENCLAW`).
    #[arg(long)]
    only: Option<String>,
    /// A short run that tries every part; its figures say little.
    #[arg(long)]
    quick: bool,
    /// Fail if a figure misses its limit.
    #[arg(long)]
    require: bool,
    /// Install missing system packages without asking.
    #[arg(long)]
    yes: bool,
    /// Further flags of the measuring program (`--runs N`, `--messages N`, `--load S`, `--settle S`, `--app-runs N`, `--sockets N`, `--cycles N`).
    #[arg(last = true)]
    rest: Vec<String>,
}

pub fn run(args: &Args) -> Result<()> {
    build::gateway(true, args.yes)?;
    let with_app =
        args.only.as_deref().is_none_or(|only| only.split(',').any(|name| matches!(name, "app" | "cycles")));
    if with_app {
        packages::ensure(&[packages::TESTS], args.yes)?;
        build::app(true, args.yes)?;
        tools::step(
            "building the bare window",
            tools::cargo().args([
                "build",
                "--release",
                "-p",
                "bulkhead-app",
                "--bin",
                "bare-window",
                "--features",
                "bare-window",
            ]),
        )?;
    }
    tools::step(
        "building the measuring program",
        tools::cargo().args(["build", "--release", "-p", "bulkhead-bench"]),
    )?;
    let mut command = std::process::Command::new(build::program("bulkhead-bench", true));
    if let Some(only) = &args.only {
        command.args(["--only", only]);
    }
    if args.quick {
        command.args([
            "--runs",
            "3",
            "--settle",
            "2",
            "--messages",
            "5",
            "--load",
            "1",
            "--app-runs",
            "1",
            "--sockets",
            "200",
        ]);
    }
    if args.require {
        command.arg("--require");
    }
    command.arg("--json").arg(tools::target_dir().join("bench.json")).args(&args.rest);
    tools::step("measuring", &mut command)
}
