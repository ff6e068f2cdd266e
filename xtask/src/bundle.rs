//! Installable packages by Tauri's bundler. The gateway goes in as the app's sidecar.

use crate::{build, packages, tools};
use anyhow::{Context, Result};

/// Which packages.
#[derive(clap::Args)]
pub struct Args {
    /// Kinds, separated by commas: deb, rpm, appimage, app, dmg, nsis.
    #[arg(long, default_value = default_bundles())]
    bundles: String,
    /// Install missing system packages without asking.
    #[arg(long)]
    yes: bool,
}

const fn default_bundles() -> &'static str {
    if cfg!(target_os = "macos") {
        "app,dmg"
    } else if cfg!(windows) {
        "nsis"
    } else {
        "deb,rpm"
    }
}

pub fn run(args: &Args) -> Result<()> {
    packages::ensure(&[packages::GATEWAY, packages::APP], args.yes)?;
    build::gateway(true, args.yes)?;
    build::app(true, args.yes)?;
    // Tauri takes sidecars by target triple and puts them in under their plain name.
    let folder = tools::root().join("src-tauri/binaries");
    std::fs::create_dir_all(&folder)?;
    let name = format!("bulkhead-{}{}", host_triple()?, std::env::consts::EXE_SUFFIX);
    std::fs::copy(build::program("bulkhead", true), folder.join(&name))
        .with_context(|| format!("could not copy the gateway to {}", folder.join(&name).display()))?;
    tools::step(
        "bundling",
        std::process::Command::new(if cfg!(windows) { "npx.cmd" } else { "npx" })
            .args(["--yes", "@tauri-apps/cli@2", "bundle", "--config", "tauri.bundle.conf.json", "--bundles"])
            .arg(&args.bundles)
            .current_dir(tools::root().join("src-tauri")),
    )
}

fn host_triple() -> Result<String> {
    let out = std::process::Command::new("rustc").arg("-vV").output().context("could not run rustc")?;
    String::from_utf8_lossy(&out.stdout)
        .lines()
        .find_map(|line| line.strip_prefix("host: ").map(str::to_owned))
        .context("rustc -vV names no host")
}
