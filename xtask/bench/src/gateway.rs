//! A prepared profile, and the gateway of it as a process.

use crate::socket;
use anyhow::{Context, Result};
use bulkhead_tests::{World, programs};
use std::process::{Child, Stdio};
use std::time::Duration;

/// The gateway's shared secret in all measurements.
pub const TOKEN: &str = "bench-token-0123456789abcdef0123456789abcdef";

/// A profile that is ready to be started.
pub struct Prepared {
    /// Its machine.
    pub world: World,
    /// Its base port.
    pub port: u16,
}

/// What a prepared profile talks to.
#[derive(Default)]
pub struct Outside {
    /// Base URL of the model.
    pub model: Option<String>,
    /// Root of the Bot API and the bot's token.
    pub telegram: Option<(String, String)>,
    /// File with the certificate authority to trust.
    pub authority: Option<String>,
}

/// Onboards `main` as a user would, with secrets in a file (a measurement needs no keychain dialog).
pub fn prepare(world: World, outside: &Outside) -> Result<Prepared> {
    let mut world = world;
    if let Some(file) = &outside.authority {
        world.set("SSL_CERT_FILE", file);
    }
    let port = bulkhead_tests::ports::base();
    let port_text = port.to_string();
    let mut args = vec![
        "onboard",
        "--non-interactive",
        "--accept-risk",
        "--mode",
        "local",
        "--gateway-auth",
        "token",
        "--gateway-token",
        TOKEN,
        "--gateway-port",
        &port_text,
        "--secrets",
        "file",
        "--no-install-daemon",
        "--json",
    ];
    match &outside.model {
        Some(url) => args.extend([
            "--auth-choice",
            "custom-api-key",
            "--custom-base-url",
            url,
            "--custom-model-id",
            "fake-1",
            "--custom-provider-id",
            "fake",
            "--custom-api-key",
            "bench-key",
            "--custom-compatibility",
            "openai",
        ]),
        None => args.extend(["--auth-choice", "skip"]),
    }
    if let Some((root, token)) = &outside.telegram {
        args.extend(["--telegram-bot-token", token, "--telegram-api-root", root]);
    }
    let out = world.bulkhead(&args);
    anyhow::ensure!(out.status.success(), "onboarding failed: {}", bulkhead_tests::world::text(&out));
    Ok(Prepared { world, port })
}

/// A started process, killed when dropped.
pub struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Prepared {
    /// Starts the gateway.
    pub fn spawn(&self) -> Result<Process> {
        let mut command = self.world.command(programs::bulkhead());
        command.args(["gateway", "run"]).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Process(command.spawn().context("the gateway did not start")?))
    }

    /// Starts the gateway and waits until it answers.
    pub async fn running(&self) -> Result<Process> {
        let process = self.spawn()?;
        socket::healthy(self.port, Duration::from_secs(20)).await?;
        Ok(process)
    }
}

/// Starts the baseline: a bare axum WebSocket server that answers every message with `payload` bytes.
pub async fn bare(payload: usize) -> Result<(Process, u16)> {
    let port = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let process = spawn_bare(port, payload)?;
    socket::healthy(port, Duration::from_secs(20)).await?;
    Ok((process, port))
}

/// Starts the baseline on a port, without waiting.
pub fn spawn_bare(port: u16, payload: usize) -> Result<Process> {
    let path = std::env::current_exe()?.with_file_name("bare-server");
    let child = std::process::Command::new(&path)
        .args([port.to_string(), payload.to_string()])
        .stdin(Stdio::null())
        .spawn()
        .with_context(|| format!("{} did not start", path.display()))?;
    Ok(Process(child))
}

/// Proportional set size of a process, in MiB.
pub fn pss(pid: u32) -> Result<f64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))
        .context("PSS is read from /proc: Linux only")?;
    let kib: f64 = text
        .lines()
        .find_map(|line| line.strip_prefix("Pss:"))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok())
        .context("no Pss line in smaps_rollup")?;
    Ok(kib / 1024.0)
}

/// Proportional set size of a process and all its descendants, in MiB.
pub fn pss_of_tree(pid: u32) -> f64 {
    let own = pss(pid).unwrap_or(0.0);
    own + children(pid).into_iter().map(pss_of_tree).sum::<f64>()
}

fn children(pid: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().filter_map(Result::ok) {
        let text = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        found.extend(text.split_whitespace().filter_map(|word| word.parse::<u32>().ok()));
    }
    found
}
