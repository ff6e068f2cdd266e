//! The programs of a real OpenClaw against our gateway, beside the same against its own: `cargo xtask conformance`.
//!
//! They need an installed OpenClaw (`BULKHEAD_TEST_OPENCLAW`), which `cargo xtask conformance` installs.

use std::io::{Seek, Write};
use std::process::Command;
use std::sync::Mutex;

use bulkhead_tests::openclaw::OpenClaw;
use bulkhead_tests::world::text;
use bulkhead_tests::{Running, World, node};
use serde_json::json;

use crate::outside::{Bot, Outside, client, word};

mod cli;
mod control_ui;
mod tui;

/// A busy machine starts Node and all that in minutes.
const THEIR_START: std::time::Duration = std::time::Duration::from_mins(5);

/// One gateway, and a home from which a real OpenClaw's programs reach it as a remote one.
struct Side {
    // Ends before its files go.
    _gateway: Option<Mutex<Running>>,
    /// `ours` or `theirs`.
    name: &'static str,
    port: u16,
    token: String,
    /// Where the gateway lives.
    _world: World,
    /// Where its clients live.
    home: World,
}

/// Both gateways, set up in the same way, and what they talk to.
struct Scene {
    openclaw: OpenClaw,
    outside: Outside,
    ours: Side,
    theirs: Option<Side>,
}

impl Scene {
    /// Ours and a real one.
    async fn new() -> Self {
        let mut scene = Self::ours().await;
        scene.theirs = Some(scene.their_side().await);
        scene
    }

    /// Only ours. It also hosts their Control UI, which it takes up at its start.
    async fn ours() -> Self {
        let openclaw = OpenClaw::installed();
        let outside = Outside::new().await;
        let world = World::new();
        let bot = outside.bot("bench_bot");
        let main = outside.onboard(&world, "main", Some(&bot), "file");
        let root = openclaw.package().join("dist/control-ui");
        let root = json!(root.display().to_string()).to_string();
        let out = world.bulkhead(&["config", "set", "gateway.controlUi.root", &root, "--strict-json"]);
        assert!(out.status.success(), "config set: {}", text(&out));
        let gateway = main.running(&world).await;
        let home = client_home(main.port, &main.token);
        let ours = Side {
            name: "ours",
            port: main.port,
            token: main.token.clone(),
            _world: world,
            home,
            _gateway: Some(Mutex::new(gateway)),
        };
        Self { openclaw, outside, ours, theirs: None }
    }

    /// A real gateway, set up like ours; or the one that runs already, where `BULKHEAD_TEST_OPENCLAW_GATEWAY` says
    /// `PORT TOKEN`, which saves minutes while one works on these tests.
    async fn their_side(&self) -> Side {
        let world = World::new();
        if let Ok(running) = std::env::var("BULKHEAD_TEST_OPENCLAW_GATEWAY") {
            let (port, token) = running.split_once(' ').expect("PORT TOKEN");
            let (port, token) = (port.parse().expect("a port"), token.to_owned());
            let home = client_home(port, &token);
            return Side { name: "theirs", port, token, _world: world, home, _gateway: None };
        }
        let (port, token) = (bulkhead_tests::ports::base(), format!("gw-{}", word(40)));
        let bot: Bot = self.outside.bot("bench_bot");
        let model = (self.outside.model.openai_url(), self.outside.key.clone());
        let bot = (bot.token.as_str(), self.outside.telegram.base_url.as_str());
        self.openclaw.onboard(&world, port, &token, (&model.0, &model.1), bot);
        let mut gateway = Running::start(self.openclaw.command(&world, &["gateway"]));
        let url = format!("http://127.0.0.1:{port}/healthz");
        let deadline = std::time::Instant::now() + THEIR_START;
        while !client().get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            let late = std::time::Instant::now() > deadline;
            assert!(!late, "their gateway does not answer:\n{}", gateway.output());
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        let home = client_home(port, &token);
        Side { name: "theirs", port, token, _world: world, home, _gateway: Some(Mutex::new(gateway)) }
    }
}

/// A home whose OpenClaw is told of a gateway elsewhere.
fn client_home(port: u16, token: &str) -> World {
    let home = World::new();
    let folder = home.path(".openclaw");
    std::fs::create_dir_all(&folder).expect("folder");
    let config = json!({ "gateway": {
        "mode": "remote",
        "remote": { "url": format!("ws://127.0.0.1:{port}"), "token": token },
    }});
    std::fs::write(folder.join("openclaw.json"), config.to_string()).expect("configuration");
    home
}

impl Side {
    /// One of the real OpenClaw's commands.
    fn command(&self, openclaw: &OpenClaw, args: &[&str]) -> Command {
        let mut command = openclaw.command(&self.home, args);
        command.env("OPENCLAW_NO_RESPAWN", "1");
        command
    }

    /// A device waits for approval; the id of its request.
    fn knock(&self) -> String {
        let mut command = node::script(&self.home, "knock.mjs", &[&self.port.to_string()]);
        let mut input = tempfile::tempfile().expect("file");
        writeln!(input, "{}", self.token).expect("write");
        input.rewind().expect("rewind");
        let out = command.stdin(input).output().expect("node starts");
        assert!(out.status.success(), "{}: {}", self.name, text(&out));
        String::from_utf8_lossy(&out.stdout).trim().to_owned()
    }
}
