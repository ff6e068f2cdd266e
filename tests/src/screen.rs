//! A screen of one's own (Xvfb with a window manager), and the driver of WebKit windows.

use crate::run::{PATIENCE, Running};
use crate::{programs, world::World};
use anyhow::{Context, Result};
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use thirtyfour::{Capabilities, WebDriver};

/// A virtual screen; ends when dropped.
pub struct Screen {
    processes: Vec<Child>,
    display: String,
}

impl Screen {
    /// Starts Xvfb on a display number of its own choice, and openbox on it. Programs of the world get `DISPLAY`.
    pub fn start(world: &mut World) -> Self {
        // Xvfb writes the display it took to the file descriptor given: no race for a number.
        let mut server = world
            .command("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb is installed: run `cargo xtask test`");
        let mut number = String::new();
        BufReader::new(server.stdout.take().expect("a pipe")).read_line(&mut number).expect("Xvfb's display");
        let display = format!(":{}", number.trim());
        world.set("DISPLAY", &display);
        let manager = world
            .command("openbox")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("openbox is installed: run `cargo xtask test`");
        Self { processes: vec![manager, server], display }
    }

    /// Its name, `:N`.
    pub fn display(&self) -> &str {
        &self.display
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// The app's real window under WebDriver. Dropping it ends driver and app.
pub struct Window {
    /// The session.
    pub driver: WebDriver,
    // The driver program owns the app: it goes last.
    program: Running,
    /// The app. The driver only closes its window at the end of a session, and an app with a tray lives on.
    app: Option<u32>,
}

impl Window {
    /// Starts the app under WebKit's driver.
    pub async fn open(world: &World, args: &[&str]) -> Result<Self> {
        Self::open_program(world, &programs::app(), args).await
    }

    /// Starts another Tauri program under WebKit's driver.
    pub async fn open_program(world: &World, app: &std::path::Path, args: &[&str]) -> Result<Self> {
        // The driver's client speaks plain HTTP, and still can't be built without a provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let port = free_port();
        let mut command = world.command("WebKitWebDriver");
        command.env("TAURI_WEBVIEW_AUTOMATION", "true").arg(format!("--port={port}"));
        let program = Running::start(command);
        let mut caps = Capabilities::new();
        caps.set("browserName", "wry")?;
        caps.set("webkitgtk:browserOptions", serde_json::json!({ "binary": app, "args": args }))?;
        let address = format!("http://127.0.0.1:{port}");
        let deadline = std::time::Instant::now() + PATIENCE;
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            anyhow::ensure!(std::time::Instant::now() < deadline, "WebKitWebDriver did not listen on {port}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let driver = WebDriver::new(&address, caps).await.context("the app did not open under WebDriver")?;
        let app = children(program.id()).first().copied();
        Ok(Self { driver, program, app })
    }

    /// Process id of the driver, which is the parent of the app.
    pub fn driver_pid(&self) -> u32 {
        self.program.id()
    }

    /// Process id of the app.
    pub fn app_pid(&self) -> Option<u32> {
        self.app
    }

    /// Ends the session and then, as at the end of a login, the app.
    pub async fn close(self) -> Result<()> {
        self.driver.clone().quit().await.context("the WebDriver session did not end")?;
        let Some(app) = self.app else { return Ok(()) };
        signal(app, "TERM");
        let deadline = std::time::Instant::now() + PATIENCE;
        while lives(app) {
            anyhow::ensure!(std::time::Instant::now() < deadline, "the app did not end after SIGTERM");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Keeps a screenshot among the test's artifacts.
    pub async fn screenshot(&self, name: &str) -> Result<()> {
        let folder = programs::checkout().join("tests/artifacts");
        std::fs::create_dir_all(&folder)?;
        self.driver.screenshot(&folder.join(format!("{name}.png"))).await.context("screenshot")?;
        Ok(())
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        if let Some(app) = self.app.filter(|app| lives(*app)) {
            signal(app, "KILL");
        }
    }
}

/// Direct children of a process, where `/proc` tells.
fn children(pid: u32) -> Vec<u32> {
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    tasks
        .filter_map(Result::ok)
        .filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|text| text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// Whether a process runs; a dead one that nobody has reaped does not.
fn lives(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/status")).is_ok_and(|status| !status.contains("State:\tZ"))
}

#[cfg(unix)]
fn signal(pid: u32, name: &str) {
    use rustix::process::{Pid, Signal, kill_process};
    let signal = if name == "TERM" { Signal::TERM } else { Signal::KILL };
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

#[cfg(not(unix))]
fn signal(_pid: u32, _name: &str) {}

fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0))
        .and_then(|l| l.local_addr())
        .map(|a| a.port())
        .expect("a free port")
}
