//! Which OpenClaw: named, or the only one here.

use std::path::{Path, PathBuf};

use bulkhead_process::ProcessIdentity;
use bulkhead_profile::openclaw::{self, OpenClawInstall};
use bulkhead_profile::{ConfigGlimpse, Finding, files};
use serde_json::Value;

use super::includes;
use crate::event::error;
use crate::world::World;

const CONFIG_NAME: &str = "openclaw.json";

/// Finds the install that is meant. `from` names its state directory or its configuration file.
pub(crate) fn find(from: Option<&str>, world: &World) -> Result<OpenClawInstall, Finding> {
    let mut install = named(from, world)?;
    // Detection looks into one file; what that one includes may name the ports.
    if let Ok(whole) = includes::read(&install.config_path) {
        install.look_again(ConfigGlimpse::of_value(&whole.value));
    }
    Ok(install)
}

fn named(from: Option<&str>, world: &World) -> Result<OpenClawInstall, Finding> {
    if let Some(from) = from {
        let path = world.env.expand(from);
        let config = if path.is_file() { path.clone() } else { path.join(CONFIG_NAME) };
        return openclaw::at(&config).ok_or_else(|| {
            error(
                "openclaw-not-found",
                &[],
                format!("OpenClaw at {}", path.display()),
                format!("no {CONFIG_NAME}"),
                "the folder in which OpenClaw keeps its state, such as ~/.openclaw",
                "name that folder with --from (in a plan: from)",
            )
        });
    }
    let mut found = openclaw::detect(&world.env);
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(error(
            "openclaw-not-found",
            &[],
            "OpenClaw on this machine",
            "none in the home folder",
            "a folder such as ~/.openclaw with openclaw.json in it",
            "name the folder with --from (in a plan: from)",
        )),
        _ => {
            // Without a name, the default profile is meant, as in OpenClaw itself.
            if let Some(at) = found.iter().position(|install| {
                install.profile.is_none() && install.state_dir == world.env.home.join(".openclaw")
            }) {
                return Ok(found.swap_remove(at));
            }
            let dirs: Vec<String> =
                found.iter().map(|install| install.state_dir.display().to_string()).collect();
            Err(error(
                "openclaw-several",
                &[],
                "OpenClaw on this machine",
                format!("several: {}", dirs.join(", ")),
                "one",
                "name one of them with --from (in a plan: from)",
            ))
        }
    }
}

/// Whether its gateway runs: it listens on its port, or its lock names a living process.
pub(crate) fn is_running(install: &OpenClawInstall, world: &World) -> bool {
    world.listening().contains(&install.base_port) || lock_holder(&install.state_dir).is_some()
}

/// The process that holds the state directory, by the lock that OpenClaw writes there.
fn lock_holder(state_dir: &Path) -> Option<u32> {
    let dirs = std::fs::read_dir(state_dir.join("tmp")).ok()?;
    let locks: Vec<PathBuf> = dirs.flatten().map(|dir| dir.path().join("gateway.state.lock")).collect();
    locks.into_iter().find_map(|lock| {
        let text = String::from_utf8(files::read_limited(&lock, 64 * 1024).ok()?).ok()?;
        let content: Value = serde_json::from_str(text.trim()).ok()?;
        let pid = u32::try_from(content.get("pid")?.as_u64()?).ok()?;
        let runs = ProcessIdentity::of(pid).is_ok_and(|process| process.is_alive());
        runs.then_some(pid)
    })
}
