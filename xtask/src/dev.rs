//! `cargo xtask dev`: rebuild and restart on change.

use crate::{build, run, tools};
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, SystemTime};

/// What to watch and start.
#[derive(clap::Args)]
pub struct Args {
    /// The gateway of the profile `dev` instead of the app.
    #[arg(long)]
    gateway: bool,
    /// Install missing system packages without asking.
    #[arg(long)]
    yes: bool,
}

pub fn run(args: &Args) -> Result<()> {
    let gateway_only = args.gateway || !run::has_display();
    let mut seen = BTreeMap::new();
    let mut child: Option<Child> = None;
    loop {
        let now = snapshot()?;
        if now != seen {
            seen = now;
            if let Err(error) = rebuild(gateway_only, args.yes) {
                eprintln!("{error:#}\n  waiting for the next change");
            } else {
                if let Some(mut old) = child.take() {
                    stop(&mut old);
                }
                child = Some(start(gateway_only)?);
            }
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

fn rebuild(gateway_only: bool, yes: bool) -> Result<()> {
    build::gateway(false, yes)?;
    if gateway_only { Ok(()) } else { build::app(false, yes) }
}

fn start(gateway_only: bool) -> Result<Child> {
    let program = build::program(if gateway_only { "bulkhead" } else { "bulkhead-app" }, false);
    let mut command = Command::new(&program);
    if gateway_only {
        command.args(["--dev", "gateway", "run", "--allow-unconfigured", "--verbose"]);
    }
    command.spawn().with_context(|| format!("could not start {}", program.display()))
}

/// Asks first (the gateway drains), insists after that.
fn stop(child: &mut Child) {
    if cfg!(unix) {
        let _ = Command::new("kill").arg(child.id().to_string()).status();
        for _ in 0..50 {
            if matches!(child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    let _ = child.kill();
    let _ = child.wait();
}

fn snapshot() -> Result<BTreeMap<PathBuf, SystemTime>> {
    let mut files = BTreeMap::new();
    for folder in ["crates", "src-tauri/src", "ui/src", "Cargo.toml"] {
        collect(&tools::root().join(folder), &mut files)?;
    }
    Ok(files)
}

fn collect(path: &Path, files: &mut BTreeMap<PathBuf, SystemTime>) -> Result<()> {
    if path.is_dir() {
        for entry in std::fs::read_dir(path)? {
            collect(&entry?.path(), files)?;
        }
    } else if let Ok(meta) = path.metadata() {
        files.insert(path.to_path_buf(), meta.modified()?);
    }
    Ok(())
}
