//! Every screen of the real window beside the picture of it that is kept, light and dark, and in its states.

use crate::app_life::create;
use crate::outside::Outside;
use anyhow::{Context, Result};
use bulkhead_tests::World;
use bulkhead_tests::page::{click, fill, find, state};
use bulkhead_tests::picture;
use bulkhead_tests::screen::{Screen, Window};
use thirtyfour::WebDriver;

/// What changes from run to run is drawn the same: ports, times, sizes, codes; a caret does not blink into the picture.
const STILL: &str = "\
    const sheet = new CSSStyleSheet();\
    sheet.replaceSync('* { caret-color: transparent !important; transition: none !important; animation: none !important } .number, time, .changing { visibility: hidden !important }');\
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];";

async fn look(window: &Window, name: &str) -> Result<()> {
    // Two frames later what was asked for is painted.
    let painted = "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()))";
    window.driver.execute_async(painted, Vec::new()).await?;
    let screenshot = window.driver.screenshot_as_png().await.context("screenshot")?;
    window.screenshot(&format!("picture-{name}")).await?;
    picture::compare(name, &screenshot)
}

async fn theme(driver: &WebDriver, theme: &str) -> Result<()> {
    driver.execute(format!("document.documentElement.dataset.theme = '{theme}'"), Vec::new()).await?;
    Ok(())
}

/// Both themes of what is on the screen; everything that differs is told together.
async fn both(window: &Window, name: &str, wrong: &mut Vec<String>) -> Result<()> {
    for one in ["light", "dark"] {
        theme(&window.driver, one).await?;
        if let Err(error) = look(window, &format!("{name}-{one}")).await {
            wrong.push(error.to_string());
        }
    }
    Ok(())
}

/// A page, and what stands on it when it has loaded.
const PAGES: [(&str, &str); 11] = [
    ("home", "card-rescue-state"),
    ("chat", "chat-empty"),
    ("sessions", "sessions-empty"),
    ("approvals", "approvals-empty"),
    ("models", "provider-fake"),
    ("skills", "skills-none"),
    ("secrets", "secret"),
    ("config", "config-text"),
    ("usage", "usage-empty"),
    ("rescue", "rescue-status"),
    ("settings", "version"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_page_of_the_window_looks_as_it_did() -> Result<()> {
    let outside = Outside::new().await;
    let mut world = World::with_keychain();
    world.set("LANG", "en_GB.UTF-8");
    create(&outside, &world, &["main", "rescue"], "keychain");
    let _screen = Screen::start(&mut world);
    let window = Window::open(&world, &[]).await?;
    let driver = &window.driver;
    for card in ["card-main-state", "card-rescue-state"] {
        state(driver, card, "data-state", "running").await?;
    }
    driver.execute(STILL, Vec::new()).await?;
    let mut wrong = Vec::new();
    for (page, ready) in PAGES {
        click(driver, &format!("nav-{page}")).await?;
        find(driver, ready).await?;
        both(&window, page, &mut wrong).await?;
    }

    // Dialogs, and a gateway that is down.
    click(driver, "nav-secrets").await?;
    click(driver, "secret-replace").await?;
    fill(driver, "secret-value", "not stored").await?;
    both(&window, "secrets-replace", &mut wrong).await?;
    click(driver, "secret-set-cancel").await?;
    click(driver, "nav-models").await?;
    click(driver, "probe-fake").await?;
    state(driver, "probe-fake-result", "data-state", "ok").await?;
    click(driver, "change-fake").await?;
    find(driver, "model-base-url").await?;
    both(&window, "models-change", &mut wrong).await?;
    click(driver, "models-change-cancel").await?;
    click(driver, "nav-home").await?;
    click(driver, "card-main-stop").await?;
    state(driver, "card-main-state", "data-state", "stopped").await?;
    both(&window, "home-stopped", &mut wrong).await?;
    window.close().await?;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wizard_looks_as_it_did() -> Result<()> {
    let outside = Outside::new().await;
    let mut world = World::with_keychain();
    world.set("LANG", "en_GB.UTF-8");
    let _screen = Screen::start(&mut world);
    let window = Window::open(&world, &[]).await?;
    let driver = &window.driver;
    state(driver, "wizard", "data-page", "welcome").await?;
    state(driver, "detection", "data-state", "done").await?;
    driver.execute(STILL, Vec::new()).await?;
    let mut wrong = Vec::new();
    click(driver, "wizard-next").await?;
    state(driver, "wizard", "data-page", "model").await?;
    click(driver, "model-custom").await?;
    fill(driver, "model-base-url", "http://127.0.0.1:9/v1").await?;
    fill(driver, "model-id", "fake-1").await?;
    click(driver, "model-test").await?;
    state(driver, "model-check", "data-state", "failed").await?;
    both(&window, "wizard-model-failed", &mut wrong).await?;
    fill(driver, "model-base-url", &outside.model.openai_url()).await?;
    fill(driver, "model-api-key", &outside.key).await?;
    click(driver, "model-test").await?;
    state(driver, "model-check", "data-state", "ok").await?;
    both(&window, "wizard-model", &mut wrong).await?;
    for (page, name) in [("main", "wizard-main"), ("main-bot", "wizard-bot")] {
        click(driver, "wizard-next").await?;
        state(driver, "wizard", "data-page", page).await?;
        both(&window, name, &mut wrong).await?;
    }
    window.close().await?;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
