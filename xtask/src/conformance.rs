//! `cargo xtask conformance`: installs a real OpenClaw from npm (or takes an installed one) and drives its command line, its
//! terminal UI and its Control UI against our gateway; answers are compared with those of its own gateway.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::{build, packages, tools, ui};

/// What is measured against; the recordings of the protocol are of the same version.
const OPENCLAW: &str = "openclaw@2026.9.6";
const NODE: &str = "node@24";

/// What to run.
#[derive(clap::Args)]
pub struct Args {
    /// Install missing system packages without asking.
    #[arg(long)]
    yes: bool,
    /// Only tests whose name contains this: `commands`, `tui`, `control_ui`, `official`.
    filter: Option<String>,
}

pub fn run(args: &Args) -> Result<()> {
    packages::ensure(&[packages::GATEWAY, packages::TESTS], args.yes)?;
    let root = tools::root();
    ui::install(&root.join("tests/node"))?;
    let openclaw = installed()?;
    build::gateway(false, args.yes)?;
    let mut command = tools::cargo();
    command.args(["test", "--package", "bulkhead-tests", "--test", "conformance", "--"]);
    command.args(["--include-ignored", "--nocapture", "--test-threads", "1"]).args(&args.filter);
    command.env("BULKHEAD_TEST_OPENCLAW", openclaw);
    tools::step("driving OpenClaw's programs against both gateways", &mut command)
}

/// The folder of an installed OpenClaw: the one that `BULKHEAD_TEST_OPENCLAW` names, else one in `target/conformance`, which is
/// made anew unless it was finished with these versions.
fn installed() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os("BULKHEAD_TEST_OPENCLAW") {
        return Ok(folder.into());
    }
    let folder = tools::root().join("target/conformance");
    let (stamp, versions) = (folder.join("installed"), format!("{NODE} {OPENCLAW}"));
    if std::fs::read_to_string(&stamp).is_ok_and(|found| found == versions) {
        return Ok(folder);
    }
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    // A folder of its own, so that npm does not look for one above.
    std::fs::write(folder.join("package.json"), "{ \"private\": true }\n")?;
    tools::step("installing Node for OpenClaw", ui::npm().args(["install", NODE]).current_dir(&folder))?;
    let node = folder.join("node_modules/node");
    if !node.join("bin/node").is_file() {
        // An npm that runs no scripts of packages: this one puts the program where it belongs.
        let mut place = Command::new("node");
        place.arg("installArchSpecificPackage.js").current_dir(&node);
        tools::step("putting Node in its place", &mut place)?;
    }
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", node.join("bin").display());
    let mut install = ui::npm();
    install.args(["install", "--ignore-scripts", OPENCLAW]).current_dir(&folder).env("PATH", path);
    tools::step("installing OpenClaw", &mut install)?;
    let openclaw = folder.join("node_modules/openclaw/openclaw.mjs");
    ensure!(openclaw.is_file(), "npm installed no {}: see what it said above", openclaw.display());
    std::fs::write(stamp, versions)?;
    Ok(folder)
}
