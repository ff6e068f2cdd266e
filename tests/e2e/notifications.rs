//! Notifications of the desktop: somebody at the computer is told what the watch sees, and a click opens the page.

use std::time::{Duration, Instant};

use anyhow::Result;
use bulkhead_tests::World;
use bulkhead_tests::desk::Desk;
use bulkhead_tests::notifications::Notifications;
use bulkhead_tests::run::PATIENCE;
use bulkhead_tests::screen::Screen;
use bulkhead_tests::world::text;

use crate::app_life::{app, create, signal};
use crate::outside::Outside;

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_main_is_told_on_the_screen_and_so_is_its_return() -> Result<()> {
    let outside = Outside::new().await;
    let mut world = World::with_keychain();
    let profiles = create(&outside, &world, &["main", "rescue"], "keychain");
    let out = world.bulkhead(&["--profile", "rescue", "config", "set", "rescue.watch", "main"]);
    assert!(out.status.success(), "{}", text(&out));
    let screen = Screen::start(&mut world);
    let (desk, desktop) = (Desk::new(&screen)?, Notifications::start(&world).await?);
    let mut app = app(&world, &["--hidden", "--verbose"]);
    for profile in &profiles {
        profile.answers().await;
    }
    let main = profiles[0].gateway_pid(&world);
    signal(main, rustix::process::Signal::STOP);
    let frozen = Instant::now();
    let told = desktop.wait("main is frozen", |one| one.title.contains("main")).await;
    let told = told.map_err(|error| error.context(app.output()))?;
    assert!(frozen.elapsed() < Duration::from_secs(10), "told after {:?}", frozen.elapsed());
    assert!(!told.silent && !told.text.is_empty(), "{told:?}");

    // The app listens a moment after it was told the notification's number; a person is never as quick as that.
    let clicked = Instant::now();
    while desk.windows()?.is_empty() {
        anyhow::ensure!(clicked.elapsed() < PATIENCE, "no window after the click: {}", app.output());
        desktop.click(told.id).await?;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    signal(main, rustix::process::Signal::CONT);
    let over = desktop.wait("main is well again", |one| one.title.contains("well again")).await?;
    assert!(over.title.contains("main"), "{over:?}");
    Ok(())
}
