//! The real Control UI, hosted by our gateway, in a real Chromium: its pages open, and what they ask is answered.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bulkhead_tests::chromium::Chromium;
use bulkhead_tests::run::PATIENCE;
use serde_json::{Value, json};

use super::Scene;

/// Its pages, as its own links name them.
const PAGES: &[&str] = &[
    "/chat",
    "/sessions",
    "/overview",
    "/cron",
    "/logs",
    "/tasks",
    "/usage",
    "/agents",
    "/nodes",
    "/settings/channels",
    "/settings/config",
    "/settings/devices",
    "/settings/models",
    "/settings/skills",
    "/settings/general",
];

/// How long a page has to be silent until it counts as loaded.
const SILENCE: Duration = Duration::from_millis(1500);

/// All words of the page, those of its components too.
const WORDS: &str = "const words = []; const walk = (node) => { for (const child of node.childNodes) { \
    if (child.nodeType === 3) { if (child.textContent.trim()) words.push(child.textContent.trim()); } \
    else if (child.nodeType === 1 && !['STYLE', 'SCRIPT'].includes(child.tagName)) { \
    if (child.shadowRoot) walk(child.shadowRoot); walk(child); } } }; walk(document.body); return words.join(' | ');";

/// What it shows as an error.
const ERRORS: &str = "const found = []; const walk = (root) => { for (const one of root.querySelectorAll('*')) { \
    if (one.matches('.callout.danger, .app-toast, .cron-error-banner, .oc-banner-error') && one.checkVisibility()) \
    found.push(one.innerText.trim()); if (one.shadowRoot) walk(one.shadowRoot); } }; walk(document); return found;";

const FOCUS: &str = "const find = (root) => { const one = root.querySelector('textarea'); if (one) return one; \
    for (const host of root.querySelectorAll('*')) { if (host.shadowRoot) { const found = find(host.shadowRoot); \
    if (found) return found; } } }; const box = find(document); box?.focus(); return Boolean(box) && !box.disabled;";

/// What it asked, and what was answered.
#[derive(Default)]
struct Talk {
    asked: BTreeMap<String, String>,
    answered: BTreeSet<String>,
    failed: BTreeMap<String, String>,
    unserved: BTreeSet<String>,
    events: BTreeSet<String>,
}

impl Talk {
    fn hear(&mut self, frame: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match frame["type"].as_str() {
            Some("req") => {
                self.asked.insert(text(&frame["id"]), text(&frame["method"]));
            }
            Some("event") => {
                self.events.insert(text(&frame["event"]));
            }
            Some("res") => {
                let Some(method) = self.asked.remove(&text(&frame["id"])) else { return };
                if frame["ok"] == true {
                    self.answered.insert(method);
                } else if frame["error"]["details"]["reason"].is_string()
                    && text(&frame["error"]["message"]).starts_with("unknown method")
                {
                    self.unserved.insert(method);
                } else {
                    self.failed.insert(method, frame["error"].to_string());
                }
            }
            _ => {}
        }
    }
}

/// Waits until everything that was asked is answered, and nothing is asked any more.
async fn settle(browser: &Chromium, talk: &mut Talk) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    let mut last = Instant::now();
    while last.elapsed() < SILENCE {
        for frame in browser.frames().await? {
            if frame["type"] == "req" {
                last = Instant::now();
            }
            talk.hear(&frame);
        }
        if Instant::now() > deadline {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a real OpenClaw: cargo xtask conformance"]
async fn real_openclaw_control_ui_pages_open_without_an_error() -> Result<()> {
    let scene = Scene::ours().await;
    let side = &scene.ours;
    let browser = Chromium::open(&side.home, &[]).await?;
    let base = format!("http://127.0.0.1:{}", side.port);
    let mut talk = Talk::default();
    let deadline = Instant::now() + PATIENCE;
    loop {
        browser.driver.goto(&format!("{base}/#token={}", side.token)).await?;
        settle(&browser, &mut talk).await?;
        if browser.js("return document.title;").await?.to_string().contains("OpenClaw") {
            break;
        }
        ensure!(Instant::now() < deadline, "the page is not the Control UI: {}", browser.js(WORDS).await?);
    }

    browser.wait_js("a box to write in", FOCUS).await?;
    let cdp = browser.driver.cdp();
    cdp.send_raw("Input.insertText", json!({ "text": "DO: say \"al\" . \"pha\"" })).await?;
    let enter = |kind: &str| json!({ "type": kind, "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r" });
    cdp.send_raw("Input.dispatchKeyEvent", enter("keyDown")).await?;
    cdp.send_raw("Input.dispatchKeyEvent", enter("keyUp")).await?;
    let answered =
        WORDS.replace("return words.join(' | ');", "return words.some((word) => word === 'alpha');");
    browser.wait_js("an answer", &answered).await?;

    let mut problems = Vec::new();
    for page in PAGES {
        browser.driver.goto(&format!("{base}{page}")).await?;
        settle(&browser, &mut talk).await?;
        let errors = browser.js(ERRORS).await?;
        let errors: Vec<_> = errors.as_array().into_iter().flatten().cloned().collect();
        println!("{page:20} {} errors", errors.len());
        problems.extend(errors.iter().map(|error| format!("{page} shows {error}")));
    }
    let list = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(" ");
    println!(
        "answered: {}\nnot served, with a reason: {}\nevents: {}",
        list(&talk.answered),
        list(&talk.unserved),
        list(&talk.events)
    );
    problems.extend(talk.failed.iter().map(|(method, error)| format!("{method} failed: {error}")));
    ensure!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
    browser.close().await
}
