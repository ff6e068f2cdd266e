//! A gateway on another machine: attached in the window, lost and found again.

use crate::outside::Outside;
use anyhow::{Context, Result, ensure};
use bulkhead_tests::page::{self, click, fill, state};
use bulkhead_tests::screen::{Screen, Window};
use bulkhead_tests::way::Way;
use bulkhead_tests::world::text;
use bulkhead_tests::{World, search};
use std::time::{Duration, Instant};
use zbus::connection;

async fn attach(window: &Window, name: &str, url: &str, token: &str) -> Result<()> {
    click(&window.driver, "attach").await?;
    fill(&window.driver, "attach-name", name).await?;
    fill(&window.driver, "attach-url", url).await?;
    fill(&window.driver, "attach-secret", token).await?;
    click(&window.driver, "attach-dialog-confirm").await
}

async fn within(limit: Duration, what: &str, work: impl Future<Output = Result<()>>) -> Result<()> {
    let since = Instant::now();
    work.await.context(what.to_owned())?;
    ensure!(since.elapsed() < limit, "{what} took {:?}", since.elapsed());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_elsewhere_is_attached_lost_and_found_again() -> Result<()> {
    let outside = Outside::new().await;
    // The other machine.
    let there = World::new();
    let far = outside.onboard(&there, "main", None, "file");
    let mut gateway = far.supervised(&there).await;
    let way = Way::to(far.port);

    let mut world = World::with_keychain();
    world.set(
        "DBUS_SYSTEM_BUS_ADDRESS",
        world.environment()[std::ffi::OsStr::new("DBUS_SESSION_BUS_ADDRESS")].clone(),
    );
    let near = outside.onboard(&world, "main", None, "keychain");
    let mut own = near.running(&world).await;
    let _screen = Screen::start(&mut world);
    let window = Window::open(&world, &[]).await?;
    state(&window.driver, "card-main-state", "data-state", "running").await?;

    // Neither a wrong token nor an open line is taken.
    attach(&window, "away", &format!("ws://{}", way.address()), "wrong").await?;
    page::find(&window.driver, "attach-dialog").await?;
    until_text(&window, "attach-dialog", "refused").await?;
    fill(&window.driver, "attach-url", "ws://gate.example:18789").await?;
    click(&window.driver, "attach-dialog-confirm").await?;
    until_text(&window, "attach-dialog", "not encrypted").await?;
    fill(&window.driver, "attach-url", &format!("ws://{}", way.address())).await?;
    fill(&window.driver, "attach-secret", &far.token).await?;
    click(&window.driver, "attach-dialog-confirm").await?;
    page::gone(&window.driver, "attach-dialog").await?;
    state(&window.driver, "card-away-state", "data-state", "running").await?;
    ensure!(page::now(&window.driver, "card-away-stop").await.is_none(), "it is somebody else's");
    let config = std::fs::read_to_string(world.path(".bulkhead-away/bulkhead.json"))?;
    ensure!(config.contains("keychain") && config.contains("remote"), "{config}");
    let files = search::files_with(world.home(), &far.token, |_| false);
    ensure!(files.is_empty(), "its token is in {files:?}");

    // The way is cut: said at once, and found again by itself.
    way.close();
    within(Duration::from_secs(2), "the loss is told", async {
        state(&window.driver, "card-away-state", "data-state", "failed").await.map(drop)
    })
    .await?;
    let problem = page::find(&window.driver, "card-away-problem").await?.text().await?;
    ensure!(!problem.is_empty());
    tokio::time::sleep(Duration::from_secs(3)).await;
    way.open();
    within(Duration::from_secs(6), "it is found again", async {
        state(&window.driver, "card-away-state", "data-state", "running").await.map(drop)
    })
    .await?;

    // A computer that wakes up looks at once whether its connections still lead somewhere.
    let logind = connection::Builder::address(
        world.environment()[std::ffi::OsStr::new("DBUS_SESSION_BUS_ADDRESS")].to_string_lossy().as_ref(),
    )?
    .name("org.freedesktop.login1")?
    .build()
    .await?;
    let woke = async || {
        let (path, interface) = ("/org/freedesktop/login1", "org.freedesktop.login1.Manager");
        logind.emit_signal(None::<&str>, path, interface, "PrepareForSleep", &false).await
    };
    way.lose_everything();
    woke().await?;
    within(Duration::from_secs(4), "a dead connection is told", async {
        state(&window.driver, "card-away-state", "data-state", "failed").await.map(drop)
    })
    .await?;
    way.open();
    woke().await?;
    within(Duration::from_secs(2), "it is tried at once", async {
        state(&window.driver, "card-away-state", "data-state", "running").await.map(drop)
    })
    .await?;
    window.close().await?;
    for gateway in [&mut gateway, &mut own] {
        gateway.signal("TERM");
        gateway.wait();
    }
    Ok(())
}

async fn until_text(window: &Window, testid: &str, words: &str) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let text = page::find(&window.driver, testid).await?.text().await?;
        if text.contains(words) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{testid} says {text:?}, expected {words:?}");
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_nobody_vouches_for_is_compared_and_pinned() -> Result<()> {
    let outside = Outside::new().await;
    let there = World::new();
    let far = outside.onboard(&there, "main", None, "file");
    let out = there.bulkhead(&["config", "set", "gateway.tls.enabled", "true"]);
    ensure!(out.status.success(), "{}", text(&out));
    let mut gateway = far.running(&there).await;
    let fingerprint = there.bulkhead_json(&["gateway", "fingerprint", "--json"])["sha256"].clone();

    let mut world = World::with_keychain();
    let _screen = Screen::start(&mut world);
    let near = outside.onboard(&world, "main", None, "keychain");
    let window = Window::open(&world, &[]).await?;
    page::find(&window.driver, "card-main").await?;
    attach(&window, "away", &format!("wss://127.0.0.1:{}", far.port), &far.token).await?;
    let shown = page::find(&window.driver, "attach-fingerprint").await?.text().await?;
    ensure!(fingerprint == shown, "{fingerprint} is not {shown}");
    ensure!(
        !page::find(&window.driver, "attach-dialog-confirm").await?.is_enabled().await?,
        "nobody compared it yet"
    );
    click(&window.driver, "attach-compared").await?;
    click(&window.driver, "attach-dialog-confirm").await?;
    page::gone(&window.driver, "attach-dialog").await?;
    state(&window.driver, "card-away-state", "data-state", "running").await?;
    let config = std::fs::read_to_string(world.path(".bulkhead-away/bulkhead.json"))?;
    ensure!(config.contains(&shown), "{config}");
    window.close().await?;
    gateway.signal("TERM");
    gateway.wait();
    drop(near);
    Ok(())
}
