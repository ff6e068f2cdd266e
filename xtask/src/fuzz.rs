//! `cargo xtask fuzz`: the fuzz targets of `fuzz/`, each for a while.

use crate::tools;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGETS: [&str; 3] = ["frame", "config", "telegram"];
/// Bytes of the longest input that is tried.
const LONGEST: usize = 8192;

/// What to fuzz, and for how long.
#[derive(clap::Args)]
pub struct Args {
    /// Only this target: frame, config, telegram.
    #[arg(value_parser = TARGETS)]
    target: Option<String>,
    /// Minutes per target; 0 only tries what the corpus holds.
    #[arg(long, default_value_t = 60)]
    minutes: u64,
    /// Afterwards take the smallest set of inputs that reaches as much into the corpus.
    #[arg(long)]
    keep: bool,
}

pub fn run(args: &Args) -> Result<()> {
    if !tools::has("cargo-fuzz") {
        tools::step("installing cargo-fuzz", tools::cargo().args(["install", "cargo-fuzz", "--locked"]))?;
    }
    let folder = tools::root().join("fuzz");
    tools::step("building the targets", fuzzer(&folder).args(["build", "--sanitizer", "none"]))?;
    let wanted = TARGETS.iter().filter(|target| args.target.as_deref().is_none_or(|only| only == **target));
    let mut failed = Vec::new();
    for target in wanted {
        if let Err(error) = one(&folder, target, args) {
            eprintln!("{error:#}");
            failed.push(*target);
        }
    }
    if !failed.is_empty() {
        bail!("findings in {}: they are in fuzz/artifacts, one file each", failed.join(", "));
    }
    Ok(())
}

fn one(folder: &Path, target: &str, args: &Args) -> Result<()> {
    let corpus = folder.join("corpus").join(target);
    let found = tools::target_dir().join("fuzz").join(target);
    std::fs::create_dir_all(&found).with_context(|| format!("{} cannot be made", found.display()))?;
    let length = format!("-max_len={LONGEST}");
    let time = format!("-max_total_time={}", args.minutes * 60);
    let mut command = start(folder, target, [&found, &corpus]);
    command.args([length.as_str(), "-timeout=30", "-rss_limit_mb=2048", "-print_final_stats=1"]);
    command.arg(if args.minutes == 0 { "-runs=0" } else { &time });
    tools::step(&format!("fuzzing {target}"), &mut command)?;
    if args.keep {
        let mut command = start(folder, target, [&corpus, &found]);
        command.args(["-set_cover_merge=1", &length]);
        tools::step("keeping what reaches further", &mut command)?;
    }
    Ok(())
}

fn start(folder: &Path, target: &str, corpora: [&PathBuf; 2]) -> Command {
    let mut command = fuzzer(folder);
    command.args(["run", "--sanitizer", "none", target]).args(corpora).arg("--");
    command
}

/// The fuzzer's instrumentation is a flag that a stable compiler takes only when told to.
fn fuzzer(folder: &Path) -> Command {
    let mut command = tools::cargo();
    command.arg("fuzz").current_dir(folder).env("RUSTC_BOOTSTRAP", "1");
    command
}
