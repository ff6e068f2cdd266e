//! The official client from npm, driven by small scripts in `tests/node`.

use crate::{programs, world::World};
use std::process::Command;

/// Runs a script of `tests/node` in a world.
pub fn script(world: &World, name: &str, args: &[&str]) -> Command {
    let folder = programs::checkout().join("tests/node");
    assert!(
        folder.join("node_modules/@openclaw/gateway-client").is_dir(),
        "the official client is not installed: run `cargo xtask test`, or `npm ci` in tests/node"
    );
    let mut command = world.command("node");
    command.arg(folder.join(name)).args(args).current_dir(folder);
    command
}
