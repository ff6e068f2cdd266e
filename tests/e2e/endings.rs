//! What ends without being asked to: a gateway, the keychain, the screen, the app itself. The app says so within two seconds,
//! and goes on by itself when it is back.

use crate::app_life::{app, create, signal};
use crate::outside::Outside;
use crate::processes::{sidecars, until};
use anyhow::{Context, Result, ensure};
use bulkhead_tests::World;
use bulkhead_tests::page::{self, state};
use bulkhead_tests::screen::{Screen, Window};
use bulkhead_tests::tray::Tray;
use bulkhead_tests::way::Way;
use rustix::process::Signal;
use std::time::{Duration, Instant};

/// How soon it is said: within two seconds, where the machine has nothing else to do.
fn soon() -> Duration {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: f64 = load.split(' ').next().and_then(|text| text.parse().ok()).unwrap_or(0.0);
    #[allow(clippy::cast_precision_loss, reason = "a few processors")]
    let busy = load / std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as f64;
    Duration::from_secs(2).mul_f64(busy.clamp(1.0, 8.0))
}

async fn says(window: &Window, testid: &str, words: &str) -> Result<()> {
    let since = Instant::now();
    let said = loop {
        let text = match page::now(&window.driver, testid).await {
            Some(element) => element.text().await.unwrap_or_default(),
            None => String::new(),
        };
        if text.contains(words) {
            break since.elapsed();
        }
        ensure!(
            since.elapsed() < Duration::from_secs(20),
            "{testid} says {text:?}, expected {words:?}; the page: {}",
            page::words(&window.driver).await
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    ensure!(said < soon(), "{testid} said {words:?} after {said:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_gateway_is_told_whoever_runs_it() -> Result<()> {
    let outside = Outside::new().await;
    let mut world = World::with_keychain();
    let profiles = create(&outside, &world, &["main", "rescue"], "keychain");
    let alone = outside.onboard(&world, "alone", None, "keychain");
    let _screen = Screen::start(&mut world);
    // Three owners: the app, a supervisor of its own, nobody.
    let mut supervisor = profiles[1].supervised(&world).await;
    let mut run = alone.running(&world).await;
    let window = Window::open(&world, &[]).await?;
    for name in ["main", "rescue", "alone"] {
        state(&window.driver, &format!("card-{name}-state"), "data-state", "running").await?;
    }
    signal(profiles[0].gateway_pid(&world), Signal::KILL);
    says(&window, "card-main-ended", "signal 9").await?;
    state(&window.driver, "card-main-state", "data-state", "running").await?;

    signal(profiles[1].gateway_pid(&world), Signal::KILL);
    says(&window, "card-rescue-ended", "signal 9").await?;
    state(&window.driver, "card-rescue-state", "data-state", "running").await?;

    signal(alone.gateway_pid(&world), Signal::KILL);
    says(&window, "card-alone-problem", "ended without being asked to").await?;
    state(&window.driver, "card-alone-state", "data-state", "failed").await?;
    run.wait();
    let mut run = alone.running(&world).await;
    state(&window.driver, "card-alone-state", "data-state", "running").await?;
    // One that is asked to end is no news.
    run.signal("TERM");
    run.wait();
    state(&window.driver, "card-alone-state", "data-state", "stopped").await?;
    ensure!(page::now(&window.driver, "card-alone-problem").await.is_none());
    window.close().await?;
    supervisor.signal("TERM");
    supervisor.wait();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keychain_that_is_killed_or_locked_is_told_and_so_is_its_return() -> Result<()> {
    let outside = Outside::new().await;
    let mut world = World::with_keychain();
    let profile = create(&outside, &world, &["main"], "keychain").remove(0);
    let _screen = Screen::start(&mut world);
    let window = Window::open(&world, &[]).await?;
    state(&window.driver, "card-main-state", "data-state", "running").await?;
    world.lock_keychain();
    says(&window, "announcement-keychain", "locked").await?;
    world.unlock_keychain();
    page::gone(&window.driver, "announcement-keychain").await?;
    state(&window.driver, "card-main-state", "data-state", "running").await?;
    world.kill_keychain();
    // Whoever asks for it starts it anew, and then it is locked.
    says(&window, "announcement-keychain", "The keychain is").await?;
    // What runs goes on.
    profile.answers().await;
    world.unlock_keychain();
    page::gone(&window.driver, "announcement-keychain").await?;
    window.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_screen_that_goes_away_ends_the_app_in_order_and_the_next_start_says_so() -> Result<()> {
    let outside = Outside::new().await;
    let mut world = World::with_keychain();
    let profiles = create(&outside, &world, &["main", "rescue"], "keychain");
    let mut supervisor = profiles[1].supervised(&world).await;
    let service = profiles[1].gateway_pid(&world);
    let screen = Screen::start(&mut world);
    let _tray = Tray::start(&world).await?;
    let mut first = app(&world, &["--hidden", "--verbose"]);
    for profile in &profiles {
        profile.answers().await;
    }
    let own = profiles[0].gateway_pid(&world);
    until("main runs under the app", || sidecars(&world).contains(&own)).await;
    drop(screen);
    let status = first.wait();
    ensure!(!status.success(), "an app that lost its screen ended as if nothing was: {}", first.output());
    ensure!(sidecars(&world) == [service], "{:?}; {}", sidecars(&world), first.output());
    ensure!(!world.path(".bulkhead/run.json").exists(), "main was not stopped in order: {}", first.output());
    profiles[1].answers().await;

    let _screen = Screen::start(&mut world);
    let window = Window::open(&world, &[]).await?;
    let said = page::find(&window.driver, "announcement-ended-unexpectedly").await?.text().await?;
    ensure!(said.contains("screen"), "{said}");
    state(&window.driver, "card-main-state", "data-state", "running").await?;
    // An end as asked is no news. (The driver's own way to end a session is to kill.)
    signal(window.app_pid().context("an app")?, Signal::TERM);
    let mark = world.path(".config/ai.bulkhead.app/running.json");
    until("it ended as asked", || !mark.exists() && sidecars(&world) == [service]).await;
    drop(window);
    let window = Window::open(&world, &[]).await?;
    state(&window.driver, "card-main-state", "data-state", "running").await?;
    ensure!(page::now(&window.driver, "announcement-ended-unexpectedly").await.is_none());
    let pid = window.app_pid().context("an app")?;
    signal(pid, Signal::KILL);
    until("its gateway is gone", || sidecars(&world) == [service]).await;
    drop(window);
    let window = Window::open(&world, &[]).await?;
    let said = page::find(&window.driver, "announcement-ended-unexpectedly").await?.text().await?;
    ensure!(said.contains("killed"), "{said}");
    window.close().await?;
    supervisor.signal("TERM");
    supervisor.wait();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_goes_away_is_told_and_so_is_its_return() -> Result<()> {
    let mut outside = Outside::new().await;
    let way = Way::to(outside.telegram.address.port());
    outside.telegram.base_url = format!("http://{}", way.address());
    let mut world = World::with_keychain();
    let bot = outside.bot("ada_main_bot");
    let main = outside.onboard(&world, "main", Some(&bot), "keychain");
    let mut gateway = main.running(&world).await;
    let _screen = Screen::start(&mut world);
    let window = Window::open(&world, &[]).await?;
    state(&window.driver, "card-main-state", "data-state", "running").await?;
    way.close();
    let cut = Instant::now();
    state(&window.driver, "card-main-state", "data-state", "degraded").await?;
    ensure!(cut.elapsed() < soon(), "it was told after {:?}", cut.elapsed());
    way.open();
    let back = Instant::now();
    state(&window.driver, "card-main-state", "data-state", "running").await?;
    ensure!(back.elapsed() < Duration::from_secs(15), "its return was told after {:?}", back.elapsed());
    window.close().await?;
    gateway.signal("TERM");
    gateway.wait();
    Ok(())
}
