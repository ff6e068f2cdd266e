//! `cargo xtask run`: from a fresh clone to something that runs.

use crate::{build, headless};
use anyhow::{Context, Result, bail};
use std::process::Command;

/// How to run.
#[derive(clap::Args)]
pub struct Args {
    /// No window: create main and rescue if there are none, run both in the foreground.
    #[arg(long)]
    headless: bool,
    /// Install missing system packages without asking.
    #[arg(long)]
    yes: bool,
    /// Build with optimisation, as it is shipped.
    #[arg(long)]
    release: bool,
    #[command(flatten)]
    profiles: headless::Profiles,
}

pub fn run(args: &Args) -> Result<()> {
    build::gateway(args.release, args.yes)?;
    if args.headless || !has_display() {
        if !args.headless {
            eprintln!("No display here (neither DISPLAY nor WAYLAND_DISPLAY): running without a window.");
        }
        return headless::run(&args.profiles, &build::program("bulkhead", args.release));
    }
    build::app(args.release, args.yes)?;
    let app = build::program("bulkhead-app", args.release);
    eprintln!("▸ starting the app (close it from its tray menu, or Ctrl-C here)");
    let status = Command::new(&app).status().with_context(|| format!("could not start {}", app.display()))?;
    if !status.success() {
        bail!("the app ended with {status}; its log says why: run `{} --verbose`", app.display());
    }
    Ok(())
}

/// Whether a window can be shown.
pub fn has_display() -> bool {
    if cfg!(target_os = "linux") {
        ["DISPLAY", "WAYLAND_DISPLAY"]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
    } else {
        true
    }
}
