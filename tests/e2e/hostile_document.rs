//! A document of the canvas that tries everything: nothing of it works, in the app's own window and in a browser.

use crate::app_life::create;
use crate::outside::{Outside, Profile};
use crate::web_ui::log_in;
use anyhow::{Context, Result, ensure};
use bulkhead_tests::World;
use bulkhead_tests::chromium::Chromium;
use bulkhead_tests::desk::Desk;
use bulkhead_tests::page::{click, find, state};
use bulkhead_tests::run::PATIENCE;
use bulkhead_tests::screen::{Screen, Window};
use bulkhead_tests::world::text;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, UdpSocket};

const DOCUMENT: &str = include_str!("hostile_document.html");

/// Somebody who would notice: every connection, every packet.
struct Canary {
    address: String,
    heard: Arc<Mutex<Vec<String>>>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Canary {
    async fn open() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("bind");
        let address = listener.local_addr().expect("address");
        let packets = UdpSocket::bind(address).await.expect("bind");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (asked, sent) = (Arc::clone(&heard), Arc::clone(&heard));
        let connections = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = vec![0_u8; 4096];
                let read = tokio::time::timeout(Duration::from_millis(500), stream.read(&mut head))
                    .await
                    .unwrap_or(Ok(0));
                let line = String::from_utf8_lossy(&head[..read.unwrap_or(0)])
                    .lines()
                    .next()
                    .unwrap_or("")
                    .to_owned();
                asked.lock().expect("heard").push(format!("tcp {line:?}"));
            }
        });
        let datagrams = tokio::spawn(async move {
            let mut packet = [0_u8; 2048];
            while let Ok((size, _)) = packets.recv_from(&mut packet).await {
                sent.lock().expect("heard").push(format!("udp {size} bytes"));
            }
        });
        Self { address: address.to_string(), heard, tasks: vec![connections, datagrams] }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("heard").clone()
    }

    fn document(&self, gateway: u16) -> String {
        DOCUMENT.replace("CANARY", &self.address).replace("GATEWAY", &format!("127.0.0.1:{gateway}"))
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

pub fn call(world: &World, method: &str, params: &Value) -> Result<Value> {
    let out = world.bulkhead(&["gateway", "call", method, "--params", &params.to_string(), "--json"]);
    ensure!(out.status.success(), "{method}: {}", text(&out));
    Ok(serde_json::from_slice(&out.stdout)?)
}

/// The agent shows the document.
fn present(world: &World, html: &str) -> Result<()> {
    let tool = json!({"action": "present", "html": html});
    let message = format!("DO: tool canvas {tool}; say \"done\"");
    let params = json!({"sessionKey": "main", "message": message, "idempotencyKey": "present"});
    call(world, "chat.send", &params).map(drop)
}

/// What a document told the agent: the data of an act, once it is in the conversation.
pub async fn told(world: &World, act: &str) -> Result<Value> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let history = call(world, "chat.history", &json!({"sessionKey": "main"}))?;
        let messages = history["messages"].as_array().cloned().unwrap_or_default();
        for message in &messages {
            let whole = message["content"].to_string();
            let Some(at) = whole.find(&format!("the person did \\\"{act}\\\"")) else { continue };
            let words = message["content"].as_str().map_or_else(
                || message["content"][0]["text"].as_str().unwrap_or(&whole[at..]).to_owned(),
                str::to_owned,
            );
            let data = words.split_once("not as instructions: ").context("data")?.1;
            return Ok(serde_json::from_str(data)?);
        }
        ensure!(Instant::now() < deadline, "no {act:?} in {history:#}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn nothing_worked(world: &World, canary: &Canary) -> Result<()> {
    let found = told(world, "findings").await?;
    ensure!(found == json!({}), "these worked: {found:#}");
    ensure!(canary.heard().is_empty(), "the network was reached: {:#?}", canary.heard());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_apps_window_nothing_works() -> Result<()> {
    let outside = Outside::new().await;
    let mut world = World::with_keychain();
    let profile = create(&outside, &world, &["main"], "keychain").remove(0);
    let screen = Screen::start(&mut world);
    let window = Window::open(&world, &[]).await?;
    state(&window.driver, "card-main-state", "data-state", "running").await?;
    let canary = Canary::open().await;
    until_a_node_is_allowed(&world).await?;
    present(&world, &canary.document(profile.port))?;
    let desk = Desk::new(&screen)?;
    desk.has(2).await?;
    nothing_worked(&world, &canary).await?;
    let place = told(&world, "still here").await?;
    ensure!(place == "/__openclaw__/canvas/", "the window went away: {place}");
    ensure!(canary.heard().is_empty(), "the network was reached: {:#?}", canary.heard());
    // The app is as it was: its own window, on its own page, and one window of the document (and perhaps a question
    // whether it may lead elsewhere, which nobody answered).
    let place = window.driver.current_url().await?;
    ensure!(place.scheme() == "tauri" && place.host_str() == Some("localhost"), "the app went to {place}");
    ensure!(desk.windows()?.len() <= 3, "windows: {:?}", desk.windows()?);
    window.close().await
}

pub async fn until_a_node_is_allowed(world: &World) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let list = call(world, "node.list", &json!({}))?;
        let commands = list["nodes"][0]["commands"].to_string();
        if commands.contains("canvas.present") {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "the app is no node: {list:#}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_browser_nothing_works() -> Result<()> {
    let outside = Outside::new().await;
    let world = World::new();
    let main: Profile = outside.onboard(&world, "main", None, "file");
    let _gateway = main.supervised(&world).await;
    let canary = Canary::open().await;
    let browser = Chromium::open(&world, &[]).await?;
    log_in(&browser, &main).await?;
    // Something that is worth stealing.
    browser.js("localStorage.setItem('secret', 'planted'); return true;").await?;
    present(&world, &canary.document(main.port))?;
    click(&browser.driver, "nav-canvas").await?;
    find(&browser.driver, "canvas-frame").await?;
    nothing_worked(&world, &canary).await?;
    // A frame that leaves is stopped by the web UI's own policy, and taken away.
    find(&browser.driver, "canvas-left").await?;
    ensure!(canary.heard().is_empty(), "the network was reached: {:#?}", canary.heard());
    let place = browser.driver.current_url().await?;
    ensure!(place.fragment().is_some_and(|page| page.starts_with("/canvas")), "the web UI went to {place}");
    ensure!(browser.driver.windows().await?.len() == 1, "another window opened");
    let kept =
        browser.js("return Object.keys(localStorage).includes('secret') && !('x' in localStorage);").await?;
    ensure!(kept == json!(true), "the web UI's storage was touched");
    browser.close().await
}
