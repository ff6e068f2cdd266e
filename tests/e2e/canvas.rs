//! What an agent draws, and what a person does on it.

use crate::app_life::create;
use crate::hostile_document::{call, told, until_a_node_is_allowed};
use crate::outside::Outside;
use crate::web_ui::log_in;
use anyhow::{Result, ensure};
use bulkhead_tests::chromium::Chromium;
use bulkhead_tests::desk::Desk;
use bulkhead_tests::page::{click, find, state};
use bulkhead_tests::run::PATIENCE;
use bulkhead_tests::screen::{Screen, Window};
use bulkhead_tests::{World, page};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const CATALOG: &str = "https://a2ui.org/specification/v0_9/catalogs/basic/catalog.json";

/// The words of a page, and a button in it, however deep in shadow trees.
const DEEP: &str = "const deep = (root, fits) => { for (const one of root.querySelectorAll('*')) { if (fits(one)) return one; \
    const below = one.shadowRoot && deep(one.shadowRoot, fits); if (below) return below; } return null; };";

fn agent(world: &World, key: &str, tool: &Value) -> Result<()> {
    let message = format!("DO: tool canvas {tool}; say \"done\"");
    call(world, "chat.send", &json!({"sessionKey": "main", "message": message, "idempotencyKey": key}))
        .map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_surface_is_drawn_changed_in_place_and_what_is_pressed_reaches_the_agent() -> Result<()> {
    let outside = Outside::new().await;
    let world = World::new();
    let main = outside.onboard(&world, "main", None, "file");
    let _gateway = main.supervised(&world).await;
    let browser = Chromium::open(&world, &[]).await?;
    log_in(&browser, &main).await?;
    click(&browser.driver, "nav-canvas").await?;
    find(&browser.driver, "canvas-empty").await?;

    let components = json!([
        {"id": "root", "component": "Column", "children": ["words", "button"]},
        {"id": "words", "component": "Text", "text": {"path": "/words"}},
        {"id": "button", "component": "Button", "child": "label", "action": {"event": {"name": "order", "context": {"size": "large"}}}},
        {"id": "label", "component": "Text", "text": "Order"},
    ]);
    let messages = json!([
        {"version": "v0.9", "createSurface": {"surfaceId": "menu", "catalogId": CATALOG}},
        {"version": "v0.9", "updateComponents": {"surfaceId": "menu", "components": components}},
        {"version": "v0.9", "updateDataModel": {"surfaceId": "menu", "path": "/words", "value": "Choose"}},
    ]);
    agent(&world, "r1", &json!({"action": "a2ui_push", "title": "Menu", "messages": messages}))?;
    find(&browser.driver, "canvas-frame").await?;
    browser.driver.clone().enter_frame(0).await?;
    let says = |words: &str| {
        format!("{DEEP} return deep(document, (one) => (one.innerText ?? '').includes('{words}')) !== null;")
    };
    browser.wait_js("the surface", &says("Choose")).await?;

    // Pushed into the page that is open: nothing is loaded anew.
    browser.js("window.stays = true; return true;").await?;
    let more = json!([{"version": "v0.9", "updateDataModel": {"surfaceId": "menu", "path": "/words", "value": "Hurry"}}]);
    agent(&world, "r2", &json!({"action": "a2ui_push", "messages": more}))?;
    browser.wait_js("the change", &says("Hurry")).await?;
    ensure!(browser.js("return window.stays === true;").await? == json!(true), "the page was loaded anew");

    browser
        .js(&format!("{DEEP} deep(document, (one) => one.tagName === 'BUTTON').click(); return true;"))
        .await?;
    browser.driver.clone().enter_default_frame().await?;
    let data = told(&world, "order").await?;
    ensure!(data["context"] == json!({"size": "large"}) && data["surfaceId"] == "menu", "{data}");
    browser.pictures("web-canvas").await?;
    let words = page::words(&browser.driver).await;
    ensure!(words.contains("The agent was told"), "{words}");
    browser.close().await
}

fn shown(world: &World) -> Result<Value> {
    Ok(call(world, "canvas.list", &json!({}))?["documents"][0]["shown"].clone())
}

async fn until_shown(world: &World, wanted: bool) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while shown(world)? != json!(wanted) {
        ensure!(Instant::now() < deadline, "the gateway is not told that shown is {wanted}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_app_shows_a_document_takes_a_picture_of_it_and_tells_when_it_is_closed() -> Result<()> {
    let outside = Outside::new().await;
    let mut world = World::with_keychain();
    create(&outside, &world, &["main"], "keychain");
    let screen = Screen::start(&mut world);
    let window = Window::open(&world, &[]).await?;
    state(&window.driver, "card-main-state", "data-state", "running").await?;
    until_a_node_is_allowed(&world).await?;
    let desk = Desk::new(&screen)?;
    let own = desk.has(1).await?;
    let html = "<!doctype html><body style='background: linear-gradient(red, blue)'><h1>Seen</h1>";
    agent(&world, "r1", &json!({"action": "present", "html": html}))?;
    let both = desk.has(2).await?;
    let document = *both.iter().find(|one| !own.contains(one)).expect("a window of its own");
    desk.is_painted(document, 50).await?;
    until_shown(&world, true).await?;

    agent(&world, "r2", &json!({"action": "snapshot"}))?;
    let pictures = world.path(".bulkhead/workspace/canvas");
    let deadline = Instant::now() + PATIENCE;
    let picture = loop {
        let found = std::fs::read_dir(&pictures).ok().and_then(|mut all| all.next()?.ok());
        if let Some(found) = found {
            break std::fs::read(found.path())?;
        }
        ensure!(
            Instant::now() < deadline,
            "no picture: {}",
            call(&world, "chat.history", &json!({"sessionKey": "main"}))?
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    ensure!(picture.starts_with(b"\x89PNG"), "{} bytes", picture.len());

    desk.close(document)?;
    desk.has(1).await?;
    until_shown(&world, false).await?;
    agent(&world, "r3", &json!({"action": "present"}))?;
    desk.has(2).await?;
    until_shown(&world, true).await?;
    agent(&world, "r4", &json!({"action": "hide"}))?;
    desk.has(1).await?;
    until_shown(&world, false).await?;
    window.close().await
}
