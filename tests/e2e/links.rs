//! Links from outside: they open a page, and never do more.

use crate::app_life::{app, create};
use crate::outside::Outside;
use anyhow::{Result, ensure};
use bulkhead_tests::World;
use bulkhead_tests::page;
use bulkhead_tests::run::PATIENCE;
use bulkhead_tests::screen::{Screen, Window};
use std::time::{Duration, Instant};

async fn comes_to(window: &Window, place: &str) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let url = window.driver.current_url().await?;
        if url.fragment() == Some(place) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "the window is at {url}, expected #{place}");
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
}

async fn value(window: &Window, testid: &str) -> Result<String> {
    let field = page::find(&window.driver, testid).await?;
    Ok(field.prop("value").await?.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_reaches_the_running_app_and_only_opens_a_page() -> Result<()> {
    let outside = Outside::new().await;
    let mut world = World::with_keychain();
    let profiles = create(&outside, &world, &["main", "rescue"], "keychain");
    let _screen = Screen::start(&mut world);
    let window = Window::open(&world, &[]).await?;
    for profile in &profiles {
        profile.answers().await;
    }
    let open = |link: &str| assert!(app(&world, &[link]).wait().success(), "{link}");
    open("bulkhead://chat/rescue/agent:main:main");
    comes_to(&window, "/chat/rescue/agent%3Amain%3Amain").await?;
    open("bulkhead://chat/main");
    comes_to(&window, "/chat/main").await?;

    let before = world.bulkhead_json(&["gateway", "call", "device.pair.list", "--json"]);
    open("bulkhead://pair?code=planted-Code_1");
    comes_to(&window, "/devices/main/planted-Code_1").await?;
    assert_eq!(value(&window, "pair-link-code").await?, "planted-Code_1");
    assert_eq!(world.bulkhead_json(&["gateway", "call", "device.pair.list", "--json"]), before);

    for link in [
        "bulkhead://approve/everything",
        "bulkhead://chat/nobody",
        "bulkhead://pair?code=%3Cscript%3E",
        "bulkhead:",
    ] {
        open(link);
        let said = page::find(&window.driver, "announcement-link-refused").await?.text().await?;
        ensure!(said.contains("Nothing was done"), "{link}: {said}");
        page::click(&window.driver, "announcement-link-refused-dismiss").await?;
        page::gone(&window.driver, "announcement-link-refused").await?;
    }
    comes_to(&window, "/devices/main/planted-Code_1").await?;
    window.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_starts_the_app_on_its_page() -> Result<()> {
    let outside = Outside::new().await;
    let mut world = World::with_keychain();
    create(&outside, &world, &["main"], "keychain");
    let _screen = Screen::start(&mut world);
    let window = Window::open(&world, &["bulkhead://pair?code=planted-Code_2&profile=main"]).await?;
    assert_eq!(value(&window, "pair-link-code").await?, "planted-Code_2");
    window.close().await
}
