//! Building the three parts in their order: the web UI is embedded in the gateway, the gateway lies beside the app.

use crate::{packages, tools, ui};
use anyhow::Result;
use std::path::PathBuf;

/// What to build.
#[derive(clap::Args, Clone, Default)]
pub struct Args {
    /// Only the web UI.
    #[arg(long, conflicts_with = "app")]
    ui: bool,
    /// The desktop app too.
    #[arg(long)]
    app: bool,
    /// With optimisation, as it is shipped.
    #[arg(long)]
    release: bool,
    /// Install missing system packages without asking.
    #[arg(long)]
    yes: bool,
}

pub fn run(args: &Args) -> Result<()> {
    if args.ui {
        return ui::build();
    }
    gateway(args.release, args.yes)?;
    if args.app { app(args.release, args.yes) } else { Ok(()) }
}

/// The `bulkhead` binary with the web UI inside.
pub fn gateway(release: bool, yes: bool) -> Result<()> {
    packages::ensure(&[packages::GATEWAY], yes)?;
    ui::build()?;
    cargo_build("bulkhead", "the gateway and command line", release)
}

/// The desktop app. Needs `ui/dist`, and finds the gateway beside itself.
pub fn app(release: bool, yes: bool) -> Result<()> {
    packages::ensure(&[packages::GATEWAY, packages::APP], yes)?;
    cargo_build("bulkhead-app", "the desktop app", release)
}

fn cargo_build(package: &str, what: &str, release: bool) -> Result<()> {
    let mut command = tools::cargo();
    command.args(["build", "--package", package]);
    if release {
        command.arg("--release");
    }
    tools::step(&format!("building {what}"), &mut command)
}

/// Where cargo leaves a program.
pub fn program(name: &str, release: bool) -> PathBuf {
    let profile = if release { "release" } else { "debug" };
    tools::target_dir().join(profile).join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}
