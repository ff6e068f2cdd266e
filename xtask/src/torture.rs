//! `cargo xtask torture`: builds the gateway with its kill points and the program that tortures it, then runs that.

use crate::{build, packages, tools};
use anyhow::Result;

/// How to torture; without flags 500 rounds of every kind.
#[derive(clap::Args)]
pub struct Args {
    /// How many rounds.
    #[arg(long, default_value_t = 500)]
    rounds: usize,
    /// Only rounds of this kind; a wrong name lists them.
    #[arg(long)]
    point: Option<String>,
    /// Where chance begins; the same seed plans the same rounds.
    #[arg(long)]
    seed: Option<u64>,
    /// Rounds that go on side by side.
    #[arg(long)]
    lanes: Option<usize>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
    /// Send answers without the outbox: the verdict must be FAIL then.
    #[arg(long)]
    without_outbox: bool,
    /// Install missing system packages without asking.
    #[arg(long)]
    yes: bool,
}

pub fn run(args: &Args) -> Result<()> {
    packages::ensure(&[packages::GATEWAY, packages::TORTURE], args.yes)?;
    programs()?;
    let mut command = std::process::Command::new(build::program("bulkhead-torture-rounds", false));
    command.args(["--rounds", &args.rounds.to_string()]);
    if let Some(point) = &args.point {
        command.args(["--point", point]);
    }
    if let Some(seed) = args.seed {
        command.args(["--seed", &seed.to_string()]);
    }
    if let Some(lanes) = args.lanes {
        command.args(["--lanes", &lanes.to_string()]);
    }
    if args.json {
        command.arg("--json");
    }
    if args.without_outbox {
        command.arg("--without-outbox");
    }
    command.arg("--evidence").arg(tools::target_dir().join("torture"));
    tools::step("torturing", &mut command)
}

/// The two programs, beside the others in cargo's target folder.
pub fn programs() -> Result<()> {
    tools::step(
        "building the gateway with its kill points",
        tools::cargo().args([
            "build",
            "--package",
            "bulkhead",
            "--bin",
            "bulkhead-torture",
            "--features",
            "kill-points",
        ]),
    )?;
    tools::step(
        "building the torture",
        tools::cargo().args(["build", "--package", "bulkhead-torture-rounds"]),
    )
}
