//! A real OpenClaw from npm, for tests that are run where one is installed:
//!
//! ```text
//! mkdir openclaw && cd openclaw
//! npm install node@24 && PATH="$PWD/node_modules/node/bin:$PATH" npm install openclaw@2026.9.6
//! BULKHEAD_TEST_OPENCLAW=$PWD cargo nextest run -p bulkhead-tests --run-ignored all -E 'test(real_openclaw)'
//! ```

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::world::text;
use crate::{Running, World};

/// The model key that [`OpenClaw::onboard`] gives it stands in its configuration as plain text, as people have it.
pub struct OpenClaw {
    folder: PathBuf,
}

impl OpenClaw {
    /// The one that `BULKHEAD_TEST_OPENCLAW` names.
    pub fn installed() -> Self {
        let folder = std::env::var_os("BULKHEAD_TEST_OPENCLAW").map(PathBuf::from);
        let folder = folder
            .expect("BULKHEAD_TEST_OPENCLAW names the folder that openclaw and node@24 were installed in");
        assert!(
            folder.join("node_modules/openclaw/openclaw.mjs").is_file(),
            "no openclaw in {}",
            folder.display()
        );
        Self { folder }
    }

    /// The Node that it was installed with.
    pub fn node(&self) -> PathBuf {
        self.folder.join("node_modules/node/bin/node")
    }

    /// Its package.
    pub fn package(&self) -> PathBuf {
        self.folder.join("node_modules/openclaw")
    }

    /// One of its commands, in the home of a world.
    pub fn command(&self, world: &World, args: &[&str]) -> Command {
        let node = self.folder.join("node_modules/node/bin");
        let mut command = world.command(node.join("node"));
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", node.display()));
        command.env("OPENCLAW_DISABLE_BONJOUR", "1").env("OPENCLAW_NO_AUTO_UPDATE", "1");
        command.arg(self.folder.join("node_modules/openclaw/openclaw.mjs")).args(args);
        command
    }

    /// Runs one of its commands to its end.
    pub fn run(&self, world: &World, args: &[&str]) {
        let out = self.command(world, args).output().expect("node starts");
        assert!(out.status.success(), "openclaw {args:?}: {}", text(&out));
    }

    /// Sets it up as a person would, and gives it a bot.
    pub fn onboard(&self, world: &World, port: u16, token: &str, model: (&str, &str), bot: (&str, &str)) {
        let port = port.to_string();
        self.run(
            world,
            &[
                "onboard",
                "--non-interactive",
                "--accept-risk",
                "--auth-choice",
                "custom-api-key",
                "--custom-base-url",
                model.0,
                "--custom-api-key",
                model.1,
                "--custom-model-id",
                "fake-1",
                "--custom-provider-id",
                "fakes",
                "--gateway-port",
                &port,
                "--gateway-bind",
                "loopback",
                "--gateway-auth",
                "token",
                "--gateway-token",
                token,
                "--no-install-daemon",
                "--skip-health",
                "--skip-channels",
                "--skip-skills",
                "--skip-search",
                "--skip-hooks",
                "--skip-ui",
            ],
        );
        self.edit(world, |config| {
            config["channels"]["telegram"] =
                json!({ "enabled": true, "botToken": bot.0, "apiRoot": bot.1, "dmPolicy": "pairing", "allowFrom": [424_242] });
        });
    }

    /// Changes its configuration as an editor would.
    pub fn edit(&self, world: &World, change: impl FnOnce(&mut Value)) {
        let path = state_dir(world).join("openclaw.json");
        let mut config: Value =
            serde_json::from_slice(&std::fs::read(&path).expect("its configuration")).expect("JSON");
        change(&mut config);
        std::fs::write(path, format!("{config:#}\n")).expect("written");
    }

    /// Starts its gateway and waits until it is ready.
    pub fn start(&self, world: &World) -> Running {
        let mut gateway = Running::start(self.command(world, &["gateway"]));
        gateway.wait_for("[heartbeat]");
        gateway
    }
}

/// Its state directory in a world.
pub fn state_dir(world: &World) -> PathBuf {
    world.path(".openclaw")
}

/// Every file below a folder with its content, its time and its mode.
pub fn tree(root: &Path) -> Vec<(PathBuf, Vec<u8>, std::fs::Metadata)> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            let metadata = std::fs::symlink_metadata(entry.path()).expect("metadata");
            if metadata.is_dir() {
                folders.push(entry.path());
            }
            let bytes =
                if metadata.is_file() { std::fs::read(entry.path()).expect("a file") } else { Vec::new() };
            found.push((entry.path(), bytes, metadata));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}
