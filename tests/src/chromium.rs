//! A real Chromium of one's own, without a window, driven through chromedriver.

use crate::run::{PATIENCE, Running};
use crate::{programs, world::World};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use thirtyfour::{Capabilities, WebDriver};

/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(40);

/// Counts what the content policy had to stop, in every document of the browser.
const LISTEN: &str = "window.__violations = []; document.addEventListener('securitypolicyviolation', \
    (event) => window.__violations.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}`));";

/// A browser with a data folder in the world's home. Dropping it ends driver and browser.
pub struct Chromium {
    /// The session.
    pub driver: WebDriver,
    http: reqwest::Client,
    session: String,
    data: PathBuf,
    // The driver program started the browser: it goes last.
    _program: Running,
}

impl Chromium {
    /// Starts one; `args` are Chromium's own.
    pub async fn open(world: &World, args: &[&str]) -> Result<Self> {
        let mut command = world.command("chromedriver");
        command.arg("--port=0");
        let mut program = Running::start(command);
        let line = program.wait_for("started successfully on port ");
        let port = line
            .rsplit(' ')
            .next()
            .and_then(|word| word.trim_end_matches('.').parse::<u16>().ok())
            .with_context(|| format!("no port in {line:?}"))?;
        let address = format!("http://127.0.0.1:{port}");
        let data = world.path(&format!("chromium-{port}"));
        let mut all = vec![format!("--user-data-dir={}", data.display())];
        all.extend(
            [
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--no-proxy-server",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,OptimizationHints,Translate",
                "--lang=en-US",
                "--window-size=1280,800",
                "--force-device-scale-factor=1",
            ]
            .map(str::to_owned),
        );
        all.extend(args.iter().map(|&arg| arg.to_owned()));
        let mut caps = Capabilities::new();
        caps.set("browserName", "chrome")?;
        caps.set("goog:chromeOptions", json!({ "binary": binary()?, "args": all }))?;
        caps.set("goog:loggingPrefs", json!({ "performance": "ALL", "browser": "ALL" }))?;
        let driver = WebDriver::new(&address, caps).await.context("Chromium did not start")?;
        driver.cdp().send_raw("Page.addScriptToEvaluateOnNewDocument", json!({ "source": LISTEN })).await?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        let session = format!("{address}/session/{}", driver.session_id());
        Ok(Self { driver, http, session, data, _program: program })
    }

    /// What a script returns.
    pub async fn js(&self, script: &str) -> Result<Value> {
        Ok(self.driver.execute(script, Vec::new()).await?.json().clone())
    }

    /// Waits until a script returns `true`, and says what the page shows if it does not.
    pub async fn wait_js(&self, what: &str, script: &str) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.js(script).await;
            if matches!(found, Ok(Value::Bool(true))) {
                return Ok(());
            }
            anyhow::ensure!(
                Instant::now() < deadline,
                "not in time: {what} ({found:?}); the page says:\n{}",
                crate::page::words(&self.driver).await
            );
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Light or dark, as the system would say it.
    pub async fn prefers(&self, scheme: &str) -> Result<()> {
        let media = json!({ "features": [
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]});
        self.driver.cdp().send_raw("Emulation.setEmulatedMedia", media).await?;
        Ok(())
    }

    /// Keeps a picture among the tests' artifacts, once light and once dark.
    pub async fn pictures(&self, name: &str) -> Result<()> {
        let folder = programs::checkout().join("tests/artifacts");
        std::fs::create_dir_all(&folder)?;
        for scheme in ["light", "dark"] {
            self.prefers(scheme).await?;
            // Two frames later the new colours are on screen.
            let painted = "const done = arguments[arguments.length - 1]; \
                requestAnimationFrame(() => requestAnimationFrame(() => done(true)));";
            self.driver.execute_async(painted, Vec::new()).await?;
            self.driver.screenshot(&folder.join(format!("{name}-{scheme}.png"))).await?;
        }
        self.prefers("light").await
    }

    async fn log(&self, kind: &str) -> Result<Vec<Value>> {
        let answer: Value = self
            .http
            .post(format!("{}/se/log", self.session))
            .header("content-type", "application/json")
            .body(json!({ "type": kind }).to_string())
            .send()
            .await?
            .json()
            .await?;
        Ok(answer["value"].as_array().cloned().unwrap_or_default())
    }

    /// Addresses that web pages asked for since the last look, sockets too. Reads the log: each is told once.
    pub async fn requested(&self) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for entry in self.log("performance").await? {
            let text = entry["message"].as_str().unwrap_or_default();
            let event: Value = serde_json::from_str(text).unwrap_or_default();
            let (method, params) = (&event["message"]["method"], &event["message"]["params"]);
            let address = match method.as_str().unwrap_or_default() {
                "Network.requestWillBeSent" => params["request"]["url"].as_str(),
                "Network.webSocketCreated" => params["url"].as_str(),
                _ => None,
            };
            // The browser's own start page is not a page of ours, and data lies in the page itself.
            let is_fetched = |url: &&str| !url.starts_with("chrome") && !url.starts_with("data:");
            found.extend(address.filter(is_fetched).map(str::to_owned));
        }
        Ok(found)
    }

    /// What went over the web sockets of web pages since the last look, as JSON: both directions, in order. Reads the same
    /// log as [`Self::requested`].
    pub async fn frames(&self) -> Result<Vec<Value>> {
        let mut found = Vec::new();
        for entry in self.log("performance").await? {
            let event: Value = serde_json::from_str(entry["message"].as_str().unwrap_or_default())?;
            let (method, params) = (&event["message"]["method"], &event["message"]["params"]);
            if ["Network.webSocketFrameSent", "Network.webSocketFrameReceived"]
                .iter()
                .any(|name| method == name)
            {
                let text = params["response"]["payloadData"].as_str().unwrap_or_default();
                found.extend(serde_json::from_str::<Value>(text));
            }
        }
        Ok(found)
    }

    /// What the content policy stopped: told to this document, and on the console since the last look.
    pub async fn violations(&self) -> Result<Vec<String>> {
        let mut found: Vec<String> = self
            .js("return window.__violations ?? ['nobody listened'];")
            .await?
            .as_array()
            .into_iter()
            .flatten()
            .map(ToString::to_string)
            .collect();
        for entry in self.log("browser").await? {
            let text = entry["message"].as_str().unwrap_or_default();
            if text.contains("Content Security Policy") {
                found.push(text.to_owned());
            }
        }
        Ok(found)
    }

    /// Ends the session, and with it the browser.
    pub async fn close(self) -> Result<()> {
        self.driver.clone().quit().await.context("the WebDriver session did not end")
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // A test that failed leaves the session open, and a killed driver would leave the browser behind.
        #[cfg(target_os = "linux")]
        for pid in crate::search::processes_of_folder(&self.data) {
            if let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
        let _ = &self.data;
    }
}

fn binary() -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .flat_map(|folder| ["chromium", "chromium-browser", "google-chrome"].map(|name| folder.join(name)))
        .find(|candidate| candidate.is_file())
        .context("Chromium is not installed: run `cargo xtask test`")
}
