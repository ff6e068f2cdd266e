//! Installable packages by Tauri's bundler. The gateway goes in as the app's sidecar.

mod share;

use crate::{build, packages, tools};
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::Command;

/// The variable with the key that updates are checked against. The other half of the pair signs them, and is only known
/// to whoever releases (`TAURI_SIGNING_PRIVATE_KEY`).
const PUBLIC_KEY: &str = "BULKHEAD_UPDATER_PUBKEY";
/// Tauri's bundler, from npm; a major version.
const BUNDLER: &str = "@tauri-apps/cli@2";

/// Which packages.
#[derive(clap::Args)]
pub struct Args {
    /// Kinds, separated by commas: deb, rpm, appimage, app, dmg, nsis.
    #[arg(long, default_value = default_bundles())]
    bundles: String,
    /// The version that the packages get; the programs say their own all the same. For trying an upgrade.
    #[arg(long)]
    package_version: Option<String>,
    /// Pack what was built before.
    #[arg(long)]
    no_build: bool,
    /// Pack the development build: quick to make, and large.
    #[arg(long)]
    debug: bool,
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
    if !args.no_build {
        packages::ensure(&[packages::GATEWAY, packages::APP], args.yes)?;
        build::gateway(!args.debug, args.yes)?;
        build::app(!args.debug, args.yes)?;
    }
    // Tauri takes sidecars by target triple and puts them in under their plain name.
    let folder = tools::root().join("src-tauri/binaries");
    std::fs::create_dir_all(&folder)?;
    let gateway = build::program("bulkhead", !args.debug);
    let name = format!("bulkhead-{}{}", tools::host_triple()?, std::env::consts::EXE_SUFFIX);
    std::fs::copy(&gateway, folder.join(&name))
        .with_context(|| format!("could not copy the gateway to {}", folder.join(&name).display()))?;
    let version = args.package_version.as_deref().unwrap_or(env!("CARGO_PKG_VERSION"));
    share::write(&folder.join("share"), &gateway, version)?;
    let mut bundler = Command::new(if cfg!(windows) { "npx.cmd" } else { "npx" });
    // A secret that a workflow does not have is an empty variable, which the bundler takes for a bad one.
    for (name, value) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if value.is_empty() && (text.starts_with("APPLE_") || text.starts_with("TAURI_")) {
            bundler.env_remove(&name);
        }
    }
    tools::step(
        "bundling",
        bundler
            .args(["--yes", BUNDLER, "bundle", "--config", "tauri.bundle.conf.json"])
            .args(["--config", &overrides(version)?.to_string(), "--bundles", &args.bundles])
            .args(args.debug.then_some("--debug"))
            .current_dir(tools::root().join("src-tauri")),
    )?;
    for path in made(if args.debug { "debug" } else { "release" }, version)? {
        eprintln!("  {}", path.display());
    }
    Ok(())
}

/// What only this run knows: the version, and whether what it makes can be an update.
fn overrides(version: &str) -> Result<serde_json::Value> {
    let key = std::env::var(PUBLIC_KEY).unwrap_or_default();
    let signs = std::env::var_os("TAURI_SIGNING_PRIVATE_KEY").is_some_and(|key| !key.is_empty());
    if signs && key.is_empty() {
        bail!(
            "TAURI_SIGNING_PRIVATE_KEY is set and {PUBLIC_KEY} is not; the packages would refuse the updates that are signed here. Set both, see CONTRIBUTING.md, Releases"
        );
    }
    let mut config = serde_json::json!({ "version": version, "bundle": { "createUpdaterArtifacts": signs } });
    if !key.is_empty() {
        config["plugins"] = serde_json::json!({ "updater": { "pubkey": key } });
    }
    Ok(config)
}

/// The packages of this version.
fn made(profile: &str, version: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let folder = tools::target_dir().join(profile).join("bundle");
    for kind in std::fs::read_dir(&folder).with_context(|| format!("nothing in {}", folder.display()))? {
        let kind = kind?.path();
        if !kind.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(kind)? {
            let file = file?.path();
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if file.is_file() && name.contains(version) {
                found.push(file);
            }
        }
    }
    found.sort();
    Ok(found)
}
