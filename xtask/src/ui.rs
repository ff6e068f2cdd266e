//! The web UI: npm packages and the Vite build, each skipped when nothing it reads has changed.

use crate::{licences, packages, tools};
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds `ui/dist` if it is older than what it is made of.
pub fn build() -> Result<()> {
    packages::require_node()?;
    let ui = tools::root().join("ui");
    install(&ui)?;
    licences::write_for_ui()?;
    let files = ["index.html", "package.json", "vite.config.ts", "vite.a2ui.config.ts"];
    let sources = digest(&ui, &[["src", "public", "messages"].as_slice(), &files].concat())?;
    if ui.join("dist/index.html").is_file() && stamp_matches(&ui, "build", &sources) {
        return Ok(());
    }
    tools::step("building the web UI", npm().args(["run", "build"]).current_dir(&ui))?;
    write_stamp(&ui, "build", &sources)
}

/// `npm ci` where the lock file differs from what is installed.
pub fn install(folder: &Path) -> Result<()> {
    let lock = digest(folder, &["package-lock.json"])?;
    if folder.join("node_modules").is_dir() && stamp_matches(folder, "install", &lock) {
        return Ok(());
    }
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    tools::step(
        &format!("installing npm packages of {name}"),
        npm().args(["ci", "--no-audit", "--no-fund"]).current_dir(folder),
    )?;
    write_stamp(folder, "install", &lock)
}

/// npm as this system calls it.
pub fn npm() -> Command {
    Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" })
}

fn stamp_path(folder: &Path, what: &str) -> PathBuf {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    tools::target_dir().join("xtask").join(format!("{name}.{what}"))
}

fn stamp_matches(folder: &Path, what: &str, digest: &str) -> bool {
    std::fs::read_to_string(stamp_path(folder, what)).is_ok_and(|found| found == digest)
}

fn write_stamp(folder: &Path, what: &str, digest: &str) -> Result<()> {
    let path = stamp_path(folder, what);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::write(&path, digest).with_context(|| format!("could not write {}", path.display()))
}

fn digest(folder: &Path, parts: &[&str]) -> Result<String> {
    let mut hash = Sha256::new();
    for part in parts {
        add(&mut hash, &folder.join(part))?;
    }
    Ok(hex::encode(hash.finalize()))
}

fn add(hash: &mut Sha256, path: &Path) -> Result<()> {
    if path.is_dir() {
        let mut entries: Vec<PathBuf> =
            std::fs::read_dir(path)?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
        entries.sort();
        for entry in entries {
            add(hash, &entry)?;
        }
    } else if path.is_file() {
        hash.update(path.to_string_lossy().as_bytes());
        hash.update(std::fs::read(path).with_context(|| format!("could not read {}", path.display()))?);
    }
    Ok(())
}
